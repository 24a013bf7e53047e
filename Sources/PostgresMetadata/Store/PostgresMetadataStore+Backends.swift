// SPDX-License-Identifier: Apache-2.0

import Foundation
public import MediaCore

/// Stores of projects' own.
extension PostgresMetadataStore {
    public func useBackend(_ backend: Backend, of project: BucketID, as caller: Caller) async throws -> Backend {
        let write = Step.run(
            Self.useBackend, backend.id.rawValue, project.rawValue, backend.place.kind.rawValue, backend.place.identity,
            try backend.place.settings.rawValue, backend.place.pathPrefix,
            backend.sealedCredentials.map { Data($0).base64EncodedString() }, Parameter.timestamp(backend.configuredAt),
            Parameter.timestamp(backend.health?.checkedAt), backend.health?.failure)
        guard let row = try await configure(of: project, as: caller, write) else {
            throw StorageError(.databaseFailure, "database error, code: unknown")
        }
        return try BackendColumns.read(row)
    }

    public func leaveBackend(
        of project: BucketID, forgetsCredentials: Bool, as caller: Caller
    ) async throws -> Bool {
        let write = Step.run(Self.leaveBackend, project.rawValue, Parameter.bool(forgetsCredentials))
        return try await configure(of: project, as: caller, write)?.bool(0) ?? false
    }

    public func backend(_ id: BackendID) async throws -> Backend? {
        try await transaction([.scope(system(.upkeep)), .run(Self.readBackend, id.rawValue)]) {
            try $0[0].optionalRow().map { try BackendColumns.read($0) }
        }
    }

    public func currentBackend(of project: BucketID, facts: RequestFacts) async throws -> Backend? {
        try await transaction([.scope(system(facts)), .run(Self.readCurrent, project.rawValue)]) {
            try $0[0].optionalRow().map { try BackendColumns.read($0) }
        }
    }

    public func backends(of project: BucketID?) async throws -> [BackendContents] {
        try await transaction([.scope(searchingScope), .run(Self.listBackends, project?.rawValue)]) {
            try $0[0].rows.map { row in
                let start = BackendColumns.count
                return BackendContents(
                    backend: try BackendColumns.read(row), isCurrent: try row.bool(start), blobs: try row.int64(start + 1),
                    bytes: try row.int64(start + 2), deletions: try row.int64(start + 3))
            }
        }
    }

    public func recordHealth(_ health: BackendHealth, of id: BackendID) async throws {
        let text = health.failure.map { String($0.replacing("\0", with: "").prefix(1000)) }
        let write = Step.run(Self.writeHealth, id.rawValue, Parameter.timestamp(health.checkedAt), text)
        try await transaction([.scope(system(.upkeep)), write]) { _ in }
    }

    public func removeUnusedBackends(before date: Timestamp) async throws -> Int {
        let steps: [Step] = [
            .scope(searchingScope), .run(Self.dropHopeless), .run(Self.removeUnused, Parameter.timestamp(date)),
        ]
        return try await transaction(steps) { $0[1].affected }
    }

    // MARK: Keys

    public func reserveBlob(
        at keys: [BlobKey], in backend: BackendID, for version: ObjectVersion, of project: BucketID
    ) async throws -> BlobKey? {
        let reserve = Step.run(
            Self.reserve, backend.rawValue, Parameter.strings(keys.map(\.rawValue)), version.rawValue, project.rawValue)
        return try await transaction([.scope(system(.upkeep)), reserve]) {
            try $0[0].onlyRow().optionalString(0).map { BlobKey($0) }
        }
    }

    public func giveUpBlob(_ key: BlobKey, in backend: BackendID) async throws {
        try await transaction([.scope(system(.upkeep)), .run(Self.giveUp, backend.rawValue, key.rawValue)]) { _ in }
    }

    public func forgoBlob(_ key: BlobKey, in backend: BackendID) async throws {
        try await transaction([.scope(system(.upkeep)), .run(Self.forgo, backend.rawValue, key.rawValue)]) { _ in }
    }

    public func giveUpBlobs(reservedBefore date: Timestamp) async throws -> Int {
        let steps: [Step] = [
            .scope(searchingScope), .run(Self.giveUpOld, Parameter.timestamp(date)),
            .run(Self.forgetUsed, Parameter.timestamp(date)),
        ]
        return try await transaction(steps) { try $0[0].onlyRow().int(0) }
    }
}

/// The columns of a store of a project's own, for a table that the statement calls `w`, and how they are read.
private enum BackendColumns {
    static let count = 9
    static let list = """
        w.id, w.bucket_id, w.kind, w.settings, encode(w.sealed_credentials, 'base64'), w.revision, \
        (extract(epoch FROM w.configured_at) * 1000000)::bigint, (extract(epoch FROM w.checked_at) * 1000000)::bigint, w.failure
        """

    static func read(_ row: Row) throws -> Backend {
        let name = try row.string(2)
        guard let kind = BackendPlace.Kind(rawValue: name) else {
            throw StorageError(.notConfigured, "This version does not know the kind of a project's storage", resource: name)
        }
        // Postgres breaks what it encodes into lines.
        let sealed = try row.optionalString(4).flatMap { Data(base64Encoded: $0, options: .ignoreUnknownCharacters) }
        let failure = try row.optionalString(8)
        return Backend(
            id: BackendID(try row.string(0)), project: try row.optionalString(1).map { BucketID(stored: $0) },
            place: try BackendPlace(kind, settings: row.json(3)), sealedCredentials: sealed.map { Array($0) },
            revision: try row.int64(5), configuredAt: try row.timestamp(6),
            health: try row.optionalTimestamp(7).map { BackendHealth(checkedAt: $0, failure: failure) })
    }
}

extension PostgresMetadataStore {
    private static let useBackend = SQL(
        "backend_use",
        """
        WITH w AS (
            INSERT INTO magpie.own_backends AS k
                (id, bucket_id, kind, place, settings, path_prefix, sealed_credentials, configured_at, checked_at, failure)
            VALUES (
                $1, $2, $3, $4, $5::jsonb, $6, decode($7, 'base64'), timestamptz 'epoch' + $8::bigint * interval '1 microsecond',
                timestamptz 'epoch' + $9::bigint * interval '1 microsecond', $10)
            ON CONFLICT (bucket_id, place) DO UPDATE
            SET settings = excluded.settings, sealed_credentials = excluded.sealed_credentials, revision = k.revision + 1,
                configured_at = excluded.configured_at, checked_at = excluded.checked_at, failure = excluded.failure
            RETURNING k.*
        ), used AS (
            INSERT INTO magpie.bucket_backends (bucket_id, backend_id) SELECT w.bucket_id, w.id FROM w
            ON CONFLICT (bucket_id) DO UPDATE SET backend_id = excluded.backend_id
        )
        SELECT \(BackendColumns.list) FROM w
        """)

    private static let leaveBackend = SQL(
        "backend_leave",
        """
        WITH gone AS (
            DELETE FROM magpie.bucket_backends AS k WHERE k.bucket_id = $1 RETURNING k.backend_id
        ), forgotten AS (
            UPDATE magpie.own_backends AS w SET sealed_credentials = NULL, revision = w.revision + 1
            WHERE $2::boolean AND w.bucket_id = $1 AND w.sealed_credentials IS NOT NULL
        )
        SELECT EXISTS (SELECT FROM gone)
        """)

    private static let readBackend = SQL(
        "backend_read", "SELECT \(BackendColumns.list) FROM magpie.own_backends AS w WHERE w.id = $1")

    private static let readCurrent = SQL(
        "backend_current",
        """
        SELECT \(BackendColumns.list)
        FROM magpie.bucket_backends AS k
        JOIN magpie.own_backends AS w ON w.id = k.backend_id
        WHERE k.bucket_id = $1
        """)

    private static let listBackends = SQL(
        "backends_list",
        """
        SELECT \(BackendColumns.list), EXISTS (SELECT FROM magpie.bucket_backends AS k WHERE k.backend_id = w.id), held.blobs,
            held.bytes, (SELECT count(*) FROM magpie.blob_deletions AS d WHERE d.backend = w.id)
        FROM magpie.own_backends AS w
        CROSS JOIN LATERAL (
            SELECT count(*) AS blobs, coalesce(sum(l.size), 0)::bigint AS bytes FROM magpie.blobs AS l WHERE l.backend = w.id
        ) AS held
        WHERE $1::text IS NULL OR w.bucket_id = $1
        ORDER BY w.configured_at, w.id
        """)

    private static let writeHealth = SQL(
        "backend_health",
        """
        UPDATE magpie.own_backends AS w
        SET checked_at = timestamptz 'epoch' + $2::bigint * interval '1 microsecond', failure = $3
        WHERE w.id = $1
        """)

    // Of a store whose project is gone and that nobody can open any more, nothing will ever be deleted.
    private static let dropHopeless = SQL(
        "backends_hopeless",
        """
        WITH given_up AS (
            DELETE FROM magpie.blob_deletions AS d
            USING magpie.own_backends AS w
            WHERE w.id = d.backend AND w.bucket_id IS NULL AND w.sealed_credentials IS NULL
            RETURNING d.backend, d.key
        )
        DELETE FROM magpie.blobs AS l USING given_up AS g WHERE l.backend = g.backend AND l.key = g.key
        """)

    // A project's rows stay as long as it can open them: what it configures again is found again.
    private static let removeUnused = SQL(
        "backends_unused",
        """
        DELETE FROM magpie.own_backends AS w
        WHERE (w.bucket_id IS NULL OR w.sealed_credentials IS NULL)
            AND w.configured_at < timestamptz 'epoch' + $1::bigint * interval '1 microsecond'
            AND NOT EXISTS (SELECT FROM magpie.bucket_backends AS k WHERE k.backend_id = w.id)
            AND NOT EXISTS (SELECT FROM magpie.blobs AS l WHERE l.backend = w.id)
            AND NOT EXISTS (SELECT FROM magpie.blob_deletions AS d WHERE d.backend = w.id)
            AND NOT EXISTS (SELECT FROM magpie.blob_intents AS i WHERE i.backend = w.id AND i.version IS NOT NULL)
        """)

    private static let reserve = SQL("blob_reserve", "SELECT magpie.reserve_blob($1, $2::text[], $3, $4)")

    private static let giveUp = SQL(
        "blob_give_up",
        """
        WITH given_up AS (
            DELETE FROM magpie.blob_intents AS i WHERE i.backend = $1 AND i.key = $2 AND i.version IS NOT NULL
            RETURNING i.backend, i.key, i.version
        )
        INSERT INTO magpie.blob_deletions (backend, key, version) SELECT g.backend, g.key, g.version FROM given_up AS g
        ON CONFLICT (backend, key) DO NOTHING
        """)

    private static let forgo = SQL(
        "blob_forgo", "UPDATE magpie.blob_intents AS i SET version = NULL, created_at = now() WHERE i.backend = $1 AND i.key = $2"
    )

    private static let giveUpOld = SQL(
        "blobs_give_up",
        """
        WITH given_up AS (
            DELETE FROM magpie.blob_intents AS i
            WHERE i.version IS NOT NULL AND i.created_at < timestamptz 'epoch' + $1::bigint * interval '1 microsecond'
            RETURNING i.backend, i.key, i.version
        ), requested AS (
            INSERT INTO magpie.blob_deletions (backend, key, version) SELECT g.backend, g.key, g.version FROM given_up AS g
            ON CONFLICT (backend, key) DO NOTHING
        )
        SELECT count(*) FROM given_up
        """)

    private static let forgetUsed = SQL(
        "blob_keys_forget",
        """
        DELETE FROM magpie.blob_intents AS i
        WHERE i.version IS NULL
            AND i.created_at < timestamptz 'epoch' + $1::bigint * interval '1 microsecond' - interval '1 day'
        """)
}
