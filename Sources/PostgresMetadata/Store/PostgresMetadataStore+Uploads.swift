// SPDX-License-Identifier: Apache-2.0

public import MediaCore

/// Uploads under way. Everything as system: the core has tried the caller's rights.
extension PostgresMetadataStore {
    public func createUpload(_ session: UploadSession) async throws {
        let insert = Step.run(
            Self.insertUpload, session.id.rawValue, session.kind.rawValue, session.address.bucket.rawValue,
            session.address.key.rawValue, session.backend.rawValue, session.multipart.rawValue, session.ownerID,
            Parameter.bool(session.mode == .replace), session.details.json.rawValue, session.userMetadata?.rawValue,
            session.attributes.rawValue, Parameter.int(session.length), Parameter.int(session.offset), session.digest.md5,
            Parameter.int(session.digest.pieces), session.digest.crc64nvme, Parameter.int(session.writer),
            Parameter.timestamp(session.createdAt), Parameter.timestamp(session.expiresAt),
            Parameter.timestamp(session.completedAt), session.role)
        do {
            try await transaction([.scope(system(.upkeep)), insert], about: .object(session.address)) { _ in }
        } catch let error as StorageError where error.code == .relatedResourceMissing {
            throw StorageError.bucketNotFound(session.address.bucket)
        }
    }

    public func upload(_ id: UploadID) async throws -> UploadSession {
        try await uploadRow(.run(Self.readUpload, id.rawValue)).orThrow(.uploadNotFound(id))
    }

    public func claimUpload(_ id: UploadID, at offset: Int64) async throws -> UploadSession {
        let claimed = try await uploadRow(.run(Self.claimUpload, id.rawValue, Parameter.int(offset)))
        guard let claimed else { throw try await whyNot(id) }
        return claimed
    }

    public func advanceUpload(_ progress: UploadProgress) async throws {
        let part = progress.part
        let advance = Step.run(
            Self.advanceUpload, progress.id.rawValue, Parameter.int(progress.writer), Parameter.int(progress.from),
            Parameter.int(progress.to), progress.digest.md5, Parameter.int(progress.digest.pieces), progress.digest.crc64nvme,
            Parameter.int(progress.length), Parameter.int(part?.number.rawValue), Parameter.int(part?.size), part?.blob.tag,
            part?.md5, StringMap.text(part?.checksums ?? [:]), Parameter.timestamp(part?.createdAt))
        let isAdvanced = try await transaction([.scope(system(.upkeep)), advance]) { try $0[0].onlyRow().bool(0) }
        guard isAdvanced else { throw try await whyNot(progress.id) }
    }

    public func recordPart(_ part: UploadPart, of id: UploadID) async throws {
        let record = Step.run(
            Self.recordPart, id.rawValue, Parameter.int(part.number.rawValue), Parameter.int(part.size), part.blob.tag, part.md5,
            StringMap.text(part.checksums), Parameter.timestamp(part.createdAt))
        let isRecorded = try await transaction([.scope(system(.upkeep)), record]) { try $0[0].optionalRow() != nil }
        guard isRecorded else { throw try await whyNot(id) }
    }

    public func uploadParts(of id: UploadID, after number: PartNumber?, limit: Int) async throws -> [UploadPart] {
        let read = Step.run(Self.readParts, id.rawValue, Parameter.int(number?.rawValue ?? 0), Parameter.int(max(0, limit)))
        return try await transaction([.scope(system(.upkeep)), read]) { try $0[0].rows.map { try UploadColumns.readPart($0) } }
    }

    public func uploads(matching query: UploadQuery, now: Timestamp) async throws -> [UploadSession] {
        let (isOwned, owner): (Bool, String?) =
            switch query.owner {
            case .anyone: (false, nil)
            case .subject(let subject): (true, subject)
            }
        let list = Step.run(
            Self.listUploads, query.bucket.rawValue, query.kind.rawValue, query.prefix, query.keyMarker,
            query.idMarker?.rawValue, Parameter.bool(isOwned), owner, Parameter.timestamp(now),
            Parameter.int(max(0, query.limit)))
        return try await transaction([.scope(system(.upkeep)), list]) { try $0[0].rows.map { try UploadColumns.read($0) } }
    }

    public func deleteUpload(_ id: UploadID) async throws -> UploadSession {
        guard let deleted = try await uploadRow(.run(Self.deleteUpload, id.rawValue)) else { throw try await whyNot(id) }
        return deleted
    }

    public func deleteUploads(_ ids: [UploadID]) async throws -> [UploadSession] {
        let delete = Step.run(Self.deleteUploads, Parameter.strings(ids.map(\.rawValue)))
        return try await transaction([.scope(system(.upkeep)), delete]) { try $0[0].rows.map { try UploadColumns.read($0) } }
    }

    public func bucketsWithUploads(_ kind: UploadSession.Kind, startedBefore date: Timestamp) async throws -> [BucketID] {
        let find = Step.run(Self.findBuckets, kind.rawValue, Parameter.timestamp(date))
        return try await transaction([.scope(system(.upkeep)), find]) {
            try $0[0].rows.map { BucketID(stored: try $0.string(0)) }
        }
    }

    public func takeExpiredUploads(now: Timestamp, limit: Int) async throws -> [UploadSession] {
        let take = Step.run(Self.takeExpired, Parameter.timestamp(now), Parameter.int(max(0, limit)))
        return try await transaction([.scope(system(.upkeep)), take]) { try $0[0].rows.map { try UploadColumns.read($0) } }
    }

    public func unknownMultiparts(among ids: [MultipartID], in backend: BackendID) async throws -> [MultipartID] {
        let find = Step.run(Self.findUnknownMultiparts, backend.rawValue, Parameter.strings(ids.map(\.rawValue)))
        return try await transaction([.scope(system(.upkeep)), find]) {
            try $0[0].rows.map { MultipartID(try $0.string(0)) }
        }
    }

    /// The one row of a statement that returns whole uploads.
    private func uploadRow(_ step: Step) async throws -> UploadSession? {
        try await transaction([.scope(system(.upkeep)), step]) { try $0[0].optionalRow().map { try UploadColumns.read($0) } }
    }

    /// Why a conditional change found nothing to change.
    private func whyNot(_ id: UploadID) async throws -> StorageError {
        try await upload(id).isComplete ? .uploadComplete(id) : .uploadOffsetMismatch(id)
    }
}

extension Optional {
    fileprivate func orThrow(_ error: @autoclosure () -> StorageError) throws(StorageError) -> Wrapped {
        guard let self else { throw error() }
        return self
    }
}

extension PostgresMetadataStore {
    private static let insertUpload = SQL(
        "upload_insert",
        """
        INSERT INTO magpie.upload_sessions (id, kind, bucket_id, name, backend, multipart, owner_id, replaces, details,
            user_metadata, attributes, length, received, md5, pieces, crc64nvme, writer, created_at, expires_at, completed_at,
            role)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8::boolean, $9::jsonb, $10::jsonb, $11, $12::bigint, $13::bigint, $14, $15::int, $16,
            $17::bigint, timestamptz 'epoch' + $18::bigint * interval '1 microsecond',
            timestamptz 'epoch' + $19::bigint * interval '1 microsecond',
            timestamptz 'epoch' + $20::bigint * interval '1 microsecond', $21)
        """)

    private static let readUpload = SQL(
        "upload_read", "SELECT \(UploadColumns.list) FROM magpie.upload_sessions AS u WHERE u.id = $1")

    private static let claimUpload = SQL(
        "upload_claim",
        """
        UPDATE magpie.upload_sessions AS u
        SET writer = u.writer + 1
        WHERE u.id = $1 AND u.received = $2::bigint AND u.completed_at IS NULL
        RETURNING \(UploadColumns.list)
        """)

    private static let advanceUpload = SQL(
        "upload_advance",
        """
        WITH advanced AS (
            UPDATE magpie.upload_sessions AS u
            SET received = $4::bigint, md5 = $5, pieces = $6::int, crc64nvme = $7, length = coalesce($8::bigint, u.length)
            WHERE u.id = $1 AND u.writer = $2::bigint AND u.received = $3::bigint AND u.completed_at IS NULL
            RETURNING u.id
        ), recorded AS (
            INSERT INTO magpie.upload_parts (upload_id, number, size, tag, md5, checksums, created_at)
            SELECT a.id, $9::int, $10::bigint, $11, $12, $13::jsonb,
                timestamptz 'epoch' + $14::bigint * interval '1 microsecond'
            FROM advanced AS a
            WHERE $9::int IS NOT NULL
            ON CONFLICT (upload_id, number) DO UPDATE
            SET size = excluded.size, tag = excluded.tag, md5 = excluded.md5, checksums = excluded.checksums
        )
        SELECT EXISTS (SELECT FROM advanced)
        """)

    // The upload's row is locked, so that a part can't come while the upload is being completed.
    private static let recordPart = SQL(
        "upload_part_record",
        """
        INSERT INTO magpie.upload_parts (upload_id, number, size, tag, md5, checksums, created_at)
        SELECT u.id, $2::int, $3::bigint, $4, $5, $6::jsonb, timestamptz 'epoch' + $7::bigint * interval '1 microsecond'
        FROM (
            SELECT s.id FROM magpie.upload_sessions AS s WHERE s.id = $1 AND s.completed_at IS NULL FOR SHARE
        ) AS u
        ON CONFLICT (upload_id, number) DO UPDATE
        SET size = excluded.size, tag = excluded.tag, md5 = excluded.md5, checksums = excluded.checksums,
            created_at = excluded.created_at
        RETURNING number
        """)

    private static let readParts = SQL(
        "upload_parts_read",
        """
        SELECT \(UploadColumns.partList)
        FROM magpie.upload_parts AS p
        WHERE p.upload_id = $1 AND p.number > $2::int
        ORDER BY p.number
        LIMIT $3::bigint
        """)

    // A comparison of rows is where a page of the index begins; no id is behind the last character of Unicode.
    private static let listUploads = SQL(
        "uploads_list",
        """
        SELECT \(UploadColumns.list)
        FROM magpie.upload_sessions AS u
        WHERE u.bucket_id = $1 AND u.kind = $2 AND u.completed_at IS NULL
            AND u.name >= $3 AND starts_with(u.name, $3)
            AND (u.name, u.id) > (coalesce($4, ''), coalesce($5, CASE WHEN $4 IS NULL THEN '' ELSE chr(1114111) END))
            AND (NOT $6::boolean OR u.owner_id = $7)
            AND (u.expires_at IS NULL OR u.expires_at > timestamptz 'epoch' + $8::bigint * interval '1 microsecond')
        ORDER BY u.name, u.id
        LIMIT $9::bigint
        """)

    private static let deleteUpload = SQL(
        "upload_delete",
        """
        DELETE FROM magpie.upload_sessions AS u WHERE u.id = $1 AND u.completed_at IS NULL RETURNING \(UploadColumns.list)
        """)

    // Materialized, here and below, so that only the index on what is named can be used: that of all unfinished uploads looks cheap to a
    // planner who knows nothing of a table that grew lately, and is read from end to end.
    // Two servers that give the same uploads up do not wait for one another, nor for a request that is ending one of them.
    private static let deleteUploads = SQL(
        "uploads_delete",
        """
        WITH named AS MATERIALIZED (
            SELECT d.id, d.completed_at
            FROM magpie.upload_sessions AS d
            WHERE d.id = ANY ($1::text[])
            ORDER BY d.id
            FOR UPDATE SKIP LOCKED
        )
        DELETE FROM magpie.upload_sessions AS u
        USING named AS n
        WHERE u.id = n.id AND n.completed_at IS NULL
        RETURNING \(UploadColumns.list)
        """)

    private static let findBuckets = SQL(
        "uploads_buckets",
        """
        SELECT DISTINCT u.bucket_id COLLATE "C"
        FROM magpie.upload_sessions AS u
        WHERE u.kind = $1 AND u.completed_at IS NULL
            AND u.created_at < timestamptz 'epoch' + $2::bigint * interval '1 microsecond'
        ORDER BY 1
        """)

    private static let takeExpired = SQL(
        "uploads_take_expired",
        """
        DELETE FROM magpie.upload_sessions AS u
        USING (
            SELECT e.id
            FROM magpie.upload_sessions AS e
            WHERE e.expires_at <= timestamptz 'epoch' + $1::bigint * interval '1 microsecond'
            ORDER BY e.expires_at
            LIMIT $2::bigint
            FOR UPDATE SKIP LOCKED
        ) AS due
        WHERE u.id = due.id
        RETURNING \(UploadColumns.list)
        """)

    private static let findUnknownMultiparts = SQL(
        "multiparts_unknown",
        """
        WITH known AS MATERIALIZED (
            SELECT u.multipart, u.backend, u.completed_at FROM magpie.upload_sessions AS u WHERE u.multipart = ANY ($2::text[])
        )
        SELECT m.id
        FROM unnest($2::text[]) AS m (id)
        WHERE NOT EXISTS (
            SELECT FROM known AS k WHERE k.multipart = m.id AND k.backend = $1 AND k.completed_at IS NULL
        )
        """)
}
