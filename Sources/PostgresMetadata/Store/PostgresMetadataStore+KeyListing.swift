// SPDX-License-Identifier: Apache-2.0

public import MediaCore

/// Listing keys as S3 does.
extension PostgresMetadataStore {
    public func keys(matching query: KeyQuery, in bucket: BucketID, as caller: Caller) async throws -> KeyPage {
        let limit = max(0, min(query.limit, KeyQuery.maxLimit))
        guard limit > 0, let seek = query.seek else { return KeyPage(items: [], next: nil) }
        let parameters = [bucket.rawValue, query.prefix, seek, Parameter.int(limit + 1)]
        let step: Step
        if let delimiter = query.delimiter {
            let sql = query.includesOwner ? Self.listFoldedWithOwners : Self.listFolded
            step = .statement(Statement(sql, parameters + [delimiter]))
        } else {
            step = .statement(Statement(Self.listFlat, parameters))
        }
        let items = try await transaction([.scope(scope(caller)), step]) {
            try $0[0].rows.map { try KeyPage.Item($0, includesOwner: query.includesOwner) }
        }
        return KeyPage(items: items, limit: limit)
    }

    public func existingKeys(
        among keys: [ObjectKey], in bucket: BucketID, facts: RequestFacts
    ) async throws -> Set<ObjectKey> {
        let names = Parameter.strings(keys.map(\.rawValue))
        return try await transaction([.scope(system(facts)), .run(Self.readKeys, bucket.rawValue, names)]) {
            Set(try $0[0].rows.map { ObjectKey(stored: try $0.string(0)) })
        }
    }
}

extension KeyPage.Item {
    fileprivate init(_ row: Row, includesOwner: Bool) throws(PostgresError) {
        let name = try row.string(0)
        if try row.bool(1) {
            self = .prefix(name)
            return
        }
        // Columns of other writers may hold anything: what is no number is no size.
        let size = try row.optionalString(2).flatMap(Int64.init).flatMap { $0 >= 0 ? $0 : nil }
        let modified = try row.optionalString(4).flatMap(Timestamp.init(iso8601:))
        let updated = try row.optionalTimestamp(5)
        let tag: String
        if let stored = try row.optionalString(3) { tag = stored } else { tag = "\"\(try row.string(6))\"" }
        self = .object(
            KeyEntry(
                key: ObjectKey(stored: name), size: size, entityTag: tag, lastModified: modified ?? updated,
                owner: includesOwner ? try row.optionalString(7) : nil))
    }
}

extension PostgresMetadataStore {
    /// The fields of S3's listings, of a metadata column and its row's time.
    private static func fields(_ table: String) -> String {
        """
        coalesce(\(table).metadata ->> 'size', \(table).metadata ->> 'contentLength'), \(table).metadata ->> 'eTag', \
        \(table).metadata ->> 'lastModified', (extract(epoch FROM \(table).updated_at) * 1000000)::bigint
        """
    }

    private static let listFlat = SQL(
        "keys_flat",
        """
        SELECT o.name, false, \(fields("o")), coalesce(o.version, o.id::text), coalesce(o.owner_id, o.owner::text)
        FROM storage.objects AS o
        WHERE o.bucket_id = $1 AND o.name COLLATE "C" >= $3
            AND o.name COLLATE "C" < magpie.key_bound($2)
        ORDER BY o.name COLLATE "C"
        LIMIT $4::bigint
        """)

    // The version is the entity tag of rows that have none; only those are looked up again.
    private static let listFolded = SQL(
        "keys_folded",
        """
        SELECT e.name, e.is_prefix, \(fields("e")), coalesce(o.version, e.id::text), NULL
        FROM magpie.level_ascending($1, $2, $5, $3, $4::bigint) AS e
        LEFT JOIN storage.objects AS o ON o.id = e.id AND e.metadata ->> 'eTag' IS NULL
        ORDER BY e.name COLLATE "C"
        """)

    private static let listFoldedWithOwners = SQL(
        "keys_folded_owners",
        """
        SELECT e.name, e.is_prefix, \(fields("e")), coalesce(o.version, e.id::text), coalesce(o.owner_id, o.owner::text)
        FROM magpie.level_ascending($1, $2, $5, $3, $4::bigint) AS e
        LEFT JOIN storage.objects AS o ON o.id = e.id
        ORDER BY e.name COLLATE "C"
        """)

    private static let readKeys = SQL(
        "keys_existing", "SELECT o.name FROM storage.objects AS o WHERE o.bucket_id = $1 AND o.name = ANY ($2::text[])")
}
