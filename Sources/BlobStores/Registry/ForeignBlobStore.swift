// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// Blobs in somebody else's bucket, at keys as they are given: no mark of its own, no parts, nothing to sweep, and nothing asked of the service
/// before there is something to do.
struct ForeignBlobStore: ClosableBlobStore {
    private let service: any ObjectService
    private let blobs: ObjectBlobs

    init(_ service: any ObjectService) {
        self.service = service
        self.blobs = ObjectBlobs(service: service, prefix: "")
    }

    func close() async throws { try await service.close() }

    func put(_ body: ByteStream, at key: BlobKey) async throws -> BlobInfo { try await blobs.put(body, at: key) }

    func get(_ key: BlobKey, range: ByteRange?) async throws -> BlobContent { try await blobs.get(key, range: range) }

    func info(_ key: BlobKey) async throws -> BlobInfo { try await blobs.info(key) }

    func copy(_ source: BlobKey, to destination: BlobKey) async throws -> BlobInfo {
        try await blobs.copy(source, to: destination)
    }

    func delete(_ keys: [BlobKey]) async throws { try await blobs.delete(keys) }

    func list(prefix: String, after cursor: String?, limit: Int) async throws -> BlobPage {
        try await blobs.list(prefix: prefix, after: cursor, limit: limit)
    }

    // MARK: What comes in several requests is gathered in the server's own store.

    var preferredPartBytes: Int64? { nil }

    func beginMultipart(at key: BlobKey) async throws -> MultipartID { throw Self.noParts }

    func putPart(_ body: ByteStream, as number: PartNumber, of id: MultipartID, at key: BlobKey) async throws -> BlobPart {
        throw Self.noParts
    }

    func appendPart(
        _ body: ByteStream, to part: BlobPart, takingOver: Bool, of id: MultipartID, at key: BlobKey
    ) async throws -> BlobPart { throw Self.noParts }

    func completeMultipart(_ id: MultipartID, at key: BlobKey, parts: [BlobPart]) async throws -> BlobInfo { throw Self.noParts }

    func abortMultipart(_ id: MultipartID, at key: BlobKey) async throws {}

    func visitUnfinishedMultiparts(
        before date: Timestamp, batch: Int, _ visit: ([UnfinishedMultipart]) async throws -> Void
    ) async throws {}

    func sweepUnfinished(before date: Timestamp) async throws -> Int { 0 }

    private static let noParts = StorageError(.unsupported, "A project's own storage takes blobs as a whole")
}
