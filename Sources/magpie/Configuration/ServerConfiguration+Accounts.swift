// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore

extension ServerConfiguration {
    /// How people sign in.
    struct AccountSettings: Sendable {
        var configuration: Accounts.Configuration
        /// In which field a proxy says whose request it is. Nil: whoever connects.
        var clientAddressField: HTTPField.Name?
    }
}

extension ServerConfiguration.AccountSettings {
    init(_ settings: Settings) throws {
        let idle = try settings.duration("SESSION_IDLE", atLeast: .seconds(1))
        let longest = try settings.duration("SESSION_LIFETIME", atLeast: .seconds(1))
        configuration = Accounts.Configuration(
            signUp: try settings.choice("SIGN_UP", of: Accounts.SignUp.self),
            appSignUp: try Self.appSignUp(settings),
            cost: PasswordCost(logarithm: try settings.integer("PASSWORD_COST", in: 14...20)),
            parallelHashings: try settings.integer("PASSWORD_HASHINGS", in: 1...64), idleLifetime: idle.components.seconds,
            longestLifetime: longest.components.seconds,
            plan: try settings.text("ACCOUNT_PLAN").map { _ in try settings.choice("ACCOUNT_PLAN", of: Plan.Name.self) },
            attempts: try settings.integer("SIGN_IN_ATTEMPTS", in: 0...1_000_000))
        clientAddressField = try settings.text("CLIENT_ADDRESS_HEADER").map { text in
            guard let name = HTTPField.Name(text) else {
                throw ConfigurationError(
                    "MAGPIE_CLIENT_ADDRESS_HEADER must be the name of a header such as X-Forwarded-For, not \(text)")
            }
            return name
        }
    }

    /// Whose tokens count is not this server's alone to say where the secret was given: policies may trust whoever another service let in.
    private static func appSignUp(_ settings: Settings) throws -> Accounts.AppSignUp {
        guard try settings.text("APP_SIGN_UP") == nil else {
            return try settings.choice("APP_SIGN_UP", of: Accounts.AppSignUp.self)
        }
        let othersSign = try settings.text("JWT_SECRET") != nil || settings.text("JWT_JWKS") != nil
        return othersSign ? .off : .open
    }
}
