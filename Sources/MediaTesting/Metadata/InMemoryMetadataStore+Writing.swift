// SPDX-License-Identifier: Apache-2.0

public import MediaCore
import Synchronization

extension InMemoryMetadataStore {
    public func checkPut(_ draft: ObjectDraft, mode: PutMode, as caller: Caller) async throws -> PutTrial {
        let time = now()
        return try transaction(as: caller) { state, security in
            let proposed = Self.proposed(draft, at: time)
            try security.require(.insert, .object(proposed))
            let existing = state.objects[draft.address]
            if mode == .create, draft.condition == .ifAbsent { try draft.condition.require(existing, at: draft.address) }
            switch (mode, existing) {
            case (.create, nil): break
            case (.create, _?): throw StorageError.objectExists(draft.address)
            // INSERT … ON CONFLICT DO UPDATE … RETURNING reads the row it writes, a new one too.
            case (.replace, nil): try security.require(.select, .object(proposed))
            case (.replace, let existing?): try Self.requireUpsert(existing, becoming: proposed, security)
            }
            guard state.buckets[draft.address.bucket] != nil else { throw Self.bucketMissing(draft.address.bucket) }
            try draft.condition.require(existing, at: draft.address)
            return PutTrial(draft: draft, caller: caller, seen: existing.map(Self.state(of:)))
        }
    }

    public func commitPut(_ object: NewObject, mode: PutMode, facts: RequestFacts) async throws -> ObjectRecord {
        let time = now()
        return try state.withLock { state in
            state.facts = facts
            if let upload = object.completing {
                guard try state.pendingUpload(upload.id).writer == upload.writer else {
                    throw StorageError.uploadNotFound(upload.id)
                }
            }
            let existing = state.objects[object.address]
            try object.condition.require(existing, at: object.address)
            guard existing == nil || mode == .replace else { throw StorageError.objectExists(object.address) }
            guard state.buckets[object.address.bucket] != nil else { throw Self.bucketMissing(object.address.bucket) }
            if let trial = object.trial, let existing, trial.seen != Self.state(of: existing) {
                let security = try RowSecurity(
                    policies: state.policies, roles: roles, files: state.fileRows, caller: trial.caller)
                try Self.requireUpsert(existing, becoming: Self.proposed(trial.draft, at: time), security)
            }
            try state.settleReservation(of: object)
            var record = ObjectRecord(
                id: existing?.id ?? ObjectID(), address: object.address, version: object.version,
                owner: Self.uuidOwner(object.ownerID), ownerID: object.ownerID, metadata: object.metadata,
                userMetadata: object.userMetadata, createdAt: existing.map(\.createdAt) ?? time, updatedAt: time,
                lastAccessedAt: existing.map(\.lastAccessedAt) ?? time)
            if mode == .create, let past = object.past {
                guard state.blobs[object.version] == nil else { throw StorageError.objectExists(object.address) }
                state.takeOver(past, by: &record)
            }
            if existing?.version != object.version { state.makeWay(at: object.address, at: time) }
            state.objects[object.address] = record
            state.followObject(record, was: existing, at: time)
            state.blobs[object.version] = StoredBlob(
                location: object.blob, createdAt: time,
                isVersioned: state.versioning(of: object.address.bucket) == .enabled, partChecksums: object.partChecksums)
            if let upload = object.completing {
                state.uploads[upload.id]?.session.completedAt = time
                let expiry = state.uploads[upload.id]?.session.expiresAt ?? upload.keptUntil
                state.uploads[upload.id]?.session.expiresAt = expiry
            }
            state.record(
                object.origin == .copy ? .createdByCopy : existing == nil ? .createdByPost : .createdByPut, record, at: time)
            state.report(.object(object.address))
            return record
        }
    }

    public func moveObject(
        from source: ObjectAddress, to destination: ObjectAddress, as caller: Caller
    ) async throws -> ObjectRecord {
        let time = now()
        return try transaction(as: caller) { state, security in
            guard let record = state.objects[source], security.sees(record), security.allows(.update, .object(record)) else {
                throw StorageError.objectNotFound(source)
            }
            var moved = record
            moved.address = destination
            moved.updatedAt = time
            if let subject = caller.principal.subject {
                moved.ownerID = subject
                moved.owner = Self.uuidOwner(subject)
            }
            try security.require(.update, .object(moved))
            try security.require(.select, .object(moved))
            guard destination == source || state.objects[destination] == nil else {
                throw StorageError.objectExists(destination)
            }
            guard state.buckets[destination.bucket] != nil else { throw Self.bucketMissing(destination.bucket) }
            state.objects[source] = nil
            state.objects[destination] = moved
            state.followObject(moved, was: record, at: time)
            state.settleMove(of: moved, from: source, at: time, by: caller.principal.subject)
            if source != destination {
                state.record(.removedByMove, record, at: time)
                state.record(.createdByMove, moved, from: source, at: time)
            }
            state.report(.object(source))
            state.report(.object(destination))
            return moved
        }
    }

    private static func proposed(_ draft: ObjectDraft, at time: Timestamp) -> ObjectRecord {
        ObjectRecord(
            id: ObjectID(), address: draft.address, version: ObjectVersion(stored: "1"), owner: uuidOwner(draft.ownerID),
            ownerID: draft.ownerID, metadata: draft.metadata, userMetadata: draft.userMetadata, createdAt: time,
            updatedAt: time, lastAccessedAt: time)
    }

    /// What tells one state of a row from the next.
    private static func state(of record: ObjectRecord) -> String {
        [record.id.rawValue, record.version?.rawValue, record.ownerID, record.updatedAt.map { String($0.microseconds) }]
            .map { $0 ?? "" }.joined(separator: "/")
    }

    /// The checks of the conflicting branch, in the order in which Postgres makes them.
    private static func requireUpsert(
        _ existing: ObjectRecord, becoming proposed: ObjectRecord, _ security: RowSecurity
    ) throws(StorageError) {
        try security.require(.select, .object(proposed))
        try security.require(.update, .object(existing), .existing)
        try security.require(.select, .object(existing), .existing)
        var updated = proposed
        updated.id = existing.id
        updated.createdAt = existing.createdAt
        try security.require(.update, .object(updated))
        try security.require(.select, .object(updated))
    }

    private static func bucketMissing(_ id: BucketID) -> StorageError {
        StorageError(.relatedResourceMissing, "The related resource does not exist", resource: id.rawValue)
    }
}

extension InMemoryMetadataStore.State {
    /// What a new row takes over of one elsewhere.
    fileprivate func takeOver(_ past: ObjectPast, by record: inout ObjectRecord) {
        if let id = past.id, !objects.values.contains(where: { $0.id == id }) { record.id = id }
        record.createdAt = past.createdAt ?? record.createdAt
        record.updatedAt = past.updatedAt ?? record.createdAt
        record.lastAccessedAt = past.lastAccessedAt ?? record.createdAt
    }
}
