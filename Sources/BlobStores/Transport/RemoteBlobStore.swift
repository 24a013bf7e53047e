// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
public import MediaCore
import NIOCore
import Synchronization

/// Keeps blobs in a bucket that is the server's own: below `{prefix}blobs/`, parts of blobs to be below `{prefix}parts/`, and in
/// `{prefix}store.json` which store this is and whose.
///
/// Durable means here what the service means by it: an answer that says so. Each kind of service has its own `open`.
public final class RemoteBlobStore: BlobStore {
    public let preferredPartBytes: Int64? = 256 << 20

    let service: any ObjectService
    let layout: RemoteLayout
    let blobs: ObjectBlobs
    private let marker: Mutex<RemoteStoreMarker>
    /// The parts that calls of this process are writing to.
    let appending = Mutex<Set<String>>([])

    private init(service: any ObjectService, layout: RemoteLayout, marker: RemoteStoreMarker) {
        self.service = service
        self.layout = layout
        self.marker = Mutex(marker)
        blobs = ObjectBlobs(service: service, prefix: layout.blobs)
    }

    /// Opens the store in a bucket, which must be there.
    /// - Parameters:
    ///   - service: closed where this fails.
    ///   - create: whether a missing store may be made: a wrong prefix looks like a store that never was.
    /// - Throws: `StorageError` with `.notConfigured` when there is no store and none may be made, or no such bucket;
    ///   `.backendUnavailable` when the service does not answer or does not know the credentials.
    static func open(
        _ service: any ObjectService, bucket: String, prefix: String, create: Bool, logger: Logger
    ) async throws -> RemoteBlobStore {
        let layout = RemoteLayout(prefix: prefix)
        do {
            let marker = try await RemoteStoreMarker.open(service, layout, create: create)
            for warning in try await service.prepare(probes: layout.probes) { logger.warning("\(warning)") }
            return RemoteBlobStore(service: service, layout: layout, marker: marker)
        } catch {
            try await service.close()
            guard let failure = error as? ServiceFailure else { throw error }
            guard failure.isMissingBucket else { throw failure.storageError }
            throw StorageError(.notConfigured, "There is no bucket \(bucket) at the storage service", cause: failure)
        }
    }

    /// Closes the connections. Nothing may be called afterwards.
    public func close() async throws { try await service.close() }

    /// Names this store among others; it never changes.
    public var id: String { marker.withLock { $0.id } }

    /// What the database that this store belongs to calls itself. Nil before the store is told of one.
    public var databaseID: String? { marker.withLock { $0.database } }

    /// Makes the store belong to a database, durably. To be called by one process at a time.
    public func belong(to databaseID: String) async throws {
        var changed = marker.withLock { $0 }
        changed.database = databaseID
        let (written, service, layout) = (changed, service, layout)
        try await mapped { try await written.write(service, layout, onlyIfFree: false) }
        marker.withLock { $0 = written }
    }
}

// MARK: - Blobs

extension RemoteBlobStore {
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
}

/// Where a store keeps what.
struct RemoteLayout: Sendable {
    let prefix: String

    var marker: String { prefix + "store.json" }
    var blobs: String { prefix + "blobs/" }
    var parts: String { prefix + "parts/" }
    var probes: String { prefix + "probes/" }
}
