// SPDX-License-Identifier: Apache-2.0

import BlobStores
import Foundation
import Logging
import MediaCore
import PostgresMetadata

/// The stores that blobs are in.
struct BlobDirectory: Sendable {
    let registry: BlobStoreRegistry
    private let managed: LocalBlobStore

    /// - Parameter create: whether a missing store may be made: at the first start only, since a disk that is not mounted looks
    ///   like a store that never was.
    static func open(
        _ configuration: ServerConfiguration, of metadata: PostgresMetadataStore, create: Bool, adopts: Bool = false,
        logger: Logger
    ) async throws -> BlobDirectory {
        let options = LocalBlobStore.Options(
            durability: configuration.durability == .fsync ? .fsync : .none,
            inlineReadBytes: configuration.limits.cachedObject)
        guard create || FileManager.default.fileExists(atPath: configuration.blobDirectory) else {
            throw StorageError(
                .notConfigured,
                "the database has objects, and \(configuration.blobDirectory), where their bytes should be, is missing: is its disk mounted?"
            )
        }
        let managed = try await LocalBlobStore.open(
            at: configuration.blobDirectory, create: create, options: options, logger: logger)
        do {
            try await StoreOwnership.require(managed, of: metadata, adopts: adopts)
        } catch {
            try await managed.close()
            throw error
        }
        return BlobDirectory(registry: try BlobStoreRegistry(stores: [.managed: managed]), managed: managed)
    }

    func close() async throws { try await managed.close() }

    /// Opens the stores for the time of `body`.
    static func with<Value: Sendable>(
        _ configuration: ServerConfiguration, of metadata: PostgresMetadataStore, create: Bool, logger: Logger,
        _ body: (BlobStoreRegistry) async throws -> Value
    ) async throws -> Value {
        let directory = try await open(configuration, of: metadata, create: create, logger: logger)
        do {
            let value = try await body(directory.registry)
            try await directory.close()
            return value
        } catch {
            try await directory.close()
            throw error
        }
    }
}
