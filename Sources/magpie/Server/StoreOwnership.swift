// SPDX-License-Identifier: Apache-2.0

import BlobStores
import MediaCore
import PostgresMetadata

/// The tie between a database and the store of its blobs: each knows the other's id.
///
/// What a database does not know it takes for left over, and removes it. So a store must never be opened with a database that is
/// not its own: an empty one because a setting was forgotten, an old copy, somebody else's.
enum StoreOwnership {
    /// Checks the tie, and makes it where there is none.
    ///
    /// - Parameter adopts: makes it whatever either side says: the operator knows that they belong together.
    /// - Throws: `StorageError` with `.notConfigured` that says what to do.
    static func require(
        _ store: any OwnedBlobStore, as backend: BackendID, of metadata: PostgresMetadataStore, adopts: Bool
    ) async throws {
        let claim = try await metadata.storeClaim(of: backend)
        if let claim, claim.store == store.id, claim.database == store.databaseID { return }
        if adopts {
            return try await store.belong(to: metadata.replaceStore(by: store.id, of: backend).database)
        }
        if let claim, claim.store != store.id { throw otherStore }
        if let owner = store.databaseID, owner != claim?.database { throw otherDatabase }
        // The store is new, or older than this tie. Then it must hold something that the database knows.
        guard try await knows(metadata, store, backend) else { throw otherDatabase }
        let made = try await metadata.claimStore(store.id, of: backend)
        guard made.store == store.id else { throw otherStore }
        try await store.belong(to: made.database)
    }

    private static func knows(
        _ metadata: PostgresMetadataStore, _ store: any OwnedBlobStore, _ backend: BackendID
    ) async throws -> Bool {
        let keys = try await store.list(prefix: "", after: nil, limit: 500).blobs.map(\.key)
        if keys.isEmpty { return true }
        return try await metadata.unknownBlobs(among: keys, in: backend).count < keys.count
    }

    private static let otherStore = StorageError(
        .notConfigured,
        "the database keeps its objects' bytes in another store than that of this data directory: is MAGPIE_DATA_DIR right, and its disk "
            + "mounted? Servers that share a database share the store. If this is the store, moved or restored: "
            + "magpie migrate --adopt-store")

    private static let otherDatabase = StorageError(
        .notConfigured,
        "the store of this data directory belongs to another database: is MAGPIE_DATABASE_URL set as it was? With the wrong database every "
            + "file would count as left over and be removed. If the database is the right one, moved or restored: "
            + "magpie migrate --adopt-store")
}
