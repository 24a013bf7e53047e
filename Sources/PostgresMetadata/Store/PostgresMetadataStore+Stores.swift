// SPDX-License-Identifier: Apache-2.0

public import MediaCore

/// Which blob store belongs to a database.
public struct StoreClaim: Hashable, Sendable {
    /// The store's own id.
    public let store: String
    /// What the store knows the database by. It comes along when the database is dumped and restored.
    public let database: String
}

/// The database's side of the tie between it and the store of a backend.
extension PostgresMetadataStore {
    /// The store that holds a backend's blobs. Nil before the first use.
    public func storeClaim(of backend: BackendID) async throws -> StoreClaim? {
        try await transaction([.scope(system(.upkeep)), .run(Self.readClaim, backend.rawValue)]) {
            try $0[0].optionalRow().map(Self.claim)
        }
    }

    /// Records the store of a backend where there is none yet. - Returns: the one on record.
    public func claimStore(_ store: String, of backend: BackendID) async throws -> StoreClaim {
        let steps: [Step] = [
            .scope(system(.upkeep)), .run(Self.insertClaim, backend.rawValue, store), .run(Self.readClaim, backend.rawValue),
        ]
        return try await transaction(steps) { try Self.claim($0[1].onlyRow()) }
    }

    /// Records the store of a backend instead of the one on record.
    public func replaceStore(by store: String, of backend: BackendID) async throws -> StoreClaim {
        try await transaction([.scope(system(.upkeep)), .run(Self.replaceClaim, backend.rawValue, store)]) {
            try Self.claim($0[0].onlyRow())
        }
    }

    private static func claim(_ row: Row) throws -> StoreClaim {
        StoreClaim(store: try row.string(0), database: try row.string(1))
    }

    private static let readClaim = SQL("store_claim_read", "SELECT store, database FROM magpie.backends WHERE id = $1")

    private static let insertClaim = SQL(
        "store_claim_insert", "INSERT INTO magpie.backends (id, store) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING")

    private static let replaceClaim = SQL(
        "store_claim_replace",
        """
        INSERT INTO magpie.backends (id, store) VALUES ($1, $2)
        ON CONFLICT (id) DO UPDATE SET store = excluded.store
        RETURNING store, database
        """)
}
