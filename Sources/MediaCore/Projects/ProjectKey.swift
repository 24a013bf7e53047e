// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A key of projects as it is stored: rows of `magpie.api_keys` and `magpie.api_key_projects`. Its secret is not in it.
public struct ProjectKey: Hashable, Sendable {
    /// How a key is shown to the server.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// A public id with a secret; the secret alone is as good.
        case pair
        /// A secret alone.
        case single
        /// Meant to be seen by everybody: it names the project, and opens nothing by itself.
        case publishable
        /// The secret beside a publishable key.
        case secret

        /// Whether a plan counts it. The publishable key and its secret come with the project.
        public var isCounted: Bool { self == .pair || self == .single }
        /// Whether it is shown to the project's own servers only, and so acts for the project.
        public var isSecret: Bool { self != .publishable }
    }

    public var id: ProjectKeyID
    public var kind: Kind
    /// The public half of a pair.
    public var clientID: String?
    public var digest: SecretDigest
    /// What it opens, in byte order. None once its projects are gone.
    public var projects: [BucketID]
    /// What it is for. Nil: all of it.
    public var scopes: [KeyScope]?
    public var description: String
    public var createdAt: Timestamp
    /// When it opens nothing any more. Nil: it does not end.
    public var expiresAt: Timestamp?
    public var revokedAt: Timestamp?

    public init(
        id: ProjectKeyID = ProjectKeyID(), kind: Kind, clientID: String? = nil, digest: SecretDigest, projects: [BucketID],
        scopes: [KeyScope]? = nil, description: String = "", createdAt: Timestamp, expiresAt: Timestamp? = nil,
        revokedAt: Timestamp? = nil
    ) {
        self.id = id
        self.kind = kind
        self.clientID = clientID
        self.digest = digest
        self.projects = projects.sorted()
        self.scopes = scopes
        self.description = description
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.revokedAt = revokedAt
    }
}

/// Names a key in commands and logs. Not a secret.
public struct ProjectKeyID: Hashable, Sendable, CustomStringConvertible {
    /// A UUID in lower case.
    public let rawValue: String

    /// A new one.
    public init() { self.rawValue = UUID().uuidString.lowercased() }

    /// An id read from the database.
    public init(stored rawValue: String) { self.rawValue = rawValue }

    public var description: String { rawValue }
}

/// What the key or the membership of a principal opens: projects, and nothing besides.
public struct ProjectScope: Hashable, Sendable {
    /// Tells keys apart, in rates and logs. Not the secret.
    public var keyID: String
    public var projects: [BucketID]
    /// What it lets its holder do there.
    public var right: ProjectRight
    /// Whose membership it is. Nil: a key, which is nobody's.
    public var subject: AccountID?

    public init(
        keyID: String, projects: [BucketID], right: ProjectRight = .manage, subject: AccountID? = nil
    ) {
        self.keyID = keyID
        self.projects = projects
        self.right = right
        self.subject = subject
    }

    /// The Postgres role of every key of projects. No token can name it, for its claims say what the policies let it see.
    public static let role = "magpie_project"

    /// What the policies read: `magpie.caller_projects()` and those like it. A key, which may all there is to do, says nothing of that.
    var claims: JSONText {
        JSONText(
            trusted: JSONWriter.object { writer in
                writer.field("role", Self.role)
                writer.key("projects")
                writer.array(projects) { $0.string($1.rawValue) }
                if subject != nil || right != .manage { writer.field("right", right.rawValue) }
                writer.field("sub", subject?.rawValue)
                if !keyID.isEmpty { writer.field("key_id", keyID) }
            })
    }
}
