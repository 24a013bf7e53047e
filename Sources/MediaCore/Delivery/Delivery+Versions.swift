// SPDX-License-Identifier: Apache-2.0

/// Reading by version.
extension Delivery {
    /// What a version is: an object that `open(_:range:preconditions:)` opens, or a delete marker. Nil means the newest.
    /// - Throws: `StorageError` with what `ObjectVersionStore.version` throws; `.accessDenied` as `open(_:range:preconditions:access:)`.
    public func find(_ version: VersionID?, at address: ObjectAddress, access: Access) async throws -> FoundVersion {
        try requireGrant(access, for: address)
        let found = try await metadata.version(version, at: address, access: access)
        if case .object = found { try await originals.require(access, toOriginalAt: address) }
        return found
    }

    /// Opens the bytes of a version that was found. They never change, but may be gone meanwhile.
    /// - Throws: `StorageError` with `.preconditionFailed`, `.rangeNotSatisfiable`, `.blobMissing`.
    public func open(
        _ object: ReadableObject, range: ByteRange? = nil, preconditions: Preconditions = .none
    ) async throws -> Delivered {
        let details = ObjectMetadata(parsing: object.record.metadata)
        try preconditions.check(object.record, details)
        if preconditions.saveTransfer(of: object.record, details) {
            return Delivered(object: object, details: details, outcome: .notModified)
        }
        let range = preconditions.allowRange(of: object.record, details) ? range : nil
        return try await open(object, details, range: range, ticket: nil)
    }
}

extension Preconditions {
    /// Whether the object may be read at all. RFC 9110 §13.2.2: `If-Unmodified-Since` counts only without `If-Match`.
    /// - Throws: `StorageError` with `.preconditionFailed`.
    public func check(_ record: ObjectRecord, _ details: ObjectMetadata) throws(StorageError) {
        if let ifMatch {
            guard ObjectMatch(field: ifMatch).describes(record) else { throw .preconditionFailed(record.address) }
        } else if let ifUnmodifiedSince, let modified = details.lastModified ?? record.updatedAt {
            guard modified.seconds <= ifUnmodifiedSince.seconds else { throw .preconditionFailed(record.address) }
        }
    }

    /// Whether the object may be copied: what would spare a reader the transfer fails a copy.
    /// - Throws: `StorageError` with `.preconditionFailed`.
    public func checkForCopy(_ record: ObjectRecord, _ details: ObjectMetadata) throws(StorageError) {
        try check(record, details)
        if saveTransfer(of: record, details) { throw .preconditionFailed(record.address) }
    }
}
