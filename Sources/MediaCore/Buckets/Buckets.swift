// SPDX-License-Identifier: Apache-2.0

/// Buckets: making, reading, changing, emptying and deleting them.
public struct Buckets: Sendable {
    let metadata: any MetadataStore
    let limits: UploadLimits
    let cache: ReadCache
    let reaper: WakeSignal
    let events: WakeSignal
    /// Tries watermarks. Nil where images are only delivered as they are.
    let variants: Variants?
    /// The role that may empty buckets.
    let serviceRole: String

    private static let emptyBatch = 500

    /// - Throws: `StorageError` with `.bucketExists`, `.accessDenied`, `.tooLarge` for a limit above the server's own,
    ///   `.mediaTypeNotAllowed` for an entry that is no media type.
    public func create(_ bucket: Bucket, as caller: Caller) async throws -> Bucket {
        var bucket = bucket
        bucket.owner = caller.principal.subject
        try requireLimit(bucket.fileSizeLimit)
        if let types = bucket.allowedMimeTypes { bucket.allowedMimeTypes = try Bucket.checkedMimeTypes(types) }
        return try await metadata.createBucket(bucket, as: caller)
    }

    /// - Throws: `StorageError` with `.bucketNotFound`, also when hidden.
    public func get(_ id: BucketID, as caller: Caller) async throws -> Bucket { try await metadata.bucket(id, as: caller) }

    /// Limits and visibility, which no caller needs a policy for. - Throws: `StorageError` with `.bucketNotFound`.
    public func rules(of id: BucketID, facts: RequestFacts) async throws -> Bucket {
        try await cache.bucketRules.rules(of: id, in: metadata, facts: facts)
    }

    /// - Throws: `StorageError` with `.bucketNotFound` when there is no such bucket, visible to the caller or not.
    public func requireExists(_ id: BucketID, facts: RequestFacts) async throws { _ = try await rules(of: id, facts: facts) }

    public func list(_ query: BucketQuery, as caller: Caller) async throws -> [Bucket] {
        try await metadata.buckets(matching: query, as: caller)
    }

    /// - Throws: as `create`, and `.bucketNotFound` when it is missing, hidden or not the caller's to change.
    public func update(_ id: BucketID, changes: BucketChanges, as caller: Caller) async throws {
        var changes = changes
        if case .some(.some(let limit)) = changes.fileSizeLimit { try requireLimit(limit) }
        if case .some(.some(let types)) = changes.allowedMimeTypes {
            changes.allowedMimeTypes = .some(try Bucket.checkedMimeTypes(types))
        }
        defer { cache.invalidate(id) }
        _ = try await runToEnd { [changes] in try await metadata.updateBucket(id, changes: changes, as: caller) }
    }

    /// - Throws: `StorageError` with `.bucketNotFound`, `.bucketNotEmpty`, `.bucketReferenced`.
    public func delete(_ id: BucketID, as caller: Caller) async throws {
        defer { cache.invalidate(id) }
        try await runToEnd { try await metadata.deleteBucket(id, as: caller) }
    }

    /// Deletes every object created before the call. Done when this returns.
    /// - Throws: `StorageError` with `.wrongRole` for anyone but the service; `.bucketNotFound`; `.tooManyObjects`.
    public func empty(_ id: BucketID, as caller: Caller) async throws {
        try requireService(caller)
        let count = try await metadata.countObjects(in: id, upTo: limits.maxObjectsToEmpty + 1, facts: caller.facts)
        guard count <= limits.maxObjectsToEmpty else {
            throw StorageError(
                .tooManyObjects,
                "Cannot empty the bucket because it contains too many objects: the limit is \(limits.maxObjectsToEmpty)",
                resource: id.rawValue)
        }
        let now = Timestamp.now()
        defer {
            cache.invalidate(id)
            reaper.signal()
            events.signal()
        }
        var deleted: Int
        repeat {
            try Task.checkCancellation()
            deleted = try await runToEnd {
                try await metadata.deleteObjects(in: id, createdBefore: now, limit: Self.emptyBatch, facts: caller.facts)
            }
        } while deleted == Self.emptyBatch
    }

    /// - Throws: `StorageError` with `.wrongRole`.
    public func requireService(_ caller: Caller) throws(StorageError) {
        guard caller.principal.role == serviceRole else { throw StorageError(.wrongRole, "Access denied: Invalid role") }
    }

    private func requireLimit(_ limit: Int64?) throws(StorageError) {
        guard let limit else { return }
        guard limit <= limits.maxObjectBytes else { throw .tooLarge() }
    }
}
