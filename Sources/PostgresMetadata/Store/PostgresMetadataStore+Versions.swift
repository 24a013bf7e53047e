// SPDX-License-Identifier: Apache-2.0

public import MediaCore

/// Reading and listing versions.
extension PostgresMetadataStore {
    public func version(_ id: VersionID?, at address: ObjectAddress, access: Access) async throws -> FoundVersion {
        do {
            let current = try await object(at: address, access: access)
            if id == nil || id == current.versionID { return .object(current, current.versionID) }
        } catch let error as StorageError where error.code == .objectNotFound {}
        guard case .policy(let caller) = access else { throw StorageError.objectNotFound(address) }
        return try await keptVersion(id, at: address, as: caller)
    }

    /// A version that is not current, or the newest of them.
    private func keptVersion(_ id: VersionID?, at address: ObjectAddress, as caller: Caller) async throws -> FoundVersion {
        let (bucket, name) = (address.bucket.rawValue, address.key.rawValue)
        let read = id.map { Step.run(Self.readKept, bucket, name, $0.parameter) } ?? .run(Self.readNewestKept, bucket, name)
        let steps: [Step] = [
            .scope(system(caller.facts)), .run(Self.readRules, bucket), .scope(scope(caller)), read,
        ]
        let found: FoundVersion? = try await transaction(steps) { results in
            guard let bucket = try results[0].optionalRow(), let row = try results[1].optionalRow() else { return nil }
            let record = try ObjectColumns.read(row)
            let id = try VersionColumns.id(row)
            if try VersionColumns.isMarker(row) { return .deleteMarker(id, createdAt: record.createdAt) }
            let object = ReadableObject(
                bucket: try BucketColumns.read(bucket), record: record,
                blob: try BlobColumns.read(row, at: VersionColumns.count), isVersioned: id != .null)
            return .object(object, id)
        }
        // The newest that is kept is the newest of all only as a delete marker: above anything else there is a current row.
        guard let found, id != nil || found.isMarker else { throw StorageError.objectNotFound(address) }
        return found
    }

    public func versions(
        matching query: VersionQuery, in bucket: BucketID, as caller: Caller
    ) async throws -> VersionPage {
        let limit = max(0, min(query.limit, KeyQuery.maxLimit))
        guard limit > 0 else { return VersionPage(items: [], next: nil) }
        let items = try await mappingErrors {
            try await client.withTransaction(ending: .rollback) { transaction in
                var listing = VersionListing(query: query, limit: limit + 1)
                _ = try await transaction.run([.scope(scope(caller))])
                while let place = listing.place {
                    let step = place.step(in: bucket, prefix: query.prefix, limit: limit + 1)
                    let rows = try await transaction.run([step])[0].rows
                    try listing.add(rows.map { try VersionRow($0) }, isLast: rows.count <= limit)
                }
                return listing.items
            }
        }
        return VersionPage(items: items, limit: limit)
    }
}

extension PostgresMetadataStore {
    public func partChecksums(of version: ObjectVersion) async throws -> PartChecksums? {
        try await transaction([.scope(system(.upkeep)), .run(Self.readPartChecksums, version.rawValue)]) {
            try $0[0].optionalRow()?.optionalString(0).flatMap(PartChecksums.init(text:))
        }
    }

    public func keptVersions(after sequence: Int64?, limit: Int) async throws -> [KeptVersion] {
        let read = Step.run(Self.readKeptInOrder, Parameter.int(sequence ?? 0), Parameter.int(max(0, limit)))
        return try await transaction([.scope(system(.upkeep)), read]) {
            try $0[0].rows.map { row in
                KeptVersion(
                    sequence: try VersionColumns.sequence(row), address: try ObjectColumns.read(row).address,
                    id: try VersionColumns.id(row), blob: try BlobColumns.read(row, at: VersionColumns.count))
            }
        }
    }

    private static let readPartChecksums = SQL(
        "part_checksums_read", "SELECT l.part_checksums FROM magpie.blobs AS l WHERE l.version = $1")

    private static let readKeptInOrder = SQL(
        "versions_kept_in_order",
        """
        SELECT \(VersionColumns.list), \(BlobColumns.list)
        FROM magpie.object_versions AS v
        LEFT JOIN magpie.blobs AS l ON l.version = v.version
        WHERE NOT v.is_delete_marker AND v.sequence > $1::bigint
        ORDER BY v.sequence
        LIMIT $2::bigint
        """)
}

extension FoundVersion {
    fileprivate var isMarker: Bool {
        if case .deleteMarker = self { return true }
        return false
    }
}

extension VersionRow {
    fileprivate init(_ row: Row) throws(PostgresError) {
        self.init(
            key: ObjectKey(stored: try row.string(0)), version: ObjectVersion(stored: try row.optionalString(1) ?? ""),
            isNull: try row.bool(2), isDeleteMarker: try row.bool(3), metadata: try row.optionalJSON(4),
            owner: try row.optionalString(5), modifiedAt: try row.optionalTimestamp(6),
            supersededAt: try row.optionalTimestamp(8), resumesKey: try row.bool(7))
    }
}

extension VersionListing.Place {
    fileprivate func step(in bucket: BucketID, prefix: String, limit: Int) -> Step {
        .run(
            PostgresMetadataStore.listVersions, bucket.rawValue, prefix, seek, key, version.flatMap(\.parameter),
            Parameter.bool(version == .some(.null)), Parameter.int(limit))
    }
}

extension PostgresMetadataStore {
    private static let readKept = SQL(
        "version_read",
        """
        SELECT \(VersionColumns.list), \(BlobColumns.list)
        FROM magpie.object_versions AS v
        LEFT JOIN LATERAL magpie.blob_details(v.version) AS l ON true
        WHERE v.bucket_id = $1 AND v.name COLLATE "C" = $2
            AND CASE WHEN $3::text IS NULL THEN v.is_null ELSE v.version = $3 AND NOT v.is_null END
        ORDER BY v.sequence DESC
        LIMIT 1
        """)

    private static let readNewestKept = SQL(
        "version_read_newest",
        """
        SELECT \(VersionColumns.list), \(BlobColumns.list)
        FROM magpie.object_versions AS v
        LEFT JOIN LATERAL magpie.blob_details(v.version) AS l ON true
        WHERE v.bucket_id = $1 AND v.name COLLATE "C" = $2
        ORDER BY v.sequence DESC
        LIMIT 1
        """)

    // $3 is the first key of the page; with $4 the page goes on inside of that key, behind the version $5, or the `null` one where $6.
    fileprivate static let listVersions = SQL(
        "versions_list",
        """
        WITH place AS MATERIALIZED (
            SELECT max(p.sequence) AS sequence
            FROM (
                SELECT 9223372036854775807 AS sequence
                FROM storage.objects AS o
                LEFT JOIN LATERAL magpie.blob_details(o.version) AS l ON true
                WHERE o.bucket_id = $1 AND o.name = $4
                    AND CASE WHEN $6::boolean THEN l.is_versioned IS NOT TRUE ELSE l.is_versioned AND o.version = $5 END
                UNION ALL
                SELECT v.sequence
                FROM magpie.object_versions AS v
                WHERE v.bucket_id = $1 AND v.name COLLATE "C" = $4
                    AND CASE WHEN $6::boolean THEN v.is_null ELSE v.version = $5 AND NOT v.is_null END
            ) AS p
        ), newest AS (
            SELECT o.name, o.version, o.metadata, o.owner_id, o.updated_at, 9223372036854775807 AS sequence
            FROM storage.objects AS o
            WHERE o.bucket_id = $1 AND o.name COLLATE "C" >= $3
                AND o.name COLLATE "C" < magpie.key_bound($2)
                AND ($4::text IS NULL OR o.name <> $4 OR (SELECT p.sequence IS NULL FROM place AS p))
            ORDER BY o.name COLLATE "C"
            LIMIT $7::bigint
        ), older AS (
            SELECT v.name, v.version, v.is_null, v.is_delete_marker, v.metadata, v.owner_id, v.updated_at, v.superseded_at,
                v.sequence
            FROM magpie.object_versions AS v
            WHERE v.bucket_id = $1 AND v.name COLLATE "C" >= $3
                AND v.name COLLATE "C" < magpie.key_bound($2)
                AND ($4::text IS NULL OR v.name <> $4 OR v.sequence < coalesce((SELECT p.sequence FROM place AS p), 9223372036854775807))
            ORDER BY v.name COLLATE "C", v.sequence DESC
            LIMIT $7::bigint
        )
        SELECT e.name, e.version, e.is_null, e.is_delete_marker, e.metadata, e.owner_id,
            (extract(epoch FROM e.updated_at) * 1000000)::bigint,
            coalesce(e.name = $4 AND (SELECT p.sequence IS NOT NULL FROM place AS p), false),
            (extract(epoch FROM e.superseded_at) * 1000000)::bigint
        FROM (
            SELECT n.name, n.version, l.is_versioned IS NOT TRUE AS is_null, false AS is_delete_marker, n.metadata, n.owner_id,
                n.updated_at, NULL::timestamptz AS superseded_at, n.sequence
            FROM newest AS n
            LEFT JOIN LATERAL magpie.blob_details(n.version) AS l ON true
            UNION ALL
            SELECT r.name, r.version, r.is_null, r.is_delete_marker, r.metadata, r.owner_id, r.updated_at,
                r.superseded_at, r.sequence
            FROM older AS r
        ) AS e
        ORDER BY e.name COLLATE "C", e.sequence DESC
        LIMIT $7::bigint
        """)
}
