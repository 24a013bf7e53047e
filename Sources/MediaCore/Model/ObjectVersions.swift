// SPDX-License-Identifier: Apache-2.0

/// Whether a bucket keeps what is superseded or deleted.
public enum BucketVersioning: String, Hashable, Sendable, CaseIterable, Codable {
    /// Never switched on: nothing is kept.
    case off
    /// Everything is kept, each version under its own id.
    case enabled
    /// What was kept stays; what is written now has the id `null`, and there is one `null` version a key at most.
    case suspended
}

/// The name of a version inside its key.
public enum VersionID: Hashable, Sendable, CustomStringConvertible {
    /// Of what was written while versioning was off or suspended.
    case null
    case id(ObjectVersion)

    /// As it stands in requests.
    public init(_ text: String) { self = text == "null" ? .null : .id(ObjectVersion(stored: text)) }

    public var description: String {
        switch self {
        case .null: "null"
        case .id(let version): version.rawValue
        }
    }
}

/// One version of an object, or a delete marker, in a listing.
public struct VersionEntry: Hashable, Sendable {
    public var key: ObjectKey
    public var id: VersionID
    /// Whether a read without a version id means this one.
    public var isLatest: Bool
    public var isDeleteMarker: Bool
    /// The row's version, which a `null` version has as well.
    public var version: ObjectVersion?
    public var lastModified: Timestamp?
    /// As stored; nil for a delete marker.
    public var metadata: JSONText?
    /// The owner's subject.
    public var owner: String?
    /// When it was kept, which for bytes is when they ceased to be current. Nil for an object.
    public var supersededAt: Timestamp?

    public init(
        key: ObjectKey, id: VersionID, isLatest: Bool, isDeleteMarker: Bool, version: ObjectVersion?, lastModified: Timestamp?,
        metadata: JSONText?, owner: String?, supersededAt: Timestamp? = nil
    ) {
        self.key = key
        self.id = id
        self.isLatest = isLatest
        self.isDeleteMarker = isDeleteMarker
        self.version = version
        self.lastModified = lastModified
        self.metadata = metadata
        self.owner = owner
        self.supersededAt = supersededAt
    }
}

/// A page of all versions of a bucket: keys in byte order, the versions of each from the newest to the oldest.
public struct VersionQuery: Hashable, Sendable {
    public enum Position: Hashable, Sendable {
        /// Behind this version of this key; behind all of its versions when nil. A version that is gone by now counts as none: its key
        /// begins anew.
        case version(key: String, VersionID?)
        /// Behind every key that begins with this common prefix.
        case prefix(String)
    }

    public var prefix: String
    /// As in `KeyQuery`.
    public var delimiter: String?
    public var after: Position?
    /// More than `KeyQuery.maxLimit` counts as that.
    public var limit: Int

    public init(prefix: String = "", delimiter: String? = nil, after: Position? = nil, limit: Int = KeyQuery.maxLimit) {
        self.prefix = prefix
        self.delimiter = delimiter.flatMap { $0.isEmpty ? nil : $0 }
        self.after = after
        self.limit = limit
    }
}

/// One page of versions and common prefixes.
public struct VersionPage: Hashable, Sendable {
    public enum Item: Hashable, Sendable {
        case version(VersionEntry)
        case prefix(String)
    }

    public var items: [Item]
    /// Where the next page begins. Nil on the last, and when nothing was asked for.
    public var next: VersionQuery.Position?

    public init(items: [Item], next: VersionQuery.Position?) {
        self.items = items
        self.next = next
    }
}

/// What a read by version finds.
public enum FoundVersion: Hashable, Sendable {
    case object(ReadableObject, VersionID)
    /// A key was deleted here, at `createdAt`.
    case deleteMarker(VersionID, createdAt: Timestamp?)
}

/// What to delete: the object at a key, or one of its versions for good.
public struct ObjectDeletion: Hashable, Sendable {
    public var key: ObjectKey
    /// Nil: the object, which a versioned bucket keeps behind a delete marker.
    public var version: VersionID?
    /// What must hold of the object, or of the version named.
    public var condition: WriteCondition
    /// The row's version that `version` must still name, or `.preconditionFailed`. Another write may become the `null` version
    /// at any time, and a condition does not describe delete markers. Only looked at with a `version`.
    public var expected: ObjectVersion?

    public init(
        key: ObjectKey, version: VersionID? = nil, condition: WriteCondition = .none, expected: ObjectVersion? = nil
    ) {
        self.key = key
        self.version = version
        self.condition = condition
        self.expected = expected
    }

    /// Whether the version found by its name is the one meant.
    /// - Parameter record: of a delete marker too.
    /// - Throws: `StorageError` with `.preconditionFailed`; what `WriteCondition.require` throws.
    public func require(_ record: ObjectRecord, isMarker: Bool) throws(StorageError) {
        // A row that Magpie did not write may have no version; a listing gives it an empty one.
        if let expected, (record.version?.rawValue ?? "") != expected.rawValue { throw .preconditionFailed(record.address) }
        try condition.require(isMarker ? nil : record, at: record.address)
    }
}

/// What a deletion did.
public struct DeletionOutcome: Hashable, Sendable {
    /// The version that was removed for good, if one was named.
    public var removed: VersionID?
    /// Whether what was removed for good was a delete marker.
    public var removedMarker: Bool
    /// The delete marker that was written.
    public var marker: VersionID?

    public init(removed: VersionID? = nil, removedMarker: Bool = false, marker: VersionID? = nil) {
        self.removed = removed
        self.removedMarker = removedMarker
        self.marker = marker
    }
}
