// SPDX-License-Identifier: Apache-2.0

/// A namespace of objects with limits and visibility: a row of `storage.buckets`.
public struct Bucket: Hashable, Sendable {
    public var id: BucketID
    public var name: String
    /// The subject that made it. Nil when the service did.
    public var owner: String?
    public var isPublic: Bool
    /// In bytes. Nil: only the server's own limit holds.
    public var fileSizeLimit: Int64?
    /// Nil or empty: anything.
    public var allowedMimeTypes: [String]?
    /// `STANDARD` for every bucket made here.
    public var type: String
    public var createdAt: Timestamp?
    public var updatedAt: Timestamp?
    /// Where new blobs go. Nil: to the server's default store; also where a bucket is read that is not asked for its rules.
    public var ownStorage: BucketStorage?
    /// See `BucketSettings.directFrom`. Nil also where a bucket is read that is not asked for its rules.
    public var directFrom: Int64?

    public init(
        id: BucketID, name: String, owner: String? = nil, isPublic: Bool = false, fileSizeLimit: Int64? = nil,
        allowedMimeTypes: [String]? = nil, type: String = "STANDARD", createdAt: Timestamp? = nil, updatedAt: Timestamp? = nil,
        ownStorage: BucketStorage? = nil, directFrom: Int64? = nil
    ) {
        self.id = id
        self.name = name
        self.owner = owner
        self.isPublic = isPublic
        self.fileSizeLimit = fileSizeLimit
        self.allowedMimeTypes = allowedMimeTypes
        self.type = type
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.ownStorage = ownStorage
        self.directFrom = directFrom
    }
}

/// The store of a project's own that its new blobs go to.
public struct BucketStorage: Hashable, Sendable {
    public var backend: BackendID
    /// What stands before every key there. Empty, or ends in one `/`.
    public var pathPrefix: String

    public init(backend: BackendID, pathPrefix: String) {
        self.backend = backend
        self.pathPrefix = pathPrefix
    }
}

/// What an update changes; nil leaves a column as it is.
public struct BucketChanges: Hashable, Sendable {
    public var isPublic: Bool?
    /// The inner nil removes the limit.
    public var fileSizeLimit: Int64??
    /// The inner nil allows every type.
    public var allowedMimeTypes: [String]??

    public init(isPublic: Bool? = nil, fileSizeLimit: Int64?? = nil, allowedMimeTypes: [String]?? = nil) {
        self.isPublic = isPublic
        self.fileSizeLimit = fileSizeLimit
        self.allowedMimeTypes = allowedMimeTypes
    }

    public var isEmpty: Bool { isPublic == nil && fileSizeLimit == nil && allowedMimeTypes == nil }
}

/// Which buckets to list, and how.
public struct BucketQuery: Hashable, Sendable {
    public enum Column: String, Sendable, CaseIterable {
        case id, name
        case createdAt = "created_at"
        case updatedAt = "updated_at"
    }

    public var limit: Int?
    public var offset: Int?
    public var sortColumn: Column?
    public var order: SortOrder
    /// A literal, case-insensitive part of the id.
    public var search: String?

    public init(
        limit: Int? = nil, offset: Int? = nil, sortColumn: Column? = nil, order: SortOrder = .ascending, search: String? = nil
    ) {
        self.limit = limit
        self.offset = offset
        self.sortColumn = sortColumn
        self.order = order
        self.search = search
    }
}

public enum SortOrder: String, Hashable, Sendable, CaseIterable {
    case ascending = "asc"
    case descending = "desc"
}
