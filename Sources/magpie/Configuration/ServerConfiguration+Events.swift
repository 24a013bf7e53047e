// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore

extension ServerConfiguration {
    /// Where events go.
    struct Events: Sendable {
        /// Never logged: receivers put secrets into it.
        var url: String
        var apiKey: String?
        var secret: String?
        var muting: EventMuting
        var timeout: Duration
        var retry: Duration
    }
}

extension ServerConfiguration.Events {
    /// A secret that can't be guessed from a signature.
    private static let shortestSecret = 16

    /// Nil without a URL. - Throws: `ConfigurationError`, which does not repeat what may be secret.
    init?(_ settings: Settings) throws {
        muting = try Self.muting(settings.text("EVENTS_MUTED") ?? "")
        apiKey = try settings.text("WEBHOOK_API_KEY")
        secret = try settings.text("WEBHOOK_SECRET")
        // RFC 9110 §5.5: what a field value may hold.
        guard apiKey?.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) ?? true else {
            throw ConfigurationError("MAGPIE_WEBHOOK_API_KEY must be printable ASCII without spaces")
        }
        guard secret.map({ $0.utf8.count >= Self.shortestSecret }) ?? true else {
            throw ConfigurationError("MAGPIE_WEBHOOK_SECRET must have at least \(Self.shortestSecret) bytes")
        }
        timeout = try settings.duration("WEBHOOK_TIMEOUT", atMost: .seconds(300))
        retry = try settings.duration("WEBHOOK_RETRY", atLeast: .seconds(1), atMost: .seconds(3600))
        guard let text = try settings.text("WEBHOOK_URL") else {
            guard apiKey == nil, secret == nil else {
                throw ConfigurationError("MAGPIE_WEBHOOK_URL must be given with MAGPIE_WEBHOOK_API_KEY or MAGPIE_WEBHOOK_SECRET")
            }
            return nil
        }
        guard let parts = URLComponents(string: text), parts.scheme == "http" || parts.scheme == "https",
            parts.host?.isEmpty == false, parts.user == nil, parts.fragment == nil
        else { throw ConfigurationError("MAGPIE_WEBHOOK_URL must be a URL such as https://app.example.com/hooks/storage") }
        url = text
    }

    private static func muting(_ text: String) throws -> EventMuting {
        do {
            return try EventMuting(parsing: text)
        } catch {
            throw ConfigurationError("MAGPIE_EVENTS_MUTED: \(error.entry) names no event")
        }
    }
}
