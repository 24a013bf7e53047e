// SPDX-License-Identifier: Apache-2.0

import Foundation
public import MediaCore
import Synchronization

extension InMemoryMetadataStore {
    public func createBucket(_ bucket: Bucket, as caller: Caller) async throws -> Bucket {
        let time = now()
        return try transaction(as: caller) { state, security in
            var bucket = bucket
            bucket.createdAt = bucket.createdAt ?? time
            bucket.updatedAt = bucket.updatedAt ?? time
            try security.require(.insert, .bucket(bucket))
            guard state.buckets[bucket.id] == nil, !state.buckets.values.contains(where: { $0.name == bucket.name }) else {
                throw StorageError.bucketExists(bucket.id)
            }
            state.buckets[bucket.id] = bucket
            state.report(.bucket(bucket.id))
            return bucket
        }
    }

    public func bucket(_ id: BucketID, as caller: Caller) async throws -> Bucket {
        try transaction(as: caller) { state, security in
            guard let bucket = state.buckets[id], security.sees(bucket) else { throw StorageError.bucketNotFound(id) }
            return bucket
        }
    }

    public func bucketRules(_ id: BucketID, facts: RequestFacts) async throws -> Bucket {
        try state.withLock { state in
            guard var bucket = state.buckets[id] else { throw StorageError.bucketNotFound(id) }
            bucket.ownStorage = state.currentBackends[id].flatMap { state.backends[$0] }.map {
                BucketStorage(backend: $0.id, pathPrefix: $0.place.pathPrefix)
            }
            bucket.directFrom = state.settings[id]?.directFrom
            return bucket
        }
    }

    public func buckets(matching query: BucketQuery, as caller: Caller) async throws -> [Bucket] {
        try transaction(as: caller) { state, security in
            let found = state.buckets.values
                .filter { bucket in
                    security.sees(bucket) && query.search.map { Self.contains(bucket.id.rawValue, $0) } ?? true
                }
                .sorted { query.order == .ascending ? Self.precedes($0, $1, query) : Self.precedes($1, $0, query) }
                .dropFirst(max(0, query.offset ?? 0))
            return Array(found.prefix(max(0, query.limit ?? .max)))
        }
    }

    public func updateBucket(
        _ id: BucketID, changes: BucketChanges, as caller: Caller
    ) async throws -> (before: Bucket, after: Bucket) {
        try transaction(as: caller) { state, security in
            guard let before = state.buckets[id], security.allows(.update, .bucket(before)), security.sees(before) else {
                throw StorageError.bucketNotFound(id)
            }
            var after = before
            if let isPublic = changes.isPublic { after.isPublic = isPublic }
            if let fileSizeLimit = changes.fileSizeLimit { after.fileSizeLimit = fileSizeLimit }
            if let allowedMimeTypes = changes.allowedMimeTypes { after.allowedMimeTypes = allowedMimeTypes }
            try security.require(.update, .bucket(after))
            try security.require(.select, .bucket(after))
            state.buckets[id] = after
            state.report(.bucket(id))
            return (before, after)
        }
    }

    public func deleteBucket(_ id: BucketID, as caller: Caller) async throws {
        let time = now()
        try transaction(as: caller) { state, security in
            guard let bucket = state.buckets[id] else { throw StorageError.bucketNotFound(id) }
            guard !state.objects.keys.contains(where: { $0.bucket == id }), !state.kept.keys.contains(where: { $0.bucket == id })
            else {
                throw StorageError(.bucketNotEmpty, "The bucket you tried to delete is not empty", resource: id.rawValue)
            }
            guard security.allows(.delete, .bucket(bucket)), security.sees(bucket) else { throw StorageError.bucketNotFound(id) }
            state.buckets[id] = nil
            state.settings[id] = nil
            state.images[id] = nil
            state.jobs = state.jobs.filter { $0.value.job.bucket != id }
            state.removeProject(id, at: time)
            state.currentBackends[id] = nil
            for backend in state.backends.values where backend.project == id { state.backends[backend.id]?.project = nil }
            state.uploads = state.uploads.filter { $0.value.session.address.bucket != id }
            state.report(.bucket(id))
        }
    }

    public func countObjects(in id: BucketID, upTo limit: Int, facts: RequestFacts) async throws -> Int {
        try state.withLock { state in
            guard state.buckets[id] != nil else { throw StorageError.bucketNotFound(id) }
            return min(limit, state.objects.keys.count { $0.bucket == id })
        }
    }

    public func deleteObjects(
        in id: BucketID, createdBefore date: Timestamp, limit: Int, facts: RequestFacts
    ) async throws -> Int {
        let time = now()
        return state.withLock { state in
            state.facts = facts
            let doomed = state.objects.values
                .filter { $0.address.bucket == id && $0.createdAt.map { $0 < date } ?? false }
                .sorted { $0.address.key < $1.address.key }
                .prefix(max(0, limit))
            for record in doomed { state.remove(record, at: time, forgets: true) }
            return doomed.count + state.forgetKept(in: id, createdBefore: date, limit: limit - doomed.count, at: time)
        }
    }

    /// `ILIKE '%part%'` with `%` and `_` taken literally.
    private static func contains(_ text: String, _ part: String) -> Bool {
        part.isEmpty || text.lowercased().contains(part.lowercased())
    }

    private static func precedes(_ a: Bucket, _ b: Bucket, _ query: BucketQuery) -> Bool {
        switch query.sortColumn {
        case .name where a.name != b.name: a.name.utf8.lexicographicallyPrecedes(b.name.utf8)
        case .createdAt where a.createdAt != b.createdAt: ListingOrder.precedes(a.createdAt, b.createdAt)
        case .updatedAt where a.updatedAt != b.updatedAt: ListingOrder.precedes(a.updatedAt, b.updatedAt)
        case .id, .name, .createdAt, .updatedAt, nil: a.id < b.id
        }
    }
}
