// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation

/// Somebody's being signed in, somewhere: a row of `magpie.account_sessions`. What proves it is not in it.
public struct AccountSession: Hashable, Sendable {
    /// What the holder shows.
    public enum Kind: String, Hashable, Sendable {
        /// A cookie: the same token from beginning to end.
        case cookie
        /// A refresh token, which changes each time it is used.
        case tokens
    }

    public var id: SessionID
    public var account: AccountID
    public var kind: Kind
    public var createdAt: Timestamp
    public var usedAt: Timestamp
    /// When it ends unless it is used before.
    public var expiresAt: Timestamp
    /// When it ends however much it is used.
    public var endsAt: Timestamp
    /// Where it began.
    public var client: SignInClient

    public init(
        id: SessionID = SessionID(), account: AccountID, kind: Kind, createdAt: Timestamp, usedAt: Timestamp,
        expiresAt: Timestamp, endsAt: Timestamp, client: SignInClient
    ) {
        self.id = id
        self.account = account
        self.kind = kind
        self.createdAt = createdAt
        self.usedAt = usedAt
        self.expiresAt = expiresAt
        self.endsAt = endsAt
        self.client = client
    }
}

/// Names a session in lists. Not a secret.
public struct SessionID: Hashable, Sendable, CustomStringConvertible {
    /// A UUID in lower case.
    public let rawValue: String

    /// A new one.
    public init() { self.rawValue = UUID().uuidString.lowercased() }

    /// An id read from the database.
    public init(stored rawValue: String) { self.rawValue = rawValue }

    /// An id from a request. Nil when it is no UUID.
    public init?(_ text: String) {
        guard let id = UUID(uuidString: text) else { return nil }
        self.rawValue = id.uuidString.lowercased()
    }

    public var description: String { rawValue }
}

/// Where somebody signs in from, for limits and for lists of sessions.
public struct SignInClient: Hashable, Sendable {
    /// An IP address. Empty where it is not known.
    public var address: String
    /// What the program calls itself, shortened.
    public var userAgent: String

    public init(address: String = "", userAgent: String = "") {
        self.address = String(address.prefix(64))
        self.userAgent = String(
            userAgent.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }.prefix(256).map(Character.init))
    }
}

/// What proves a session: 256 random bits, of which only the SHA-256 is kept.
public struct SessionToken: Hashable, Sendable, CustomStringConvertible {
    /// In base64url (RFC 4648 §5), 43 characters.
    public let text: String

    /// A new one.
    public init() {
        self.text = Base64URL.encode(SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) })
    }

    /// One that was shown. Nil when it can be none.
    public init?(_ text: String) {
        guard text.utf8.count == 43, Base64URL.decode(text)?.count == 32 else { return nil }
        self.text = text
    }

    /// What is kept of it.
    public var digest: SecretDigest { SecretDigest(of: text) }

    /// What has to come with a change beside the cookie, in a header: a page of another origin can send the cookie and does not know
    /// this. It says nothing of the token itself.
    public var antiForgeryToken: String {
        let code = HMAC<SHA256>.authenticationCode(
            for: Array("magpie anti-forgery".utf8), using: SymmetricKey(data: Array(text.utf8)))
        return Base64URL.encode(Array(code))
    }

    /// Whether a header says what has to come with a change. In constant time.
    public func isAntiForgeryToken(_ shown: String) -> Bool {
        SecretDigest(of: shown) == SecretDigest(of: antiForgeryToken)
    }

    /// Not the token: logs need none.
    public var description: String { "session token" }
}

/// A session with whose it is, and the token that its holder keeps.
public struct SignedIn: Sendable {
    public var account: Account
    public var session: AccountSession
    public var token: SessionToken
}
