// SPDX-License-Identifier: Apache-2.0

public import MediaCore
import Synchronization

extension InMemoryMetadataStore {
    public func version(_ id: VersionID?, at address: ObjectAddress, access: Access) async throws -> FoundVersion {
        do {
            let current = try await object(at: address, access: access)
            if id == nil || id == current.versionID { return .object(current, current.versionID) }
        } catch let error as StorageError where error.code == .objectNotFound {}
        guard case .policy(let caller) = access else { throw StorageError.objectNotFound(address) }
        return try transaction(as: caller) { state, security in
            let all = state.kept[address]?.filter { security.allows(.select, .version($0.record)) } ?? []
            guard let bucket = state.buckets[address.bucket],
                let found = id.map({ id in all.last { $0.id == id } }) ?? all.last, id != nil || found.isDeleteMarker
            else { throw StorageError.objectNotFound(address) }
            if found.isDeleteMarker { return .deleteMarker(found.id, createdAt: found.record.createdAt) }
            var object = state.readable(found.record, in: bucket)
            object.isVersioned = !found.isNull
            return .object(object, found.id)
        }
    }

    public func versions(
        matching query: VersionQuery, in bucket: BucketID, as caller: Caller
    ) async throws -> VersionPage {
        let limit = max(0, min(query.limit, KeyQuery.maxLimit))
        guard limit > 0 else { return VersionPage(items: [], next: nil) }
        let rows = try transaction(as: caller) { state, security in Self.versionRows(state, security, bucket) }
        var listing = VersionListing(query: query, limit: limit + 1)
        while let place = listing.place {
            let run = rows.filter { $0.key.rawValue.utf8.starts(with: query.prefix.utf8) }.from(place)
            listing.add(Array(run.prefix(limit + 1)), isLast: run.count <= limit + 1)
        }
        return VersionPage(items: listing.items, limit: limit)
    }

    public func partChecksums(of version: ObjectVersion) async throws -> PartChecksums? {
        state.withLock { $0.blobs[version]?.partChecksums }
    }

    public func keptVersions(after sequence: Int64?, limit: Int) async throws -> [MediaCore.KeptVersion] {
        state.withLock { state in
            state.kept.values.joined()
                .filter { !$0.isDeleteMarker && $0.sequence > sequence ?? 0 }
                .sorted { $0.sequence < $1.sequence }
                .prefix(max(0, limit))
                .map { kept in
                    MediaCore.KeptVersion(
                        sequence: kept.sequence, address: kept.record.address, id: kept.id,
                        blob: kept.record.version.flatMap { state.blobs[$0]?.location })
                }
        }
    }

    public func delete(
        _ deletion: ObjectDeletion, in bucket: BucketID, as caller: Caller
    ) async throws -> DeletionOutcome {
        let address = ObjectAddress(bucket: bucket, key: deletion.key)
        let time = now()
        return try transaction(as: caller) { state, security in
            guard let id = deletion.version else {
                return try Self.delete(address, deletion.condition, &state, security, at: time)
            }
            if let record = state.objects[address], id == (state.isVersioned(record.version) ? record.versionID : .null) {
                try Self.requireDeletion(.object(record), security)
                try deletion.require(record, isMarker: false)
                state.remove(record, at: time, forgets: true)
                state.promote(address, at: time)
                return DeletionOutcome(removed: id)
            }
            guard let index = state.kept[address]?.lastIndex(where: { $0.id == id }), let found = state.kept[address]?[index]
            else {
                throw StorageError.objectNotFound(address)
            }
            try Self.requireDeletion(.version(found.record), security)
            try deletion.require(found.record, isMarker: found.isDeleteMarker)
            state.queueDeletion(of: found.record.version, due: time)
            state.forget(address, at: index)
            state.promote(address, at: time)
            return DeletionOutcome(removed: id, removedMarker: found.isDeleteMarker)
        }
    }

    private static func delete(
        _ address: ObjectAddress, _ condition: WriteCondition, _ state: inout State, _ security: RowSecurity, at time: Timestamp
    ) throws -> DeletionOutcome {
        let record = state.objects[address]
        let subject = security.caller.principal.subject
        let isVersioned = state.versioning(of: address.bucket) != .off
        if let record {
            try requireDeletion(.object(record), security)
            try condition.require(record, at: address)
            state.remove(record, at: time, by: subject)
        } else {
            guard isVersioned else { throw StorageError.objectNotFound(address) }
            let draft = ObjectRecord(
                id: ObjectID(), address: address, version: ObjectVersion(stored: "1"), owner: uuidOwner(subject), ownerID: subject
            )
            try security.require(.insert, .object(draft))
            try requireDeletion(.object(draft), security)
            try condition.require(nil, at: address)
            state.markDeleted(address, at: time, by: subject)
        }
        return DeletionOutcome(marker: isVersioned ? state.kept[address]?.last?.id : nil)
    }

    /// DELETE … RETURNING reads as well as deletes: without SELECT no row is found.
    private static func requireDeletion(_ row: PolicyContext.Row, _ security: RowSecurity) throws(StorageError) {
        for command in [Policy.Command.delete, .select] where !security.allows(command, row) {
            throw security.refused(command, row, "Access denied")
        }
    }

    private static func versionRows(_ state: State, _ security: RowSecurity, _ bucket: BucketID) -> [VersionRow] {
        let addresses = Set(state.objects.keys).union(state.kept.keys).filter { $0.bucket == bucket }.sorted { $0.key < $1.key }
        return addresses.flatMap { address -> [VersionRow] in
            let current = state.objects[address].flatMap { security.sees($0) ? $0 : nil }
            let older = (state.kept[address] ?? []).filter { security.allows(.select, .version($0.record)) }.reversed()
            let newest = current.map { KeptVersion(record: $0, isNull: !state.isVersioned($0.version)) }
            return ((newest.map { [$0] } ?? []) + older).map(VersionRow.init)
        }
    }
}

extension ObjectRecord {
    fileprivate var versionID: VersionID { version.map(VersionID.id) ?? .null }
}

extension VersionRow {
    fileprivate init(_ kept: InMemoryMetadataStore.KeptVersion) {
        self.init(
            key: kept.record.address.key, version: kept.record.version ?? ObjectVersion(stored: ""), isNull: kept.isNull,
            isDeleteMarker: kept.isDeleteMarker, metadata: kept.record.metadata, owner: kept.record.ownerID,
            modifiedAt: kept.record.updatedAt, supersededAt: kept.supersededAt, resumesKey: false)
    }
}

extension [VersionRow] {
    /// The rows at and behind a place.
    fileprivate func from(_ place: VersionListing.Place) -> [VersionRow] {
        guard let start = firstIndex(where: { !ListingOrder.precedes($0.key.rawValue, place.seek) }) else { return [] }
        let rows = self[start...]
        guard let key = place.key, let version = place.version,
            let last = rows.firstIndex(where: {
                $0.key == ObjectKey(stored: key) && ($0.isNull ? version == .null : version == .id($0.version))
            })
        else { return Array(rows) }
        return rows[(last + 1)...].map { row in
            var row = row
            row.resumesKey = row.key == ObjectKey(stored: key)
            return row
        }
    }
}
