// SPDX-License-Identifier: Apache-2.0

public import MediaCore

/// The outbox of events. Migration 12 says how they get there.
extension PostgresMetadataStore {
    public func takeEvents(limit: Int, lease: Int64) async throws -> [StorageEvent] {
        try await transaction([
            .scope(system(.upkeep)), .run(Self.lockTaking), .run(Self.takeEvents, Parameter.int(limit), Parameter.int(lease)),
        ]) { results in
            try results[1].rows.map { try EventColumns.read($0) }.sorted { $0.id < $1.id }
        }
    }

    public func finishEvents(_ ids: [EventID]) async throws { try await change(ids, by: Self.finishEvents) }

    public func releaseEvents(_ ids: [EventID]) async throws { try await change(ids, by: Self.releaseEvents) }

    public func postponeEvent(_ id: EventID, bySeconds seconds: Int64, because reason: String) async throws {
        try await transaction([
            .scope(system(.upkeep)),
            .run(Self.postponeEvent, Parameter.int(id.rawValue), Parameter.int(seconds), Self.storable(reason)),
        ]) { _ in }
    }

    public func buryEvent(_ id: EventID, because reason: String) async throws {
        try await transaction([
            .scope(system(.upkeep)), .run(Self.buryEvent, Parameter.int(id.rawValue), Self.storable(reason)),
        ]) { _ in }
    }

    public func forgetDeadEvents(before date: Timestamp) async throws -> Int {
        try await transaction([.scope(system(.upkeep)), .run(Self.forgetDead, Parameter.timestamp(date))]) { $0[0].affected }
    }

    public func eventCounts() async throws -> EventCounts {
        try await transaction([.scope(system(.upkeep)), .run(Self.countEvents)]) { results in
            let row = try results[0].onlyRow()
            return EventCounts(waiting: try row.int(0), dead: try row.int(1))
        }
    }

    private func change(_ ids: [EventID], by sql: SQL) async throws {
        let list = Parameter.strings(ids.map { String($0.rawValue) })
        try await transaction([.scope(system(.upkeep)), .run(sql, list)]) { _ in }
    }

    private static func storable(_ reason: String) -> String { String(reason.replacing("\0", with: "").prefix(1000)) }
}

/// The columns of an event, for a table that the statement calls `e`.
private enum EventColumns {
    static let list = """
        e.id, e.type, e.bucket_id, e.name, e.version, e.metadata, e.old_bucket_id, e.old_name, e.upload_type, e.request_id, \
        e.caller_request_id, (extract(epoch FROM e.created_at) * 1000000)::bigint, e.attempts, e.uuid
        """

    static func read(_ row: Row) throws(PostgresError) -> StorageEvent {
        guard let type = EventType(rawValue: try row.string(1)) else {
            throw PostgresError(.unexpectedResult, "column 1 is not a type of events")
        }
        var event = StorageEvent(
            id: EventID(try row.int64(0)), uuid: try row.string(13), type: type,
            address: ObjectAddress(bucket: BucketID(stored: try row.string(2)), key: ObjectKey(stored: try row.string(3))),
            date: try row.timestamp(11), attempts: try row.int(12))
        event.version = try row.optionalString(4).map { ObjectVersion(stored: $0) }
        event.metadata = try row.optionalJSON(5)
        if let bucket = try row.optionalString(6), let name = try row.optionalString(7) {
            event.movedFrom = ObjectAddress(bucket: BucketID(stored: bucket), key: ObjectKey(stored: name))
        }
        event.uploadType = try row.optionalString(8).flatMap(UploadType.init)
        event.requestID = try row.optionalString(9)
        event.callerRequestID = try row.optionalString(10)
        return event
    }
}

extension PostgresMetadataStore {
    // Takers look one after the other: whoever looked at the same time would not see the lease of an object's earlier event. Any
    // number will do that nobody else locks: "events" in ASCII.
    private static let lockTaking = SQL("events_lock", "SELECT pg_advisory_xact_lock(111550592906355)")

    // What was postponed has a later `not_before` than what came after it, so an event goes before the later ones of its object.
    private static let takeEvents = SQL(
        "events_take",
        """
        WITH due AS MATERIALIZED (
            SELECT e.id
            FROM magpie.events AS e
            WHERE e.died_at IS NULL AND e.not_before <= clock_timestamp()
                AND NOT EXISTS (
                    SELECT FROM magpie.events AS b
                    WHERE b.bucket_id = e.bucket_id AND b.name = e.name AND b.id < e.id AND b.died_at IS NULL
                        AND b.not_before > e.not_before
                )
            ORDER BY e.not_before, e.id
            LIMIT $1::bigint
            FOR UPDATE SKIP LOCKED
        )
        UPDATE magpie.events AS e
        SET not_before = clock_timestamp() + $2::bigint * interval '1 second'
        FROM due
        WHERE e.id = due.id
        RETURNING \(EventColumns.list)
        """)

    private static let finishEvents = SQL(
        "events_finish", "DELETE FROM magpie.events AS e WHERE e.id = ANY ($1::bigint[])")

    private static let releaseEvents = SQL(
        "events_release",
        "UPDATE magpie.events AS e SET not_before = e.created_at WHERE e.id = ANY ($1::bigint[]) AND e.died_at IS NULL")

    // With the later ones of the object, so that takers need not look at them until then.
    private static let postponeEvent = SQL(
        "events_postpone",
        """
        WITH failed AS (
            UPDATE magpie.events AS e
            SET not_before = clock_timestamp() + $2::bigint * interval '1 second', attempts = e.attempts + 1, last_error = $3
            WHERE e.id = $1::bigint AND e.died_at IS NULL
            RETURNING e.bucket_id, e.name, e.not_before
        )
        UPDATE magpie.events AS e
        SET not_before = f.not_before
        FROM failed AS f
        WHERE e.bucket_id = f.bucket_id AND e.name = f.name AND e.id > $1::bigint AND e.died_at IS NULL
        """)

    private static let buryEvent = SQL(
        "events_bury",
        "UPDATE magpie.events AS e SET died_at = now(), attempts = e.attempts + 1, last_error = $2 WHERE e.id = $1::bigint")

    private static let forgetDead = SQL(
        "events_forget",
        "DELETE FROM magpie.events AS e WHERE e.died_at < timestamptz 'epoch' + $1::bigint * interval '1 microsecond'")

    private static let countEvents = SQL(
        "events_count",
        """
        SELECT count(*) FILTER (WHERE e.died_at IS NULL), count(*) FILTER (WHERE e.died_at IS NOT NULL) FROM magpie.events AS e
        """)
}
