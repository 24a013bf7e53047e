// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A person who signs in with an e-mail address and a password: a row of `magpie.accounts`. The hash of the password is not in it.
public struct Account: Hashable, Sendable {
    public var id: AccountID
    public var email: EmailAddress
    /// As the person is to be called. May be empty.
    public var name: String
    /// Whether it runs the server: an owner of every project, and the one who makes projects of any plan.
    public var isOperator: Bool
    /// Whether somebody made it in an app, who only had to hold the app's key: nobody has shown that the address is theirs. It runs
    /// nothing, makes no projects, and is made a member of one only by whoever runs the server.
    public var isAppUser: Bool
    public var createdAt: Timestamp
    /// Since when it can't be used. Nil: it can.
    public var disabledAt: Timestamp?

    public init(
        id: AccountID = AccountID(), email: EmailAddress, name: String = "", isOperator: Bool = false, isAppUser: Bool = false,
        createdAt: Timestamp, disabledAt: Timestamp? = nil
    ) {
        self.id = id
        self.email = email
        self.name = name
        self.isOperator = isOperator
        self.isAppUser = isAppUser
        self.createdAt = createdAt
        self.disabledAt = disabledAt
    }
}

/// Names an account, and is the subject (`sub`) of what it does. Not a secret.
public struct AccountID: Hashable, Sendable, CustomStringConvertible {
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

/// An e-mail address in the one form that it is compared and kept in: NFC, lower case, without spaces around it.
///
/// RFC 5321 §2.4 would let the part before the `@` differ in case; no provider of mail does, and people do not either.
public struct EmailAddress: Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String

    /// Nil unless the text may be an address (RFC 5321 §4.5.3.1). Whether it is somebody's only a letter tells.
    public init?(_ text: String) {
        let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
        let normal = trimmed.precomposedStringWithCanonicalMapping.lowercased().precomposedStringWithCanonicalMapping
        let parts = normal.split(separator: "@", omittingEmptySubsequences: false)
        let isAddress =
            parts.count == 2 && parts.allSatisfy { !$0.isEmpty } && normal.utf8.count <= Self.longest
            && normal.unicodeScalars.allSatisfy { !$0.properties.isWhitespace && $0.properties.generalCategory != .control }
        guard isAddress else { return nil }
        self.rawValue = normal
    }

    /// An address read from the database.
    public init(stored rawValue: String) { self.rawValue = rawValue }

    public var description: String { rawValue }

    private static let longest = 254
}
