// SPDX-License-Identifier: Apache-2.0

public import MediaCore

/// Deleting one object, or one version of it.
extension PostgresMetadataStore {
    public func delete(
        _ deletion: ObjectDeletion, in bucket: BucketID, as caller: Caller
    ) async throws -> DeletionOutcome {
        let address = ObjectAddress(bucket: bucket, key: deletion.key)
        if let version = deletion.version {
            return try await deleteVersion(version, of: address, if: deletion, as: caller)
        }
        return DeletionOutcome(marker: try await delete(address, if: deletion.condition, marksAbsent: true, as: caller).marker)
    }

    /// Deletes what is current, as caller.
    /// - Parameter marksAbsent: whether a versioned bucket gets a delete marker for a key without an object too.
    func delete(
        _ address: ObjectAddress, if condition: WriteCondition, marksAbsent: Bool, as caller: Caller
    ) async throws -> (record: ObjectRecord?, marker: VersionID?) {
        let (bucket, name) = (address.bucket.rawValue, address.key.rawValue)
        let deletion: [Step] = [.scope(scope(caller)), .run(Self.deleteObject, bucket, name)]
        let deleted: (record: ObjectRecord?, marker: VersionID?)? = try await mappingErrors(about: .object(address)) {
            try await client.withTransaction(ending: .commit) { transaction in
                let lock: [Step] = [
                    .scope(lockingSystem(caller.facts)), lockStep([address]), .run(Self.lockCurrent, bucket, name),
                ]
                let results = try await transaction.run(lock + deletion)
                guard let current = try results[1].optionalRow().map({ try ObjectColumns.read($0) }) else {
                    guard marksAbsent else { throw StorageError.objectNotFound(address) }
                    return (nil, try await markAbsent(address, if: condition, as: caller, in: transaction))
                }
                guard let row = try results.last?.optionalRow() else { return nil }
                // Only who may delete the row learns what it is like. What this throws brings it back.
                try condition.require(current, at: address)
                let record = try ObjectColumns.read(row)
                let ends = try await transaction.finish(
                    with: requestDeletions(of: [record], caller.facts) + [
                        .scope(system(caller.facts)), .run(Self.readMarker, bucket, name),
                    ])
                return (record, try ends.last?.optionalRow().map { try VersionColumns.id($0) })
            }
        }
        if let deleted { return deleted }
        let command = try await missingForDelete(address, caller)
        throw StorageError(.accessDenied, "Access denied").refused(command, on: .objects, caller)
    }

    /// Puts a delete marker where there is no object, if the caller could insert and delete one there.
    private func markAbsent(
        _ address: ObjectAddress, if condition: WriteCondition, as caller: Caller, in transaction: Transaction
    ) async throws -> VersionID? {
        let (bucket, name) = (address.bucket.rawValue, address.key.rawValue)
        let settings = try await transaction.run([.scope(lockingSystem(caller.facts)), .run(Self.readVersioning, bucket)])
        guard let versioning = try settings[0].optionalRow()?.string(0), versioning != BucketVersioning.off.rawValue else {
            throw StorageError.objectNotFound(address)
        }
        if caller.principal.role != configuration.service.role {
            let draft = ObjectDraft(
                address: address, ownerID: caller.principal.subject, metadata: nil, userMetadata: nil)
            let tried: [ResultSet]
            do {
                tried = try await transaction.run([
                    .run(Self.savepoint), .scope(dryRunScope(caller)), insertStep(draft), .run(Self.deleteObject, bucket, name),
                    .run(Self.rollbackToSavepoint),
                ])
            } catch let error as PostgresError {
                let mapped = ErrorMapping.storageError(error, about: .object(address))
                throw mapped.isPolicyRefusal ? mapped.refused(.insert, on: .objects, caller) : mapped
            }
            guard try tried[2].optionalRow() != nil else {
                throw StorageError(.accessDenied, "Access denied").refused(.delete, on: .objects, caller)
            }
        }
        try condition.require(nil, at: address)
        let marked = try await transaction.finish(with: [
            .scope(system(caller.facts)), .run(Self.markDeleted, bucket, versioning, Parameter.strings([name])),
            .run(Self.readMarker, bucket, name),
        ])
        return try marked[1].optionalRow().map { try VersionColumns.id($0) }
    }

    /// Deletes a version for good, as caller, if it is the one that `wanted` means.
    private func deleteVersion(
        _ id: VersionID, of address: ObjectAddress, if wanted: ObjectDeletion, as caller: Caller
    ) async throws -> DeletionOutcome {
        let outcome: (isCurrent: Bool, deleted: DeletionOutcome?) = try await mappingErrors(about: .object(address)) {
            try await client.withTransaction(ending: .commit) { transaction in
                let found = try await findVersion(id, of: address, caller.facts, in: transaction)
                let deletion: [Step]
                if let sequence = found.sequence {
                    deletion = [.scope(scope(caller)), .run(Self.deleteKept, Parameter.int(sequence))]
                } else {
                    deletion = [
                        .scope(forgetting(scope(caller))),
                        .run(Self.deleteObject, address.bucket.rawValue, address.key.rawValue),
                    ]
                }
                guard try await transaction.run(deletion)[0].optionalRow() != nil else { return (found.sequence == nil, nil) }
                try wanted.require(found.record, isMarker: found.isMarker)
                _ = try await transaction.finish(
                    with: requestDeletions(of: [found.record], caller.facts) + [
                        .scope(system(caller.facts)), promoteStep(address),
                    ])
                return (found.sequence == nil, DeletionOutcome(removed: id, removedMarker: found.isMarker))
            }
        }
        if let deleted = outcome.deleted { return deleted }
        let refused = StorageError(.accessDenied, "Access denied")
        guard outcome.isCurrent else { throw refused.refused(.delete, on: .versions, caller) }
        throw refused.refused(try await missingForDelete(address, caller), on: .objects, caller)
    }

    /// Locks the address and the version. - Throws: `StorageError` with `.objectNotFound`.
    func findVersion(
        _ id: VersionID, of address: ObjectAddress, _ facts: RequestFacts, in transaction: Transaction
    ) async throws -> (record: ObjectRecord, sequence: Int64?, isMarker: Bool) {
        let (bucket, name) = (address.bucket.rawValue, address.key.rawValue)
        let results = try await transaction.run([
            .scope(lockingSystem(facts)), lockStep([address]), .run(Self.lockCurrentVersion, bucket, name, id.parameter),
            .run(Self.lockKept, bucket, name, id.parameter),
        ])
        if let row = try results[1].optionalRow() { return (try ObjectColumns.read(row), nil, false) }
        guard let row = try results[2].optionalRow() else { throw StorageError.objectNotFound(address) }
        return (try ObjectColumns.read(row), try VersionColumns.sequence(row), try VersionColumns.isMarker(row))
    }

    /// Makes the newest version that is left the current one.
    func promoteStep(_ address: ObjectAddress) -> Step {
        .run(Self.promote, address.bucket.rawValue, address.key.rawValue)
    }
}

extension VersionID {
    /// In statements NULL stands for the `null` version.
    var parameter: String? {
        switch self {
        case .null: nil
        case .id(let version): version.rawValue
        }
    }
}

extension PostgresMetadataStore {
    private static let lockCurrent = SQL(
        "object_lock_current",
        "SELECT \(ObjectColumns.list) FROM storage.objects AS o WHERE o.bucket_id = $1 AND o.name = $2 FOR UPDATE")

    static let lockCurrentVersion = SQL(
        "object_lock_version",
        """
        SELECT \(ObjectColumns.list)
        FROM storage.objects AS o
        LEFT JOIN magpie.blobs AS l ON l.version = o.version
        WHERE o.bucket_id = $1 AND o.name = $2
            AND CASE WHEN $3::text IS NULL THEN l.is_versioned IS NOT TRUE ELSE l.is_versioned AND o.version = $3 END
        FOR UPDATE OF o
        """)

    static let lockKept = SQL(
        "version_lock",
        """
        SELECT \(VersionColumns.list)
        FROM magpie.object_versions AS v
        WHERE v.bucket_id = $1 AND v.name COLLATE "C" = $2
            AND CASE WHEN $3::text IS NULL THEN v.is_null ELSE v.version = $3 AND NOT v.is_null END
        ORDER BY v.sequence DESC
        LIMIT 1
        FOR UPDATE
        """)

    private static let deleteKept = SQL(
        "version_delete", "DELETE FROM magpie.object_versions AS v WHERE v.sequence = $1::bigint RETURNING v.version")

    private static let readVersioning = SQL(
        "bucket_versioning", "SELECT s.versioning FROM magpie.bucket_settings AS s WHERE s.bucket_id = $1")

    private static let markDeleted = SQL("object_mark_deleted", "SELECT magpie.mark_deleted($1, $2, $3::text[])")

    private static let promote = SQL("version_promote", "SELECT magpie.promote_version($1, $2)")

    private static let readMarker = SQL(
        "version_marker",
        """
        SELECT \(VersionColumns.list)
        FROM magpie.object_versions AS v
        WHERE v.bucket_id = $1 AND v.name COLLATE "C" = $2
        ORDER BY v.sequence DESC
        LIMIT 1
        """)
}
