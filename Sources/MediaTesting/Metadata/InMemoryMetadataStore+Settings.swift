// SPDX-License-Identifier: Apache-2.0

public import MediaCore
import Synchronization

extension InMemoryMetadataStore {
    public func bucketSettings(_ id: BucketID, facts: RequestFacts) async throws -> BucketSettings {
        try state.withLock { state in
            guard state.buckets[id] != nil else { throw StorageError.bucketNotFound(id) }
            return state.settings[id] ?? .none
        }
    }

    public func updateBucketSettings(
        _ id: BucketID, changes: BucketSettingsChanges, as caller: Caller
    ) async throws -> BucketSettings {
        try transaction(as: caller) { state, security in
            guard let bucket = state.buckets[id], security.sees(bucket), security.allows(.update, .bucket(bucket)) else {
                throw StorageError.bucketNotFound(id)
            }
            let settings = try (state.settings[id] ?? .none).changed(by: changes)
            state.settings[id] = settings
            state.report(.bucket(id))
            return settings
        }
    }

    public func bucketsWithLifecycle() async throws -> [(id: BucketID, settings: BucketSettings)] {
        state.withLock { state in
            state.settings.filter { $0.value.lifecycle != nil }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        }
    }

    public func replaceTags(
        _ tags: TagSet, of address: ObjectAddress, version: VersionID?, as caller: Caller
    ) async throws -> VersionID {
        let time = now()
        return try transaction(as: caller) { state, security in
            let current = state.objects[address]
            let currentID: VersionID =
                current.flatMap { state.isVersioned($0.version) ? $0.version.map(VersionID.id) : nil } ?? .null
            if let record = current, version == nil || version == currentID {
                let tagged = try Self.tagged(record, tags, PolicyContext.Row.object, security, address)
                state.objects[address] = tagged
                state.objects[address]?.updatedAt = time
                if tagged.metadata != record.metadata { state.record(.updatedMetadata, tagged, at: time) }
                state.report(.object(address))
                return currentID
            }
            guard let index = state.kept[address]?.lastIndex(where: { $0.id == version }),
                let found = state.kept[address]?[index],
                !found.isDeleteMarker
            else { throw StorageError.objectNotFound(address) }
            state.kept[address]?[index].record = try Self.tagged(found.record, tags, PolicyContext.Row.version, security, address)
            return found.id
        }
    }

    private static func tagged(
        _ record: ObjectRecord, _ tags: TagSet, _ row: (ObjectRecord) -> PolicyContext.Row, _ security: RowSecurity,
        _ address: ObjectAddress
    ) throws(StorageError) -> ObjectRecord {
        guard security.allows(.select, row(record)) else { throw StorageError.objectNotFound(address) }
        guard security.allows(.update, row(record)) else { throw security.refused(.update, row(record), "Access denied") }
        var tagged = record
        var details = ObjectMetadata(parsing: record.metadata)
        details.tags = tags
        tagged.metadata = details.json
        try security.require(.update, row(tagged))
        try security.require(.select, row(tagged))
        return tagged
    }

    // MARK: Access keys

    public func insertAccessKey(_ key: StoredAccessKey) async throws {
        try state.withLock { state in
            guard state.accessKeys[key.id] == nil else {
                throw StorageError(.invalidRequest, "There is an access key of this id", resource: key.id.rawValue)
            }
            state.accessKeys[key.id] = key
        }
    }

    public func accessKey(_ id: AccessKeyID) async throws -> StoredAccessKey? { state.withLock { $0.accessKeys[id] } }

    public func accessKeys() async throws -> [StoredAccessKey] {
        state.withLock { state in
            state.accessKeys.values.sorted {
                $0.createdAt == $1.createdAt ? $0.id.rawValue < $1.id.rawValue : $0.createdAt > $1.createdAt
            }
        }
    }

    public func revokeAccessKey(_ id: AccessKeyID) async throws -> Bool {
        let time = now()
        return state.withLock { state in
            guard let key = state.accessKeys[id], key.revokedAt == nil else { return false }
            state.accessKeys[id]?.revokedAt = time
            state.report(.accessKey(id))
            return true
        }
    }
}
