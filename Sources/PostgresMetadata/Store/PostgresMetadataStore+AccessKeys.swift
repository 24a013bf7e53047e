// SPDX-License-Identifier: Apache-2.0

public import MediaCore

/// Key pairs of the S3 dialect, as system.
extension PostgresMetadataStore {
    public func insertAccessKey(_ key: StoredAccessKey) async throws {
        let insert = Step.run(
            Self.insertKey, key.id.rawValue, key.sealedSecret, key.claims.rawValue, key.description,
            Parameter.timestamp(key.createdAt))
        let isNew = try await transaction([.scope(system(.upkeep)), insert]) { try $0[0].optionalRow() != nil }
        guard isNew else {
            throw StorageError(.invalidRequest, "There is an access key of this id", resource: key.id.rawValue)
        }
    }

    public func accessKey(_ id: AccessKeyID) async throws -> StoredAccessKey? {
        try await transaction([.scope(system(.upkeep)), .run(Self.readKey, id.rawValue)]) {
            try $0[0].optionalRow().map { try StoredAccessKey($0) }
        }
    }

    public func accessKeys() async throws -> [StoredAccessKey] {
        try await transaction([.scope(system(.upkeep)), .run(Self.listKeys)]) {
            try $0[0].rows.map { try StoredAccessKey($0) }
        }
    }

    public func revokeAccessKey(_ id: AccessKeyID) async throws -> Bool {
        try await transaction([.scope(system(.upkeep)), .run(Self.revokeKey, id.rawValue)]) {
            try $0[0].optionalRow() != nil
        }
    }
}

extension StoredAccessKey {
    fileprivate init(_ row: Row) throws(PostgresError) {
        self.init(
            id: AccessKeyID(try row.string(0)), sealedSecret: try row.string(1), claims: try row.json(2),
            description: try row.string(3), createdAt: try row.timestamp(4), revokedAt: try row.optionalTimestamp(5))
    }
}

extension PostgresMetadataStore {
    private static let columns = """
        k.access_key_id, k.sealed_secret, k.claims, k.description, (extract(epoch FROM k.created_at) * 1000000)::bigint, \
        (extract(epoch FROM k.revoked_at) * 1000000)::bigint
        """

    private static let insertKey = SQL(
        "access_key_insert",
        """
        INSERT INTO magpie.s3_keys (access_key_id, sealed_secret, claims, description, created_at)
        VALUES ($1, $2, $3::jsonb, $4, timestamptz 'epoch' + $5::bigint * interval '1 microsecond')
        ON CONFLICT (access_key_id) DO NOTHING
        RETURNING access_key_id
        """)

    private static let readKey = SQL(
        "access_key_read", "SELECT \(columns) FROM magpie.s3_keys AS k WHERE k.access_key_id = $1")

    private static let listKeys = SQL(
        "access_keys_list", "SELECT \(columns) FROM magpie.s3_keys AS k ORDER BY k.created_at DESC, k.access_key_id COLLATE \"C\""
    )

    private static let revokeKey = SQL(
        "access_key_revoke",
        "UPDATE magpie.s3_keys SET revoked_at = now() WHERE access_key_id = $1 AND revoked_at IS NULL RETURNING access_key_id")
}
