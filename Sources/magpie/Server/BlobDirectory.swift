// SPDX-License-Identifier: Apache-2.0

import BlobStores
import Logging
import MediaCore

/// Opens the stores that blobs are in.
enum BlobDirectory {
    /// - Parameter create: whether a missing store may be made: at the first start only, since a disk that is not mounted looks
    ///   like a store that never was.
    static func open(_ configuration: ServerConfiguration, create: Bool, logger: Logger) async throws -> BlobStoreRegistry {
        let options = LocalBlobStore.Options(
            durability: configuration.durability == .fsync ? .fsync : .none,
            inlineReadBytes: configuration.limits.cachedObject)
        let managed = try await LocalBlobStore.open(
            at: configuration.blobDirectory, create: create, options: options, logger: logger)
        return try BlobStoreRegistry(stores: [.managed: managed])
    }
}
