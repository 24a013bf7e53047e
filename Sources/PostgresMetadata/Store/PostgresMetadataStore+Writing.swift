// SPDX-License-Identifier: Apache-2.0

public import MediaCore

/// Writing and moving objects.
extension PostgresMetadataStore {
    public func checkPut(_ draft: ObjectDraft, mode: PutMode, as caller: Caller) async throws -> PutTrial {
        let trial: PutTrial
        do {
            trial = try await checkRights(draft, mode, as: caller)
        } catch let error as StorageError where error.code == .objectExists && draft.condition == .ifAbsent {
            throw StorageError.preconditionFailed(draft.address)
        }
        guard draft.condition != .none else { return trial }
        let read = Step.run(Self.readRecord, draft.address.bucket.rawValue, draft.address.key.rawValue)
        let record = try await transaction([.scope(system(caller.facts)), read]) {
            try $0[0].optionalRow().map { try ObjectColumns.read($0) }
        }
        try draft.condition.require(record, at: draft.address)
        return trial
    }

    private func checkRights(_ draft: ObjectDraft, _ mode: PutMode, as caller: Caller) async throws -> PutTrial {
        var trial = PutTrial(draft: draft, caller: caller, seen: nil)
        let address = draft.address
        if caller.principal.role == configuration.service.role {
            try await checkPutByService(draft, mode, caller.facts)
            return trial
        }
        // What is there is read before it is tried: a row that comes in between is another one to the commit.
        let steps: [Step] =
            switch mode {
            case .create: [.scope(dryRunScope(caller)), insertStep(draft)]
            case .replace:
                [
                    .scope(system(caller.facts)), .run(Self.readState, address.bucket.rawValue, address.key.rawValue),
                    .scope(dryRunScope(caller)), upsertStep(draft),
                ]
            }
        do {
            try await transaction(steps, ending: .rollback, about: .object(address)) { results in
                if mode == .replace { trial.seen = try results[0].optionalRow()?.string(0) }
            }
            return trial
        } catch let error as StorageError where error.isPolicyRefusal {
            switch mode {
            case .create: throw error.refused(.insert, on: .objects, caller)
            case .replace: throw error.refused(try await missingForReplace(draft, caller), on: .objects, caller)
            }
        }
    }

    /// Nothing but a row in the way can refuse the service, so nothing is written to find out.
    private func checkPutByService(_ draft: ObjectDraft, _ mode: PutMode, _ facts: RequestFacts) async throws {
        guard mode == .create else { return }
        let address = draft.address
        let read = Step.run(Self.readObstacles, address.bucket.rawValue, address.key.rawValue)
        try await transaction([.scope(system(facts)), read], about: .object(address)) { results in
            let row = try results[0].onlyRow()
            guard try row.bool(0) else {
                throw StorageError(
                    .relatedResourceMissing, "The related resource does not exist", resource: address.bucket.rawValue)
            }
            guard try !row.bool(1) else { throw StorageError.objectExists(address) }
        }
    }

    public func commitPut(_ object: NewObject, mode: PutMode, facts: RequestFacts) async throws -> ObjectRecord {
        if let record = try await commitTogether(object, mode) { return record }
        guard let trial = requiredTrial(object, mode) else { return try await write(object, mode, facts) }
        let (bucket, name) = (object.address.bucket.rawValue, object.address.key.rawValue)
        do {
            return try await write(object, mode, facts, after: [.run(Self.requireSeen, bucket, name, trial.seen)])
        } catch let error as StorageError where error.isAnotherRow {
            return try await writeTryingAgain(object, trial, facts)
        }
    }

    /// The trial whose row must be the one that is replaced. Nil where the write may replace any row, or none.
    func requiredTrial(_ object: NewObject, _ mode: PutMode) -> PutTrial? {
        guard mode == .replace, let trial = object.trial, trial.caller.principal.role != configuration.service.role else {
            return nil
        }
        return trial
    }

    /// Replaces a row that the trial did not see, if the caller may.
    private func writeTryingAgain(_ object: NewObject, _ trial: PutTrial, _ facts: RequestFacts) async throws -> ObjectRecord {
        do {
            // Only what lies between the savepoint and the way back to it is the caller's, as in a move.
            return try await write(
                object, .replace, facts,
                after: [
                    .run(Self.savepoint), .scope(dryRunScope(trial.caller)), upsertStep(trial.draft),
                    .run(Self.rollbackToSavepoint), .scope(writing(object.origin, in: lockingSystem(facts))),
                ])
        } catch let error as StorageError where error.isPolicyRefusal {
            throw error.refused(try await missingForReplace(trial.draft, trial.caller), on: .objects, trial.caller)
        }
    }

    /// - Parameter checks: run under the lock on the address, before anything is written.
    private func write(
        _ object: NewObject, _ mode: PutMode, _ facts: RequestFacts, after checks: [Step] = []
    ) async throws -> ObjectRecord {
        let address = object.address
        let lock: [Step] = [.scope(writing(object.origin, in: lockingSystem(facts))), lockStep([address])]
        var write = checks + (object.isAdopted ? [adoptStep(object)] : []) + [writeStep(object, mode)]
        // Behind the row, whose bucket is locked first: deleting a bucket locks in that order too.
        if let upload = object.completing { write.append(Self.complete(upload)) }
        let behind = object.completing == nil ? 0 : 1
        func record(_ results: [ResultSet]) throws -> ObjectRecord {
            guard let written = results.dropLast(behind).last else {
                throw PostgresError(.unexpectedResult, "no result of the write")
            }
            return try ObjectColumns.read(written.onlyRow())
        }
        guard object.condition != .none else {
            return try await transaction(lock + write, about: .object(address), record)
        }
        // Nobody changes the row between the look at it and the write: whoever would waits for the address or the row.
        return try await mappingErrors(about: .object(address)) {
            try await client.withTransaction(ending: .commit) { transaction in
                try await requireCondition(object.condition, at: address, in: transaction, after: lock)
                return try record(await transaction.finish(with: write))
            }
        }
    }

    /// Runs `steps`, which lock the address, and looks at what is there.
    /// - Returns: the row, locked. Nil when there is none.
    @discardableResult
    func requireCondition(
        _ condition: WriteCondition, at address: ObjectAddress, in transaction: Transaction, after steps: [Step]
    ) async throws -> ObjectRecord? {
        let results = try await transaction.run(
            steps + [.run(Self.lockRecord, address.bucket.rawValue, address.key.rawValue)])
        let record = try results.last?.optionalRow().map { try ObjectColumns.read($0) }
        try condition.require(record, at: address)
        return record
    }

    private func writeStep(_ object: NewObject, _ mode: PutMode) -> Step {
        let address = object.address
        if mode == .create, let past = object.past { return importStep(object, past) }
        return .run(
            mode == .create ? Self.commitCreate : Self.commitReplace, address.bucket.rawValue, address.key.rawValue,
            object.version.rawValue, ObjectColumns.owner(of: object.ownerID), object.ownerID, object.metadata.rawValue,
            object.userMetadata?.rawValue, object.blob.backend.rawValue, object.blob.key.rawValue,
            Parameter.int(object.blob.size), object.blob.md5, StringMap.text(object.blob.checksums),
            object.blob.parts?.text, object.partChecksums?.text)
    }

    private static func complete(_ upload: UploadCompletion) -> Step {
        .run(completeUpload, upload.id.rawValue, Parameter.timestamp(upload.keptUntil), Parameter.int(upload.writer))
    }

    public func moveObject(
        from source: ObjectAddress, to destination: ObjectAddress, as caller: Caller
    ) async throws -> ObjectRecord {
        do {
            return try await mappingErrors(about: .object(destination)) {
                try await client.withTransaction(ending: .commit) { transaction in
                    // The locks are the system's; only what lies between the savepoint and the way back to it is the caller's.
                    let tried = try await transaction.run([
                        .scope(lockingSystem(caller.facts)), lockStep([source, destination]),
                        .run(Self.lockForMove, source.bucket.rawValue, source.key.rawValue),
                        .run(Self.savepoint),
                        .scope(dryRunScope(caller)), moveStep(from: source, to: destination, caller),
                        .run(Self.rollbackToSavepoint),
                    ])
                    guard try tried[1].optionalRow() != nil, try tried[3].optionalRow() != nil else {
                        throw StorageError.objectNotFound(source)
                    }
                    let moved = try await transaction.run([
                        .scope(system(caller.facts)), moveStep(from: source, to: destination, caller),
                    ])
                    let record = try ObjectColumns.read(moved[0].onlyRow())
                    _ = try await transaction.finish(with: [
                        .run(
                            Self.settleMove, source.bucket.rawValue, source.key.rawValue, destination.bucket.rawValue,
                            destination.key.rawValue, record.version?.rawValue)
                    ])
                    return record
                }
            }
        } catch let error as StorageError where error.isPolicyRefusal {
            throw error.refused(try await missingForMove(from: source, to: destination, caller), on: .objects, caller)
        }
    }

    /// Holds the addresses until the end of the transaction, in one order for everybody.
    func lockStep(_ addresses: [ObjectAddress]) -> Step {
        if addresses.count == 1, let address = addresses.first { return .run(Self.lockAddress, address.description) }
        return .run(Self.lockAddresses, Parameter.strings(addresses.map(\.description)))
    }

    /// An upload as policies see it before any byte has arrived: INSERT alone.
    func insertStep(_ draft: ObjectDraft) -> Step { draftStep(Self.insertDraft, draft) }

    private func upsertStep(_ draft: ObjectDraft) -> Step { draftStep(Self.upsertDraft, draft) }

    private func draftStep(_ sql: SQL, _ draft: ObjectDraft) -> Step {
        .run(
            sql, draft.address.bucket.rawValue, draft.address.key.rawValue, ObjectColumns.owner(of: draft.ownerID), draft.ownerID,
            draft.metadata?.rawValue, draft.userMetadata?.rawValue)
    }

    func moveStep(from source: ObjectAddress, to destination: ObjectAddress, _ caller: Caller) -> Step {
        let subject = caller.principal.subject
        return .run(
            Self.moveObject, source.bucket.rawValue, source.key.rawValue, destination.bucket.rawValue, destination.key.rawValue,
            subject, ObjectColumns.owner(of: subject))
    }
}

extension PostgresMetadataStore {
    // The version is the one that Supabase Storage tests with.
    private static let insertDraft = SQL(
        "object_draft_insert",
        """
        INSERT INTO storage.objects (bucket_id, name, version, owner, owner_id, metadata, user_metadata)
        VALUES ($1, $2, '1', $3::uuid, $4, $5::jsonb, $6::jsonb)
        """)

    private static let upsertDraft = SQL(
        "object_draft_upsert",
        """
        INSERT INTO storage.objects (bucket_id, name, version, owner, owner_id, metadata, user_metadata)
        VALUES ($1, $2, '1', $3::uuid, $4, $5::jsonb, $6::jsonb)
        ON CONFLICT (bucket_id, name) DO UPDATE
        SET version = excluded.version, owner = excluded.owner, owner_id = excluded.owner_id, metadata = excluded.metadata,
            user_metadata = excluded.user_metadata
        RETURNING *
        """)

    // An update changes xmin, whatever it changes; a dry run that was rolled back does not.
    private static let readState = SQL(
        "object_put_state",
        "SELECT o.id::text || '/' || o.xmin::text FROM storage.objects AS o WHERE o.bucket_id = $1 AND o.name = $2")

    private static let requireSeen = SQL("object_require_seen", "SELECT magpie.require_seen($1, $2, $3)")

    private static let readObstacles = SQL(
        "object_put_obstacles",
        """
        SELECT EXISTS (SELECT FROM storage.buckets WHERE id = $1),
            EXISTS (SELECT FROM storage.objects WHERE bucket_id = $1 AND name = $2)
        """)

    private static let lockAddress = SQL("object_lock_address", "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")

    private static let lockAddresses = SQL(
        "object_lock_addresses",
        """
        SELECT pg_advisory_xact_lock(a.hash)
        FROM (SELECT DISTINCT hashtextextended(t, 0) AS hash FROM unnest($1::text[]) AS t ORDER BY 1) AS a
        """)

    private static let commitCreate = commit("object_commit_create", creates: true)
    private static let commitReplace = commit("object_commit_replace", creates: false)

    // A function in PL/pgSQL: each of its statements sees what was committed while the one before waited for a row.
    private static func commit(_ name: String, creates: Bool) -> SQL {
        SQL(
            name,
            """
            SELECT \(ObjectColumns.list)
            FROM magpie.commit_put(\(creates), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS o
            """)
    }

    private static let settleMove = SQL("object_settle_move", "SELECT magpie.settle_move($1, $2, $3, $4, $5)")

    private static let readRecord = SQL(
        "object_record",
        "SELECT \(ObjectColumns.list) FROM storage.objects AS o WHERE o.bucket_id = $1 AND o.name = $2")

    private static let lockRecord = SQL(
        "object_record_lock",
        "SELECT \(ObjectColumns.list) FROM storage.objects AS o WHERE o.bucket_id = $1 AND o.name = $2 FOR UPDATE")

    private static let completeUpload = SQL(
        "upload_complete",
        // Locked here already: a writer that takes the upload over waits for this transaction, or this one for it.
        """
        SELECT magpie.complete_upload(
            (
                SELECT u.id FROM magpie.upload_sessions AS u
                WHERE u.id = $1 AND (u.writer = $3::bigint OR u.completed_at IS NOT NULL)
                FOR UPDATE
            ),
            timestamptz 'epoch' + $2::bigint * interval '1 microsecond')
        """)

    private static let lockForMove = SQL(
        "object_move_lock", "SELECT o.id FROM storage.objects AS o WHERE o.bucket_id = $1 AND o.name = $2 FOR UPDATE")

    static let savepoint = SQL("savepoint_move", "SAVEPOINT tried")
    static let rollbackToSavepoint = SQL("savepoint_move_rollback", "ROLLBACK TO SAVEPOINT tried")

    private static let moveObject = SQL(
        "object_move",
        """
        UPDATE storage.objects AS o
        SET bucket_id = $3, name = $4, owner_id = coalesce($5, o.owner_id),
            owner = CASE WHEN $5::text IS NULL THEN o.owner ELSE $6::uuid END
        WHERE o.bucket_id = $1 AND o.name = $2
        RETURNING \(ObjectColumns.list)
        """)
}
