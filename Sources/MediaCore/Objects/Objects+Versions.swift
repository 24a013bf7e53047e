// SPDX-License-Identifier: Apache-2.0

/// What S3 asks of objects beyond Supabase's calls.
extension Objects {
    /// The checksums of an object's parts. Nil for one that came in one piece, or whose client chose no checksum.
    public func partChecksums(of object: ReadableObject) async throws -> PartChecksums? {
        guard let parts = object.blob?.parts, let version = object.record.version else { return nil }
        let checksums = try await metadata.partChecksums(of: version)
        return checksums?.values.count == parts.count ? checksums : nil
    }

    /// How many single deletions of one call run at a time: no more than leaves connections to others.
    private static let concurrentDeletions = 4

    /// A page of keys as S3 lists them. An unknown bucket is empty.
    public func keys(_ query: KeyQuery, in bucket: BucketID, as caller: Caller) async throws -> KeyPage {
        try await metadata.keys(matching: query, in: bucket, as: caller)
    }

    /// A page of versions and delete markers. An unknown bucket is empty.
    public func versions(_ query: VersionQuery, in bucket: BucketID, as caller: Caller) async throws -> VersionPage {
        try await metadata.versions(matching: query, in: bucket, as: caller)
    }

    /// Deletes an object, which a versioned bucket keeps, or one version of it for good.
    /// - Throws: `StorageError` with what `ObjectVersionStore.delete` throws.
    public func delete(_ deletion: ObjectDeletion, in bucket: BucketID, as caller: Caller) async throws -> DeletionOutcome {
        defer { forget([ObjectAddress(bucket: bucket, key: deletion.key)]) }
        return try await runToEnd { try await metadata.delete(deletion, in: bucket, as: caller) }
    }

    /// Deletes many objects or versions and says of each, in their order, what became of it. What was not there counts as deleted.
    /// - Throws: `StorageError` with `.bucketNotFound`; `CancellationError`. What fails of a single deletion is its result.
    public func delete(
        _ deletions: [ObjectDeletion], in bucket: BucketID, as caller: Caller
    ) async throws -> [Result<DeletionOutcome, StorageError>] {
        let settings = try await cache.bucketSettings.settings(of: bucket, in: metadata, facts: caller.facts)
        guard settings.versioning == .off else { return try await deleteSingly(deletions, in: bucket, as: caller) }
        let plain = Set(deletions.filter { $0.version == nil && $0.condition == .none }.map(\.key))
        let special = deletions.filter { $0.version != nil || $0.condition != .none }
        let refused = try await deletePlain(plain, in: bucket, as: caller)
        var results = try await deleteSingly(special, in: bucket, as: caller).makeIterator()
        return deletions.map { deletion in
            if deletion.version != nil || deletion.condition != .none, let result = results.next() { return result }
            guard refused.contains(deletion.key) else { return .success(DeletionOutcome()) }
            return .failure(StorageError(.accessDenied, "Access denied", resource: deletion.key.rawValue))
        }
    }

    /// Replaces the tags of an object, or of one of its versions.
    /// - Returns: the version that has them now.
    /// - Throws: `StorageError` with `.objectNotFound`; `.accessDenied`.
    @discardableResult
    public func replaceTags(
        _ tags: TagSet, of address: ObjectAddress, version: VersionID? = nil, as caller: Caller
    ) async throws -> VersionID {
        defer {
            cache.invalidate(address)
            events.signal()
        }
        return try await runToEnd {
            try await metadata.replaceTags(tags, of: address, version: version, as: caller)
        }
    }

    /// In few transactions. - Returns: the keys that exist and that the caller may not delete.
    private func deletePlain(_ keys: Set<ObjectKey>, in bucket: BucketID, as caller: Caller) async throws -> Set<ObjectKey> {
        guard !keys.isEmpty else { return [] }
        let deleted = try await delete(keys.sorted(), in: bucket, as: caller)
        let left = keys.subtracting(deleted.map(\.address.key))
        return left.isEmpty ? [] : try await metadata.existingKeys(among: left.sorted(), in: bucket, facts: caller.facts)
    }

    private func deleteSingly(
        _ deletions: [ObjectDeletion], in bucket: BucketID, as caller: Caller
    ) async throws -> [Result<DeletionOutcome, StorageError>] {
        // Of one key in their order: the second deletion of a key sees what the first left.
        let groups = Dictionary(grouping: deletions.enumerated(), by: \.element.key)
        var results = [Result<DeletionOutcome, StorageError>](repeating: .success(DeletionOutcome()), count: deletions.count)
        try await withThrowingTaskGroup(of: [(Int, Result<DeletionOutcome, StorageError>)].self) { group in
            var waiting = groups.values.makeIterator()
            func startNext() {
                guard let next = waiting.next() else { return }
                group.addTask {
                    var outcomes: [(Int, Result<DeletionOutcome, StorageError>)] = []
                    for (index, deletion) in next {
                        try Task.checkCancellation()
                        outcomes.append((index, try await outcome(of: deletion, in: bucket, as: caller)))
                    }
                    return outcomes
                }
            }
            for _ in 0..<Self.concurrentDeletions { startNext() }
            while let outcomes = try await group.next() {
                for (index, outcome) in outcomes { results[index] = outcome }
                startNext()
            }
        }
        return results
    }

    private func outcome(
        of deletion: ObjectDeletion, in bucket: BucketID, as caller: Caller
    ) async throws -> Result<DeletionOutcome, StorageError> {
        do {
            return .success(try await delete(deletion, in: bucket, as: caller))
        } catch let error as StorageError {
            if error.code == .objectNotFound, deletion.condition == .none { return .success(DeletionOutcome()) }
            return .failure(error)
        }
    }
}
