// SPDX-License-Identifier: Apache-2.0

public import MediaCore
import Synchronization

extension InMemoryMetadataStore {
    public func object(at address: ObjectAddress, access: Access) async throws -> ReadableObject {
        try state.withLock { state in
            guard let bucket = state.buckets[address.bucket] else { throw StorageError.bucketNotFound(address.bucket) }
            let isConcealed = state.fileRows.isConcealed(address)
            switch access {
            case .publicBucket:
                guard bucket.isPublic else { throw StorageError.bucketNotFound(address.bucket) }
                guard !isConcealed else { throw StorageError.objectNotFound(address) }
            case .policy(let caller) where !bucket.isPublic || isConcealed:
                let security = try RowSecurity(
                    policies: state.policies, roles: roles, files: state.fileRows, caller: caller)
                guard let record = state.objects[address], security.sees(record) else {
                    throw StorageError.objectNotFound(address)
                }
            case .policy, .grant: break
            }
            guard let record = state.objects[address] else { throw StorageError.objectNotFound(address) }
            var seen = bucket
            // To whoever keeps it, it is an object of a private bucket.
            if isConcealed { seen.isPublic = false }
            return state.readable(record, in: seen)
        }
    }

    public func visibleObject(at address: ObjectAddress, as caller: Caller) async throws -> ReadableObject {
        try transaction(as: caller) { state, security in
            guard let record = state.objects[address], security.sees(record), let bucket = state.buckets[address.bucket] else {
                throw StorageError.objectNotFound(address)
            }
            return state.readable(record, in: bucket)
        }
    }

    public func visibleKeys(among keys: [ObjectKey], in bucket: BucketID, as caller: Caller) async throws -> Set<ObjectKey> {
        try transaction(as: caller) { state, security in
            Set(keys.filter { state.objects[ObjectAddress(bucket: bucket, key: $0)].map(security.sees) ?? false })
        }
    }

    public func deleteObject(at address: ObjectAddress, as caller: Caller) async throws -> ObjectRecord {
        let time = now()
        return try transaction(as: caller) { state, security in
            guard let record = state.objects[address] else { throw StorageError.objectNotFound(address) }
            // DELETE … RETURNING reads as well as deletes: without SELECT no row is found.
            for command in [Policy.Command.delete, .select] where !security.allows(command, .object(record)) {
                throw security.refused(command, .object(record), "Access denied")
            }
            state.remove(record, at: time, by: caller.principal.subject)
            return record
        }
    }

    public func deleteObjects(_ keys: [ObjectKey], in bucket: BucketID, as caller: Caller) async throws -> [ObjectRecord] {
        let time = now()
        return try transaction(as: caller) { state, security in
            var deleted: [ObjectRecord] = []
            for key in keys {
                guard let record = state.objects[ObjectAddress(bucket: bucket, key: key)],
                    security.allows(.delete, .object(record)), security.sees(record)
                else { continue }
                state.remove(record, at: time, by: caller.principal.subject)
                deleted.append(record)
            }
            return deleted
        }
    }

    public func objects(after id: ObjectID?, limit: Int) async throws -> [(record: ObjectRecord, blob: BlobLocation?)] {
        state.withLock { state in
            state.objects.values
                .filter { record in id.map { $0.rawValue < record.id.rawValue } ?? true }
                .sorted { $0.id.rawValue < $1.id.rawValue }
                .prefix(max(0, limit))
                .map { ($0, $0.version.flatMap { state.blobs[$0]?.location }) }
        }
    }

    public func isCurrent(_ id: ObjectID, version: ObjectVersion?, at blob: BlobLocation) async throws -> Bool {
        state.withLock { $0.current(id, version, at: blob) != nil }
    }

    public func dropLostObject(_ id: ObjectID, version: ObjectVersion?, at blob: BlobLocation) async throws -> Bool {
        let time = now()
        return state.withLock { state in
            state.facts = .init(operation: .upkeep)
            guard let record = state.current(id, version, at: blob) else { return false }
            state.remove(record, at: time, forgets: true)
            state.promote(record.address, at: time)
            return true
        }
    }
}

extension InMemoryMetadataStore.State {
    fileprivate func current(_ id: ObjectID, _ version: ObjectVersion?, at blob: BlobLocation) -> ObjectRecord? {
        guard let location = version.flatMap({ blobs[$0]?.location }), location.backend == blob.backend, location.key == blob.key
        else { return nil }
        return objects.values.first { $0.id == id && $0.version == version }
    }
}
