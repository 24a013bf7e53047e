// SPDX-License-Identifier: Apache-2.0

public import MediaCore

/// Keeps blobs in a bucket that is somebody else's, who may keep other things there too.
///
/// Keys are whole keys of the bucket. There is no marker, nothing is learned by trying, and making the store asks the service nothing.
/// What is there is never taken for left over: only the caller's rows say what is ours, so nothing is swept. The rights to get, put and
/// delete objects are enough; only `list` needs one more. Parts have no place here, since they could be found again by listing only:
/// they are gathered elsewhere, and put as one body.
public struct CustomerBlobStore: ClosableBlobStore {
    public let preferredPartBytes: Int64? = nil

    let blobs: ObjectBlobs

    init(_ service: any ObjectService) { blobs = ObjectBlobs(service: service, prefix: "") }

    /// Closes the connections. Nothing may be called afterwards.
    public func close() async throws { try await blobs.service.close() }

    public func put(_ body: ByteStream, at key: BlobKey) async throws -> BlobInfo { try await blobs.put(body, at: key) }

    public func get(_ key: BlobKey, range: ByteRange?) async throws -> BlobContent { try await blobs.get(key, range: range) }

    public func info(_ key: BlobKey) async throws -> BlobInfo { try await blobs.info(key) }

    public func copy(_ source: BlobKey, to destination: BlobKey) async throws -> BlobInfo {
        try await blobs.copy(source, to: destination)
    }

    public func delete(_ keys: [BlobKey]) async throws { try await blobs.delete(keys) }

    public func list(prefix: String, after cursor: String?, limit: Int) async throws -> BlobPage {
        try await blobs.list(prefix: prefix, after: cursor, limit: limit)
    }

    /// - Throws: `StorageError` with `.unsupported`.
    public func beginMultipart(at key: BlobKey) async throws -> MultipartID { throw Self.noParts }

    /// - Throws: `StorageError` with `.unsupported`.
    public func putPart(_ body: ByteStream, as number: PartNumber, of id: MultipartID, at key: BlobKey) async throws -> BlobPart {
        throw Self.noParts
    }

    /// - Throws: `StorageError` with `.unsupported`.
    public func appendPart(
        _ body: ByteStream, to part: BlobPart, takingOver: Bool, of id: MultipartID, at key: BlobKey
    ) async throws -> BlobPart { throw Self.noParts }

    /// - Throws: `StorageError` with `.unsupported`.
    public func completeMultipart(_ id: MultipartID, at key: BlobKey, parts: [BlobPart]) async throws -> BlobInfo {
        throw Self.noParts
    }

    /// None can have been begun, so there is nothing to end.
    public func abortMultipart(_ id: MultipartID, at key: BlobKey) async throws {}

    /// Shows none: none can have been begun.
    public func visitUnfinishedMultiparts(
        before date: Timestamp, batch: Int, _ visit: ([UnfinishedMultipart]) async throws -> Void
    ) async throws {}

    /// Removes nothing: what a crash leaves is for the owner's lifecycle rules.
    public func sweepUnfinished(before date: Timestamp) async throws -> Int { 0 }

    private static var noParts: StorageError {
        StorageError(.unsupported, "A customer's bucket takes blobs as a whole: parts are gathered elsewhere")
    }
}
