// SPDX-License-Identifier: Apache-2.0

/// A bucket with a plan and keys of its own: a row of `magpie.projects`.
public struct Project: Hashable, Sendable {
    /// The bucket that it is.
    public var id: BucketID
    public var plan: Plan
    /// An e-mail address. Nil: nobody in particular.
    public var owner: String?
    public var createdAt: Timestamp

    public init(id: BucketID, plan: Plan, owner: String? = nil, createdAt: Timestamp) {
        self.id = id
        self.plan = plan
        self.owner = owner
        self.createdAt = createdAt
    }
}

/// What a project holds now.
public struct ProjectTotals: Hashable, Sendable {
    /// The current ones.
    public var objects: Int64
    /// Of the current objects, and of the versions that a versioned bucket keeps besides.
    public var bytes: Int64

    public init(objects: Int64, bytes: Int64) {
        self.objects = objects
        self.bytes = bytes
    }

    public static let none = ProjectTotals(objects: 0, bytes: 0)
}
