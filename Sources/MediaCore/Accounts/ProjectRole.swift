// SPDX-License-Identifier: Apache-2.0

/// What a member is in a project. Each may what those before it may.
public enum ProjectRole: String, Hashable, Sendable, CaseIterable, Comparable {
    /// Reads.
    case viewer
    /// Uploads, changes and deletes assets and folders.
    case member
    /// Changes the project's settings, its keys and its members, owners excepted.
    case admin
    /// Everything, other owners included.
    case owner

    /// Reads a role in letters of any case.
    public init?(word: String) { self.init(rawValue: word.lowercased()) }

    public static func < (a: ProjectRole, b: ProjectRole) -> Bool { a.rank < b.rank }

    private var rank: Int {
        switch self {
        case .viewer: 0
        case .member: 1
        case .admin: 2
        case .owner: 3
        }
    }

    /// What row-level security lets it do.
    public var right: ProjectRight {
        switch self {
        case .viewer: .read
        case .member: .write
        case .admin, .owner: .manage
        }
    }
}

/// What the holder of a key or a membership may do with the rows of its projects: the claim `right`, which the policies read.
public enum ProjectRight: String, Hashable, Sendable {
    /// See objects and the bucket.
    case read
    /// And write objects.
    case write
    /// And change the bucket. The right of every key.
    case manage
}

/// An account in a project: a row of `magpie.memberships`.
public struct ProjectMember: Hashable, Sendable {
    public var account: Account
    public var role: ProjectRole
    public var since: Timestamp

    public init(account: Account, role: ProjectRole, since: Timestamp) {
        self.account = account
        self.role = role
        self.since = since
    }
}

/// What became of a change to a membership.
public enum MembershipChange: Hashable, Sendable {
    case done
    /// The account is no member.
    case noMember
    /// It would have left the project without an owner who can sign in.
    case lastOwner
}
