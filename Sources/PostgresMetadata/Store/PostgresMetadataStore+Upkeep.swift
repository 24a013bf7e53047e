// SPDX-License-Identifier: Apache-2.0

public import MediaCore

extension PostgresMetadataStore {
    public func backendsWithDeletions() async throws -> [BackendID] {
        try await transaction([.scope(searchingScope), .run(Self.readQueues)]) {
            try $0[0].rows.map { BackendID(try $0.string(0)) }
        }
    }

    public func takeBlobDeletions(in backend: BackendID?, limit: Int) async throws -> [BlobDeletion] {
        var taken: [BlobDeletion] = []
        while taken.count < limit {
            let missing = Parameter.int(limit - taken.count)
            let take =
                backend.map { Step.run(Self.takeFromQueue, missing, $0.rawValue) } ?? Step.run(Self.takeDeletions, missing)
            let due = try await transaction([.scope(searchingScope), take]) { results in
                try results[0].rows.map { row in
                    let deletion = BlobDeletion(
                        id: try row.int64(0), backend: BackendID(try row.string(1)), key: BlobKey(try row.string(2)),
                        version: ObjectVersion(stored: try row.string(3)), endsVersion: try !row.bool(4),
                        attempts: try row.int(5))
                    return (deletion: deletion, isDropped: try row.bool(6))
                }
            }
            taken += due.filter { !$0.isDropped }.map(\.deletion)
            // Dropped requests are gone, so this comes to an end.
            guard due.contains(where: \.isDropped) else { break }
        }
        return taken
    }

    public func finishBlobDeletions(_ ids: [Int64]) async throws {
        let list = Parameter.strings(ids.map(String.init))
        try await transaction([.scope(system(.upkeep)), .run(Self.finishDeletions, list)]) { _ in }
    }

    public func postponeBlobDeletions(_ ids: [Int64], because reason: String) async throws {
        // A server's answer may hold anything, and be of any length.
        let text = String(reason.replacing("\0", with: "").prefix(1000))
        let list = Parameter.strings(ids.map(String.init))
        try await transaction([.scope(system(.upkeep)), .run(Self.postponeDeletions, list, text)]) { _ in }
    }

    public func unknownBlobs(among keys: [BlobKey], in backend: BackendID) async throws -> [BlobKey] {
        let names = Parameter.strings(keys.map(\.rawValue))
        return try await transaction([.scope(searchingScope), .run(Self.findUnknown, backend.rawValue, names)]) {
            try $0[0].rows.map { BlobKey(try $0.string(0)) }
        }
    }

    public func queueUnreferencedBlobs(olderThan date: Timestamp) async throws -> Int {
        try await transaction([.scope(searchingScope), .run(Self.queueUnreferenced, Parameter.timestamp(date))]) {
            $0[0].affected
        }
    }

    /// The server's own work on whole tables, which may take longer than a request waits.
    var searchingScope: Scope {
        let scope = system(.upkeep)
        return Scope(role: scope.role, settings: scope.settings + [("statement_timeout", "1h")])
    }

    public func objects(after id: ObjectID?, limit: Int) async throws -> [(record: ObjectRecord, blob: BlobLocation?)] {
        try await transaction([.scope(system(.upkeep)), .run(Self.readInOrder, id?.rawValue, Parameter.int(limit))]) {
            try $0[0].rows.map { (try ObjectColumns.read($0), try BlobColumns.read($0, at: ObjectColumns.count)) }
        }
    }

    public func isCurrent(_ id: ObjectID, version: ObjectVersion?, at blob: BlobLocation) async throws -> Bool {
        let ask = Step.run(
            Self.isCurrent, id.rawValue, version?.rawValue, blob.backend.rawValue, blob.key.rawValue)
        return try await transaction([.scope(system(.upkeep)), ask]) {
            try $0[0].onlyRow().bool(0)
        }
    }

    public func dropLostObject(_ id: ObjectID, version: ObjectVersion?, at blob: BlobLocation) async throws -> Bool {
        try await mappingErrors {
            try await client.withTransaction(ending: .commit) { transaction in
                let dropped = try await transaction.run([
                    .scope(forgetting(system(.upkeep))),
                    // Under the lock of the row its bytes do not move.
                    .run(Self.lockObject, id.rawValue),
                    .run(Self.dropLost, id.rawValue, version?.rawValue, blob.backend.rawValue, blob.key.rawValue),
                ])
                guard let row = try dropped[1].optionalRow() else { return false }
                let record = try ObjectColumns.read(row)
                _ = try await transaction.finish(with: requestDeletions(of: [record], .upkeep) + [promoteStep(record.address)])
                return true
            }
        }
    }
}

extension PostgresMetadataStore {
    // The first backend, then the first behind it, and so on: each is one look into the index, however long the queues are.
    private static let readQueues = SQL(
        "blob_deletions_queues",
        """
        WITH RECURSIVE queues AS (
            SELECT (SELECT min(q.backend) FROM magpie.blob_deletions AS q) AS backend
            UNION ALL
            SELECT (SELECT min(q.backend) FROM magpie.blob_deletions AS q WHERE q.backend > e.backend)
            FROM queues AS e
            WHERE e.backend IS NOT NULL
        )
        SELECT e.backend
        FROM queues AS e
        WHERE EXISTS (SELECT FROM magpie.blob_deletions AS q WHERE q.backend = e.backend AND q.not_before <= now())
        ORDER BY e.backend COLLATE "C"
        """)

    private static let takeDeletions = take("blob_deletions_take", where: "true", by: "q.id")
    private static let takeFromQueue = take("blob_deletions_take_queue", where: "q.backend = $2", by: "q.not_before, q.id")

    // Whoever takes a request has five minutes; after a crash somebody else takes it. Plain SQL may have given the version to a row
    // again since it was requested: then the bytes stay, and the request goes. Not where the version is in another place meanwhile.
    private static func take(_ name: String, where condition: String, by order: String) -> SQL {
        SQL(
            name,
            """
            WITH due AS MATERIALIZED (
                SELECT q.id, q.version, q.backend, q.key, q.attempts,
                    EXISTS (
                        SELECT FROM magpie.blobs AS l
                        WHERE l.version = q.version AND (l.backend, l.key) IS DISTINCT FROM (q.backend, q.key)) AS is_elsewhere
                FROM magpie.blob_deletions AS q
                WHERE q.not_before <= now() AND \(condition)
                ORDER BY \(order)
                LIMIT $1::bigint
                FOR UPDATE SKIP LOCKED
            ), needed AS MATERIALIZED (
                SELECT due.id
                FROM due
                WHERE EXISTS (
                    SELECT FROM magpie.blobs AS l WHERE l.version = due.version AND l.backend = due.backend AND l.key = due.key)
                    AND (EXISTS (SELECT FROM storage.objects AS o WHERE o.version = due.version)
                        OR EXISTS (SELECT FROM magpie.object_versions AS v WHERE v.version = due.version))
            ), dropped AS (
                DELETE FROM magpie.blob_deletions AS d USING needed WHERE d.id = needed.id
            ), taken AS (
                UPDATE magpie.blob_deletions AS d
                SET not_before = now() + interval '5 minutes'
                FROM due
                WHERE d.id = due.id AND NOT EXISTS (SELECT FROM needed WHERE needed.id = due.id)
            )
            SELECT due.id, due.backend, due.key, due.version, due.is_elsewhere, due.attempts, needed.id IS NOT NULL
            FROM due
            LEFT JOIN needed ON needed.id = due.id
            ORDER BY due.id
            """)
    }

    // A key in a project's own store stays out of use for a while: somebody else may still be deleting it.
    private static let finishDeletions = SQL(
        "blob_deletions_finish",
        """
        WITH finished AS (
            DELETE FROM magpie.blob_deletions AS d WHERE d.id = ANY ($1::bigint[]) RETURNING d.backend, d.key, d.version
        ), used AS (
            INSERT INTO magpie.blob_intents (backend, key)
            SELECT f.backend, f.key FROM finished AS f WHERE starts_with(f.backend, 'byos_')
            ON CONFLICT (backend, key) DO NOTHING
        )
        DELETE FROM magpie.blobs AS l USING finished AS f
        WHERE l.version = f.version AND l.backend = f.backend AND l.key = f.key
        """)

    // 30 seconds after the first failure, twice as long after each further one, a day at most.
    private static let postponeDeletions = SQL(
        "blob_deletions_postpone",
        """
        UPDATE magpie.blob_deletions AS d
        SET not_before = now() + least(interval '1 day', interval '30 seconds' * power(2, least(d.attempts, 12))),
            attempts = d.attempts + 1,
            last_error = $2
        WHERE d.id = ANY ($1::bigint[])
        """)

    // An adopted object has no blob row; its key ends in its version. What bears the name of a version whose row is of another place is what
    // was left there of it. An adopted table may lack the index that leads from a version to
    // an object, so that is asked only of the few keys that nothing else knows.
    private static let findUnknown = SQL(
        "blobs_unknown",
        """
        WITH candidates AS MATERIALIZED (
            SELECT k.key, regexp_replace(k.key, '^.*/', '') AS version
            FROM unnest($2::text[]) AS k (key)
            WHERE NOT EXISTS (SELECT FROM magpie.blobs AS l WHERE l.backend = $1 AND l.key = k.key)
                AND NOT EXISTS (SELECT FROM magpie.blob_deletions AS d WHERE d.backend = $1 AND d.key = k.key)
        )
        SELECT c.key
        FROM candidates AS c
        WHERE NOT EXISTS (SELECT FROM magpie.upload_sessions AS u WHERE u.id = c.version AND u.completed_at IS NULL)
            AND (EXISTS (SELECT FROM magpie.blobs AS l WHERE l.version = c.version)
                OR NOT EXISTS (SELECT FROM storage.objects AS o WHERE o.version = c.version)
                    AND NOT EXISTS (SELECT FROM magpie.object_versions AS v WHERE v.version = c.version))
        """)

    private static let queueUnreferenced = SQL(
        "blobs_queue_unreferenced",
        """
        INSERT INTO magpie.blob_deletions (backend, key, version)
        SELECT l.backend, l.key, l.version
        FROM magpie.blobs AS l
        WHERE l.created_at < timestamptz 'epoch' + $1::bigint * interval '1 microsecond'
            AND NOT EXISTS (SELECT FROM storage.objects AS o WHERE o.version = l.version)
            AND NOT EXISTS (SELECT FROM magpie.object_versions AS v WHERE v.version = l.version)
            AND NOT EXISTS (SELECT FROM magpie.blob_deletions AS d WHERE d.backend = l.backend AND d.key = l.key)
        ON CONFLICT (backend, key) DO NOTHING
        """)

    private static let readInOrder = SQL(
        "objects_in_order",
        """
        SELECT \(ObjectColumns.list), \(BlobColumns.list)
        FROM storage.objects AS o
        LEFT JOIN magpie.blobs AS l ON l.version = o.version
        WHERE $1::uuid IS NULL OR o.id > $1::uuid
        ORDER BY o.id
        LIMIT $2::bigint
        """)

    private static let isCurrent = SQL(
        "object_is_current",
        """
        SELECT EXISTS (
            SELECT FROM storage.objects AS o
            JOIN magpie.blobs AS l ON l.version = o.version
            WHERE o.id = $1::uuid AND o.version = $2 AND l.backend = $3 AND l.key = $4
        )
        """)

    private static let lockObject = SQL(
        "object_lock_lost", "SELECT o.id FROM storage.objects AS o WHERE o.id = $1::uuid FOR UPDATE")

    private static let dropLost = SQL(
        "object_drop_lost",
        """
        DELETE FROM storage.objects AS o
        WHERE o.id = $1::uuid AND o.version = $2
            AND EXISTS (SELECT FROM magpie.blobs AS l WHERE l.version = o.version AND l.backend = $3 AND l.key = $4)
        RETURNING \(ObjectColumns.list)
        """)
}
