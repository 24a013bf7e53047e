// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Names a file, and its ticket before that. It is a part of the file's key, and no secret.
public struct FileID: Hashable, Comparable, Sendable, CustomStringConvertible {
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

    public static func < (a: FileID, b: FileID) -> Bool { a.rawValue < b.rawValue }

    public var description: String { rawValue }
}

/// Who may see a file. Row-level security holds to it in every dialect.
public enum FileVisibility: String, Hashable, Sendable, CaseIterable {
    /// Everybody, without any token.
    case `public`
    /// Its owner.
    case `private`
    /// Whoever is signed in.
    case protected
    /// Its owner, and those it is shared with.
    case shared
}

/// What kind of owner a file has.
public enum FileOwnerKind: String, Hashable, Sendable, CaseIterable {
    /// Somebody who is signed in.
    case user
    /// Somebody who is not, and is known by a session.
    case session
    /// The project's own servers.
    case service
    /// Nobody in particular.
    case `public`
}

/// Whose a file is.
public struct FileOwner: Hashable, Sendable {
    public var kind: FileOwnerKind
    /// The subject (`sub`) of their tokens. Nil for a service, and for nobody.
    public var subject: String?

    public init(kind: FileOwnerKind, subject: String?) {
        self.kind = kind
        self.subject = subject
    }

    /// Whoever makes a call.
    init(of principal: Principal) {
        self.init(kind: principal.subject == nil ? .service : .user, subject: principal.subject)
    }
}

/// What bkend calls the category of an upload and the bucket of a file: an attribute, and the first segment of the key.
public enum FileLabel: String, Hashable, Sendable, CaseIterable {
    case images, documents, media, attachments, exports, backups, temp, avatars, files
}
