// SPDX-License-Identifier: Apache-2.0

import BlobStores
import Foundation
import Logging
import MediaCore
import PostgresMetadata

/// The stores that blobs are in.
struct BlobDirectory: Sendable {
    let registry: BlobStoreRegistry
    /// Nil where no CDN serves the bucket that new blobs go to.
    let publisher: S3Publisher?
    private let stores: [any OwnedBlobStore]
    /// Those of projects.
    let own: OwnBlobStores
    /// Opens stores that projects bring along.
    let opener: OwnBackendOpener

    /// - Parameter create: whether a missing store may be made: at the first start only, since a disk that is not mounted looks
    ///   like a store that never was.
    static func open(
        _ configuration: ServerConfiguration, _ secrets: Secrets, of metadata: PostgresMetadataStore, create: Bool,
        adopts: Bool = false, logger: Logger
    ) async throws -> BlobDirectory {
        let opener = OwnBackendOpener(
            policy: configuration.ownStorage, inlineReadBytes: configuration.limits.cachedObject)
        let own = OwnBlobStores(
            vault: BackendVault(metadata: metadata, masterKey: secrets.masterKeyBytes), opener: opener, metadata: metadata,
            logger: logger)
        let managed = try await openManaged(configuration, create: create, logger: logger)
        var stores: [any OwnedBlobStore] = [managed]
        do {
            try await StoreOwnership.require(managed, as: .managed, of: metadata, adopts: adopts)
            guard let r2 = configuration.r2 else {
                return BlobDirectory(
                    registry: try BlobStoreRegistry(stores: [.managed: managed], own: own), publisher: nil, stores: stores,
                    own: own, opener: opener)
            }
            // Made where the database never had one: a wrong bucket would be taken for a store that lost everything.
            let isNew = try await metadata.storeClaim(of: .r2) == nil
            let remote = try await RemoteBlobStore.open(r2.service, create: isNew, logger: logger)
            stores.append(remote)
            try await StoreOwnership.require(remote, as: .r2, of: metadata, adopts: adopts)
            return BlobDirectory(
                registry: try BlobStoreRegistry(stores: [.managed: managed, .r2: remote], defaultBackend: .r2, own: own),
                publisher: r2.publicURL.map { url in
                    S3Publisher(store: remote, backend: .r2, prefix: "compute/", publicURL: url)
                }, stores: stores, own: own, opener: opener)
        } catch {
            for store in stores { try await store.close() }
            throw error
        }
    }

    private static func openManaged(
        _ configuration: ServerConfiguration, create: Bool, logger: Logger
    ) async throws -> LocalBlobStore {
        let options = LocalBlobStore.Options(
            durability: configuration.durability == .fsync ? .fsync : .none,
            inlineReadBytes: configuration.limits.cachedObject)
        guard create || FileManager.default.fileExists(atPath: configuration.blobDirectory) else {
            throw StorageError(
                .notConfigured,
                "the database has objects, and \(configuration.blobDirectory), where their bytes should be, is missing: is its disk mounted?"
            )
        }
        return try await LocalBlobStore.open(
            at: configuration.blobDirectory, create: create, options: options, logger: logger)
    }

    /// Follows what others change in the database.
    func apply(_ change: MetadataChange) {
        switch change {
        case .backend, .lostTrack:
            // Owned by nobody: it drops entries of a list. In whatever order such changes are taken, what is dropped is opened anew.
            Task { [registry] in await registry.apply(change) }
        case .object, .bucket, .accessKey, .jobs, .projectKey, .tracking: break
        }
    }

    func close() async throws {
        await own.close()
        for store in stores { try await store.close() }
    }

    /// Opens the stores for the time of `body`.
    static func with<Value: Sendable>(
        _ configuration: ServerConfiguration, _ secrets: Secrets, of metadata: PostgresMetadataStore, create: Bool,
        logger: Logger, _ body: (BlobDirectory) async throws -> Value
    ) async throws -> Value {
        let directory = try await open(configuration, secrets, of: metadata, create: create, logger: logger)
        do {
            let value = try await body(directory)
            try await directory.close()
            return value
        } catch {
            try await directory.close()
            throw error
        }
    }
}
