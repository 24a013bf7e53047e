// SPDX-License-Identifier: Apache-2.0

public import Logging
public import MediaCore

/// The database of a Supabase Storage, which is only read.
///
/// Columns that came with later versions of it may be missing.
public struct SupabaseDatabase: Sendable {
    private let client: PostgresClient

    /// Does not connect yet.
    /// - Parameter connectionString: a `postgres://` URL, or what else libpq takes. Never logged.
    /// - Throws: `StorageError` with `.notConfigured` for a connection string that can't be understood.
    public init(connectionString: String, logger: Logger) throws {
        do {
            client = try PostgresClient(
                configuration: PostgresConfiguration(connectionString: connectionString, poolSize: 2), logger: logger)
        } catch let error as PostgresError {
            throw StorageError(.notConfigured, "The URL of the Supabase Storage's database can't be understood", cause: error)
        }
    }

    /// Closes the connections.
    public func close() async { await client.shutdown() }

    /// All buckets, by their ids.
    /// - Throws: as the others, `StorageError` with `.notConfigured` for a database that can't be read.
    public func buckets() async throws -> [Bucket] {
        try await read(.run(Self.readBuckets)) { row in
            Bucket(
                id: BucketID(stored: try row.string(0)), name: try row.string(1), owner: try row.optionalString(2),
                isPublic: try row.bool(3), fileSizeLimit: try row.optionalInt64(4), allowedMimeTypes: try row.optionalStrings(5),
                type: try row.string(6), createdAt: try row.optionalTimestamp(7), updatedAt: try row.optionalTimestamp(8))
        }
    }

    /// How many objects these buckets have, and of how many bytes as far as their rows say.
    public func totals(of buckets: [BucketID]) async throws -> (objects: Int64, bytes: Int64) {
        let names = Parameter.strings(buckets.map(\.rawValue))
        return try await read(.run(Self.readTotals, names)) { (try $0.int64(0), try $0.int64(1)) }.first ?? (0, 0)
    }

    /// Current objects of a bucket, in byte order of their names, from behind one.
    public func objects(in bucket: BucketID, after name: String?, limit: Int) async throws -> [ObjectRecord] {
        try await read(.run(Self.readObjects, bucket.rawValue, name ?? "", Parameter.int(limit))) { row in
            ObjectRecord(
                id: ObjectID(stored: try row.string(0)),
                address: ObjectAddress(bucket: bucket, key: ObjectKey(stored: try row.string(1))),
                version: try row.optionalString(2).map { ObjectVersion(stored: $0) }, owner: try row.optionalString(3),
                ownerID: try row.optionalString(4), metadata: try row.optionalJSON(5), userMetadata: try row.optionalJSON(6),
                createdAt: try row.optionalTimestamp(7), updatedAt: try row.optionalTimestamp(8),
                lastAccessedAt: try row.optionalTimestamp(9))
        }
    }

    private func read<Value: Sendable>(_ step: Step, _ decode: (Row) throws -> Value) async throws -> [Value] {
        // Nothing can be written, and nothing is hidden: where policies would hide rows Postgres refuses to answer.
        let scope = Scope(
            role: nil,
            settings: [("transaction_read_only", "on"), ("row_security", "off"), ("statement_timeout", "10min")])
        do {
            let results = try await client.transaction([.scope(scope), step], ending: .rollback)
            return try results.last?.rows.map(decode) ?? []
        } catch let error as PostgresError {
            throw StorageError(.notConfigured, "The database of the Supabase Storage can't be read", cause: error)
        }
    }
}

extension SupabaseDatabase {
    private static func microseconds(_ column: String) -> String { "(extract(epoch FROM \(column)) * 1000000)::bigint" }

    private static let readBuckets = SQL(
        "supabase_buckets",
        """
        SELECT b.id, b.name, coalesce(j ->> 'owner_id', j ->> 'owner'), coalesce((j ->> 'public')::boolean, false),
            (j ->> 'file_size_limit')::bigint,
            CASE
                WHEN jsonb_typeof(j -> 'allowed_mime_types') = 'array'
                THEN ARRAY(SELECT jsonb_array_elements_text(j -> 'allowed_mime_types'))
            END,
            coalesce(j ->> 'type', 'STANDARD'), \(microseconds("b.created_at")), \(microseconds("b.updated_at"))
        FROM storage.buckets AS b, LATERAL to_jsonb(b) AS j
        ORDER BY b.id COLLATE "C"
        """)

    // Of a bucket that keeps versions only the current ones.
    private static let isCurrent =
        "NOT coalesce((j ->> 'is_delete_marker')::boolean, false) AND j ->> 'archived_at' IS NULL"

    private static let readTotals = SQL(
        "supabase_totals",
        """
        SELECT count(*), coalesce(sum(
            CASE WHEN o.metadata ->> 'size' ~ '^[0-9]{1,18}$' THEN (o.metadata ->> 'size')::bigint ELSE 0 END), 0)::bigint
        FROM storage.objects AS o, LATERAL to_jsonb(o) AS j
        WHERE o.bucket_id = ANY ($1::text[]) AND \(isCurrent)
        """)

    private static let readObjects = SQL(
        "supabase_objects",
        """
        SELECT o.id::text, o.name, j ->> 'version', j ->> 'owner', j ->> 'owner_id', nullif(j -> 'metadata', 'null'),
            nullif(j -> 'user_metadata', 'null'), \(microseconds("o.created_at")), \(microseconds("o.updated_at")),
            \(microseconds("o.last_accessed_at"))
        FROM storage.objects AS o, LATERAL to_jsonb(o) AS j
        WHERE o.bucket_id = $1 AND o.name COLLATE "C" > $2 AND \(isCurrent)
        ORDER BY o.name COLLATE "C"
        LIMIT $3::bigint
        """)
}
