// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Tokens for apps: an ordinary token of this server, so that who signs in with it is a user to row-level security in every dialect, and a
/// refresh token that gets the next one.
extension Accounts {
    /// In seconds.
    public static let accessTokenLifetime: Int64 = 3600

    /// Begins a session of tokens.
    public func issueTokens(for account: Account, from client: SignInClient) async throws -> IssuedTokens {
        try issue(for: await begin(.tokens, for: account, from: client))
    }

    /// Gives another pair for a refresh token, which is good once. One that comes again ends the session: somebody else has it.
    /// - Throws: `StorageError` with `.unauthenticated`.
    public func refresh(_ text: String) async throws -> IssuedTokens {
        let time = now()
        guard let old = SessionToken(text) else { throw Self.notSignedIn }
        let new = SessionToken()
        let expiresAt = expiry(from: time)
        let rotated = try await runToEnd { [metadata] in
            try await metadata.rotateToken(from: old.digest, to: new.digest, at: time, expiresAt: expiresAt)
        }
        guard let (session, account) = rotated else { throw Self.notSignedIn }
        return try issue(for: SignedIn(account: account, session: session, token: new))
    }

    /// Whose an access token is. Nil when nobody of its subject has an account that can be used.
    public func account(of token: Principal) async throws -> Account? {
        guard let id = token.subject.flatMap({ AccountID($0) }), let account = try await metadata.account(id)?.account,
            account.disabledAt == nil
        else { return nil }
        return account
    }

    /// Ends the session that an access token was issued in: its refresh token is good no more, the token itself until it expires. Nothing
    /// happens to a token that is of none.
    public func endSession(of token: Principal) async throws {
        guard let id = token.subject.flatMap({ AccountID($0) }), let session = Self.session(of: token) else { return }
        _ = try await runToEnd { [metadata] in try await metadata.endSession(session, of: id) }
    }

    private static func session(of token: Principal) -> SessionID? {
        let claims = try? JSONDecoder().decode(SessionClaim.self, from: Data(token.claims.rawValue.utf8))
        return claims?.session.flatMap { SessionID($0) }
    }

    private func issue(for signedIn: SignedIn) throws -> IssuedTokens {
        guard let keys else { throw StorageError(.notConfigured, "There is no key to sign tokens with") }
        let (account, time) = (signedIn.account, now())
        let expiresAt = time.adding(seconds: Self.accessTokenLifetime)
        let claims = JSONWriter.object { writer in
            writer.field("iss", "magpie")
            writer.field("aud", configuration.tokenRole)
            writer.field("role", configuration.tokenRole)
            writer.field("sub", account.id.rawValue)
            writer.field("email", account.email.rawValue)
            writer.field("session_id", signedIn.session.id.rawValue)
            writer.field("iat", time.seconds)
            writer.field("exp", expiresAt.seconds)
        }
        return IssuedTokens(
            account: account, session: signedIn.session.id, accessToken: try keys.sign(JSONText(trusted: claims)),
            expiresAt: expiresAt, refreshToken: signedIn.token.text)
    }
}

/// What an access token says of its session.
private struct SessionClaim: Decodable {
    var session: String?

    private enum CodingKeys: String, CodingKey { case session = "session_id" }
}

/// What an app is given when somebody signs in. The tokens are secrets.
public struct IssuedTokens: Sendable, CustomStringConvertible {
    public var account: Account
    public var session: SessionID
    /// A JSON Web Token (RFC 7519).
    public var accessToken: String
    /// Of the access token.
    public var expiresAt: Timestamp
    public var refreshToken: String

    /// Not the tokens: logs need none.
    public var description: String { "tokens of session \(session)" }
}
