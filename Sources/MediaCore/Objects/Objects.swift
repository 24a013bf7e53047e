// SPDX-License-Identifier: Apache-2.0

import Logging

/// Objects: writing, copying, moving, deleting and listing them. Reading is `Delivery`.
public struct Objects: Sendable {
    let metadata: any MetadataStore
    let blobs: any BlobStoreDirectory
    let limits: UploadLimits
    let cache: ReadCache
    let originals: OriginalsGate
    let quota: StorageQuota
    let digests: DigestLine
    let reaper: WakeSignal
    let events: WakeSignal
    let logger: Logger

    var placement: BlobPlacement { BlobPlacement(metadata: metadata, blobs: blobs, reaper: reaper, logger: logger) }

    /// One page of one level of a bucket. An unknown bucket is empty. A prefix that does not end in `/` gets one: it names a level.
    public func folder(_ query: FolderQuery, in bucket: BucketID, as caller: Caller) async throws -> [ListEntry] {
        var query = query
        if !query.prefix.isEmpty, !query.prefix.hasSuffix("/") { query.prefix += "/" }
        return try await metadata.folder(query, in: bucket, as: caller)
    }

    /// One page of all keys below a prefix.
    public func list(_ query: ListQuery, in bucket: BucketID, as caller: Caller) async throws -> ObjectPage {
        try await metadata.objects(matching: query, in: bucket, as: caller)
    }

    /// Moves an object; its bytes stay where they are.
    ///
    /// - Throws: what `MetadataStore.moveObject` throws; `.invalidKey` for a destination outside `alphabet`; `.tooLarge` and
    ///   `.mediaTypeNotAllowed` when another bucket does not take such an object; `.unsupported` for one whose bytes are in a store of its
    ///   project's own, to another bucket.
    public func move(
        from source: ObjectAddress, to destination: ObjectAddress, alphabet: KeyAlphabet, as caller: Caller
    ) async throws {
        try alphabet.require(destination.key)
        if source == destination {
            _ = try await metadata.visibleObject(at: source, as: caller)
            return
        }
        if source.bucket != destination.bucket {
            try await requireRoom(for: source, in: destination, as: caller)
            // There it may be had for nothing.
            try await originals.require(.policy(caller), toOriginalsOf: source.bucket)
        }
        // On failure too: a transaction whose answer was lost may have been committed.
        defer {
            cache.invalidate(source)
            cache.invalidate(destination)
            events.signal()
        }
        _ = try await runToEnd { try await metadata.moveObject(from: source, to: destination, as: caller) }
    }

    private func requireRoom(for source: ObjectAddress, in destination: ObjectAddress, as caller: Caller) async throws {
        let object = try await metadata.visibleObject(at: source, as: caller)
        let bucket = try await rules(ofDestination: destination.bucket, facts: caller.facts)
        // The bytes would stay in the store of a project that the object is no longer of.
        if object.blob?.backend.isOwn == true {
            throw StorageError(
                .unsupported,
                "An object in a project's own storage can't be moved to another bucket: copy it, and delete it there",
                resource: source.key.rawValue)
        }
        try await requireAllowed(
            ObjectMetadata(parsing: object.record.metadata), blob: object.blob, at: destination.key, in: bucket,
            facts: caller.facts
        )
    }

    /// The rules of the bucket that an object is copied or moved to.
    /// - Throws: `StorageError` with `.relatedResourceMissing` when it does not exist.
    func rules(ofDestination bucket: BucketID, facts: RequestFacts) async throws -> Bucket {
        do {
            return try await cache.bucketRules.rules(of: bucket, in: metadata, facts: facts)
        } catch let error as StorageError where error.code == .bucketNotFound {
            throw StorageError(.relatedResourceMissing, "The related resource does not exist", resource: bucket.rawValue)
        }
    }

    /// Whether `bucket` takes an object that exists already.
    func requireAllowed(
        _ details: ObjectMetadata, blob: BlobLocation?, at key: ObjectKey, in bucket: Bucket, facts: RequestFacts
    ) async throws {
        let size = blob?.size ?? details.size ?? 0
        guard size <= limits.maxBytes(for: key, in: bucket) else { throw StorageError.tooLarge() }
        if !key.isFolderPlaceholder {
            try bucket.requireAllowed(contentType: details.mimetype ?? "application/octet-stream")
        }
        try await quota.requireRoom(for: size, in: bucket.id, facts: facts)
    }
}
