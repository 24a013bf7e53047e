// SPDX-License-Identifier: Apache-2.0

import BlobStores
import Foundation
import Logging
import MediaCore

/// The blob stores in use.
struct Blobs: Sendable {
    let registry: BlobStoreRegistry
    private let local: LocalBlobStore

    /// Opens the disk store; makes it where there is none, unless the database says that there should be one.
    ///
    /// Call it after the database has been migrated.
    /// - Throws: `StorageError` with `.notConfigured` when the store of existing objects is missing: its disk is perhaps not mounted.
    static func open(
        _ configuration: ServerConfiguration, metadata: any MetadataStore, logger: Logger
    ) async throws -> Blobs {
        let options = LocalBlobStore.Options(durability: configuration.durability == .fsync ? .fsync : .none)
        let path = configuration.blobDirectory
        let store: LocalBlobStore
        if try await hasMarker(path) {
            store = try await .open(at: path, create: false, options: options, logger: logger)
        } else {
            guard try await !knowsBlobs(metadata) else {
                throw StorageError(
                    .notConfigured,
                    "the database has objects whose bytes should be in \(path), where there is no store: is its disk mounted?")
            }
            store = try await .open(at: path, create: true, options: options, logger: logger)
        }
        return Blobs(
            registry: try BlobStoreRegistry(stores: [.managed: store], defaultBackend: .managed), local: store)
    }

    /// Ends the disk store; nothing may use it afterwards.
    func close() async throws { try await local.close() }

    private static func hasMarker(_ path: String) async throws -> Bool {
        try await BlockingWork.run { FileManager.default.fileExists(atPath: path + "/store.json") }
    }

    /// Whether an object's bytes are on the disk store. Objects of an adopted database may have no known place.
    private static func knowsBlobs(_ metadata: any MetadataStore) async throws -> Bool {
        var last: ObjectID?
        repeat {
            let page = try await metadata.objects(after: last, limit: 500)
            if page.contains(where: { $0.blob?.backend == .managed }) { return true }
            last = page.last?.record.id
        } while last != nil
        return false
    }
}
