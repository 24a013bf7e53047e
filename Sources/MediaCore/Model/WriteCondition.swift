// SPDX-License-Identifier: Apache-2.0

/// What must hold of the object at an address for a write or a deletion to happen. RFC 9110 §13.1.
///
/// It is decided in the transaction that makes the change, under the lock on the address: of any number of racing writers with
/// conditions that exclude each other exactly one wins.
public enum WriteCondition: Hashable, Sendable {
    case none
    /// `If-None-Match: *`: no object may be there. A delete marker is no object. Otherwise `.preconditionFailed`.
    case ifAbsent
    /// An object must be there, or `.objectNotFound`, and be the one described, or `.preconditionFailed`.
    case ifMatch(ObjectMatch)
}

/// A description of the one object that a conditional write is meant for. What is nil is not looked at.
public struct ObjectMatch: Hashable, Sendable {
    /// Any of these entity tags, with or without quotes, by strong comparison.
    public var entityTags: [String]?
    /// In bytes.
    public var size: Int64?
    /// Compared in whole seconds, as HTTP dates are.
    public var lastModified: Timestamp?
    /// The very version: what a background task looked at before.
    public var version: ObjectVersion?

    public init(
        entityTags: [String]? = nil, size: Int64? = nil, lastModified: Timestamp? = nil, version: ObjectVersion? = nil
    ) {
        self.entityTags = entityTags
        self.size = size
        self.lastModified = lastModified
        self.version = version
    }

    /// `If-Match: *`.
    public static let anything = ObjectMatch()

    /// The value of an `If-Match` field: `*` or a list of entity tags. Weak tags match nothing.
    public init(field: String) {
        let tags = EntityTag.list(field)
        self.init(entityTags: tags.contains("*") ? nil : tags)
    }
}

extension WriteCondition {
    /// Whether `record` may be superseded or deleted, or a key without one may be written.
    /// - Throws: `StorageError` with `.preconditionFailed` or `.objectNotFound`.
    public func require(_ record: ObjectRecord?, at address: ObjectAddress) throws(StorageError) {
        switch self {
        case .none: return
        case .ifAbsent: if record != nil { throw .preconditionFailed(address) }
        case .ifMatch(let match):
            guard let record else { throw .objectNotFound(address) }
            guard match.describes(record) else { throw .preconditionFailed(address) }
        }
    }
}

extension ObjectMatch {
    /// Whether `record` is the object described.
    public func describes(_ record: ObjectRecord) -> Bool {
        let details = ObjectMetadata(parsing: record.metadata)
        if let entityTags, !entityTags.contains(where: { EntityTag.isStrong($0, sameAs: record.entityTag(details)) }) {
            return false
        }
        if let size, details.size != size { return false }
        if let lastModified, (details.lastModified ?? record.updatedAt)?.seconds != lastModified.seconds { return false }
        if let version, record.version != version { return false }
        return true
    }
}

extension StorageError {
    public static func preconditionFailed(_ address: ObjectAddress) -> StorageError {
        StorageError(
            .preconditionFailed, "At least one of the pre-conditions you specified did not hold", resource: address.key.rawValue)
    }
}
