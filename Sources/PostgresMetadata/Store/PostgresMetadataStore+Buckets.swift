// SPDX-License-Identifier: Apache-2.0

public import MediaCore

extension PostgresMetadataStore {
    public func createBucket(_ bucket: Bucket, as caller: Caller) async throws -> Bucket {
        // Read back by the system: who may make a bucket need not be allowed to see it.
        let steps: [Step] = [
            .scope(scope(caller)),
            .run(
                Self.insertBucket, bucket.id.rawValue, bucket.name, ObjectColumns.owner(of: bucket.owner), bucket.owner,
                Parameter.bool(bucket.isPublic), Parameter.int(bucket.fileSizeLimit), Parameter.strings(bucket.allowedMimeTypes),
                bucket.type, Parameter.timestamp(bucket.createdAt), Parameter.timestamp(bucket.updatedAt)),
            .scope(system(caller.facts)),
            .run(Self.readBucket, bucket.id.rawValue),
        ]
        return try await refusing(.insert, on: .buckets, caller) {
            try await transaction(steps, about: .bucket(bucket.id)) { try BucketColumns.read($0[1].onlyRow()) }
        }
    }

    public func bucket(_ id: BucketID, as caller: Caller) async throws -> Bucket {
        try await bucket(id, in: scope(caller))
    }

    public func bucketRules(_ id: BucketID, facts: RequestFacts) async throws -> Bucket {
        let steps: [Step] = [.scope(system(facts)), .run(Self.readPlacedRules, id.rawValue)]
        let bucket: Bucket? = try await transaction(steps) { results in
            guard let row = try results[0].optionalRow() else { return nil }
            var bucket = try BucketColumns.read(row)
            if let backend = try row.optionalString(BucketColumns.count) {
                bucket.ownStorage = BucketStorage(
                    backend: BackendID(backend), pathPrefix: try row.string(BucketColumns.count + 1))
            }
            bucket.directFrom = try row.optionalInt64(BucketColumns.count + 2)
            return bucket
        }
        guard let bucket else { throw StorageError.bucketNotFound(id) }
        return bucket
    }

    private func bucket(_ id: BucketID, in scope: Scope) async throws -> Bucket {
        let bucket = try await transaction([.scope(scope), .run(Self.readBucket, id.rawValue)]) {
            try $0[0].optionalRow().map { try BucketColumns.read($0) }
        }
        guard let bucket else { throw StorageError.bucketNotFound(id) }
        return bucket
    }

    public func buckets(matching query: BucketQuery, as caller: Caller) async throws -> [Bucket] {
        let list = Self.listBuckets(by: query.sortColumn ?? .id, query.order)
        let steps: [Step] = [
            .scope(scope(caller)),
            .run(list, query.search, Parameter.int(query.limit), Parameter.int(query.offset)),
        ]
        return try await transaction(steps) { try $0[0].rows.map { try BucketColumns.read($0) } }
    }

    public func updateBucket(
        _ id: BucketID, changes: BucketChanges, as caller: Caller
    ) async throws -> (before: Bucket, after: Bucket) {
        let steps: [Step] = [
            .scope(scope(caller)),
            .run(Self.lockBucket, id.rawValue),
            .run(
                Self.updateBucket, id.rawValue, Parameter.bool(changes.isPublic), Parameter.bool(changes.fileSizeLimit != nil),
                Parameter.int(changes.fileSizeLimit ?? nil), Parameter.bool(changes.allowedMimeTypes != nil),
                Parameter.strings(changes.allowedMimeTypes ?? nil)),
        ]
        let updated = try await refusing(.update, on: .buckets, caller) {
            try await transaction(steps) { results -> (before: Bucket, after: Bucket)? in
                guard let before = try results[0].optionalRow(), let after = try results[1].optionalRow() else { return nil }
                return (try BucketColumns.read(before), try BucketColumns.read(after))
            }
        }
        guard let updated else { throw StorageError.bucketNotFound(id) }
        return updated
    }

    public func deleteBucket(_ id: BucketID, as caller: Caller) async throws {
        let steps: [Step] = [
            .scope(system(caller.facts)),
            .run(Self.hasObjects, id.rawValue),
            .scope(scope(caller)),
            .run(Self.deleteBucket, id.rawValue),
        ]
        let (hasObjects, isDeleted) = try await transaction(steps, about: .bucket(id)) {
            (try $0[0].onlyRow().bool(0), try $0[1].optionalRow() != nil)
        }
        // Objects that went between the two statements did not keep the bucket.
        guard !isDeleted else { return }
        throw hasObjects ? StorageError.bucketNotEmpty(id) : StorageError.bucketNotFound(id)
    }

    public func countObjects(in id: BucketID, upTo limit: Int, facts: RequestFacts) async throws -> Int {
        let steps: [Step] = [.scope(system(facts)), .run(Self.countObjects, id.rawValue, Parameter.int(limit))]
        let count = try await transaction(steps) { try $0[0].optionalRow()?.int(0) }
        guard let count else { throw StorageError.bucketNotFound(id) }
        return count
    }

    public func deleteObjects(
        in id: BucketID, createdBefore date: Timestamp, limit: Int, facts: RequestFacts
    ) async throws -> Int {
        var deleted = 0
        while deleted < limit {
            let missing = limit - deleted
            let steps: [Step] = [
                .scope(forgetting(system(facts))),
                .run(Self.emptyBucket, id.rawValue, Parameter.timestamp(date), Parameter.int(missing)),
            ]
            let (went, chosen) = try await transaction(steps) { try ($0[0].onlyRow().int(0), $0[0].onlyRow().int(1)) }
            deleted += went
            // Somebody else may have deleted some of those that were chosen. Fewer than asked for are all there are.
            guard chosen == missing else { break }
        }
        return deleted
    }
}

extension PostgresMetadataStore {
    private static let insertBucket = SQL(
        "bucket_insert",
        """
        INSERT INTO storage.buckets
            (id, name, owner, owner_id, public, file_size_limit, allowed_mime_types, type, created_at, updated_at)
        VALUES (
            $1, $2, $3::uuid, $4, $5::boolean, $6::bigint, $7::text[], $8::storage.buckettype,
            coalesce(timestamptz 'epoch' + $9::bigint * interval '1 microsecond', now()),
            coalesce(timestamptz 'epoch' + $10::bigint * interval '1 microsecond', now()))
        """)

    private static let readBucket = SQL("bucket_read", "SELECT \(BucketColumns.list) FROM storage.buckets AS b WHERE b.id = $1")

    private static let readPlacedRules = SQL(
        "bucket_rules",
        """
        SELECT \(BucketColumns.list), w.id, w.path_prefix, s.direct_from
        FROM storage.buckets AS b
        LEFT JOIN magpie.bucket_settings AS s ON s.bucket_id = b.id
        LEFT JOIN magpie.bucket_backends AS k ON k.bucket_id = b.id
        LEFT JOIN magpie.own_backends AS w ON w.id = k.backend_id
        WHERE b.id = $1
        """)

    private static let lockBucket = SQL(
        "bucket_lock", "SELECT \(BucketColumns.list) FROM storage.buckets AS b WHERE b.id = $1 FOR UPDATE")

    private static let updateBucket = SQL(
        "bucket_update",
        """
        UPDATE storage.buckets AS b
        SET public = coalesce($2::boolean, b.public),
            file_size_limit = CASE WHEN $3::boolean THEN $4::bigint ELSE b.file_size_limit END,
            allowed_mime_types = CASE WHEN $5::boolean THEN $6::text[] ELSE b.allowed_mime_types END
        WHERE b.id = $1
        RETURNING \(BucketColumns.list)
        """)

    private static let deleteBucket = SQL("bucket_delete", "DELETE FROM storage.buckets WHERE id = $1 RETURNING id")

    private static let hasObjects = SQL(
        "bucket_has_objects",
        """
        SELECT EXISTS (SELECT FROM storage.objects WHERE bucket_id = $1)
            OR EXISTS (SELECT FROM magpie.object_versions WHERE bucket_id = $1)
        """)

    private static let countObjects = SQL(
        "bucket_count",
        """
        SELECT (SELECT count(*) FROM (SELECT FROM storage.objects AS o WHERE o.bucket_id = b.id LIMIT $2::bigint) AS few)
        FROM storage.buckets AS b
        WHERE b.id = $1
        """)

    private static let emptyBucket = SQL(
        "bucket_empty",
        """
        WITH chosen AS MATERIALIZED (
            SELECT o.id
            FROM storage.objects AS o
            WHERE o.bucket_id = $1 AND o.created_at < timestamptz 'epoch' + $2::bigint * interval '1 microsecond'
            ORDER BY o.name COLLATE "C"
            LIMIT $3::bigint
        ), doomed AS (
            -- In the order in which bulk deletions lock. A row that was moved meanwhile is another bucket's.
            SELECT o.id
            FROM storage.objects AS o
            WHERE o.bucket_id = $1 AND o.id IN (SELECT c.id FROM chosen AS c)
            ORDER BY o.id
            FOR UPDATE
        ), deleted AS (
            DELETE FROM storage.objects AS o USING doomed AS d WHERE o.id = d.id RETURNING o.version
        ), chosen_versions AS (
            SELECT v.sequence
            FROM magpie.object_versions AS v
            WHERE v.bucket_id = $1 AND v.created_at < timestamptz 'epoch' + $2::bigint * interval '1 microsecond'
            ORDER BY v.name COLLATE "C"
            LIMIT $3::bigint - (SELECT count(*) FROM chosen)
        ), old AS (
            SELECT v.sequence
            FROM magpie.object_versions AS v
            WHERE v.sequence IN (SELECT c.sequence FROM chosen_versions AS c)
            ORDER BY v.sequence
            FOR UPDATE
        ), forgotten AS (
            DELETE FROM magpie.object_versions AS v USING old WHERE v.sequence = old.sequence RETURNING v.version
        ), gone AS (
            SELECT d.version FROM deleted AS d UNION ALL SELECT f.version FROM forgotten AS f
        ), queued AS (
            INSERT INTO magpie.blob_deletions (backend, key, version)
            SELECT l.backend, l.key, l.version FROM magpie.blobs AS l JOIN gone AS g ON g.version = l.version
            ON CONFLICT (backend, key) DO NOTHING
        )
        SELECT count(*), (SELECT count(*) FROM chosen) + (SELECT count(*) FROM chosen_versions) FROM gone
        """)

    /// The order is part of the text: one statement for each of the eight.
    private static func listBuckets(by column: BucketQuery.Column, _ order: SortOrder) -> SQL {
        SQL(
            "buckets_list_\(column.rawValue)_\(order.rawValue)",
            """
            SELECT \(BucketColumns.list)
            FROM storage.buckets AS b
            WHERE $1::text IS NULL OR position(lower($1) IN lower(b.id)) > 0
            ORDER BY b.\(column.rawValue)\(column.isText ? " COLLATE \"C\"" : "") \(order.rawValue), b.id COLLATE "C" \(order.rawValue)
            LIMIT $2::bigint
            OFFSET coalesce($3::bigint, 0)
            """)
    }
}

extension BucketQuery.Column {
    fileprivate var isText: Bool {
        switch self {
        case .id, .name: true
        case .createdAt, .updatedAt: false
        }
    }
}
