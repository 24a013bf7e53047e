// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What is known of buckets that were used lately: their rules, or their settings, which no policy
/// decides.
///
/// An upload would otherwise ask the database for them each time. They are kept while `ReadCache`, which owns this, is told of
/// every change, and no longer.
final class BucketCache<Value: Sendable>: Sendable {
    private struct State {
        var isTracking = false
        /// Changes whenever a value may have changed, so that a read that was under way meanwhile is not kept.
        var generation: UInt64 = 0
        var values: [BucketID: Value] = [:]
    }

    /// More buckets than this are not used at the same time, or reading them again is the smaller problem.
    private let capacity = 1024
    private let state = Mutex(State())

    /// The value of a bucket, read where it is not known.
    func value(of id: BucketID, read: () async throws -> Value) async throws -> Value {
        let (known, generation) = state.withLock { ($0.values[id], $0.generation) }
        if let known { return known }
        let value = try await read()
        state.withLock { state in
            guard state.isTracking, state.generation == generation else { return }
            if state.values.count >= capacity { state.values.removeAll(keepingCapacity: true) }
            state.values[id] = value
        }
        return value
    }

    func invalidate(_ id: BucketID) {
        state.withLock { state in
            state.generation &+= 1
            state.values[id] = nil
        }
    }

    func reset(isTracking: Bool) {
        state.withLock { $0 = State(isTracking: isTracking, generation: $0.generation &+ 1) }
    }
}

extension BucketCache<Bucket> {
    /// The rules of a bucket, read as system.
    /// - Throws: what `MetadataStore.bucketRules` throws.
    func rules(of id: BucketID, in metadata: any MetadataStore, facts: RequestFacts) async throws -> Bucket {
        try await value(of: id) { try await metadata.bucketRules(id, facts: facts) }
    }
}

extension BucketCache<BucketSettings> {
    /// The settings of a bucket, read as system.
    /// - Throws: what `BucketSettingsStore.bucketSettings` throws.
    func settings(of id: BucketID, in metadata: any MetadataStore, facts: RequestFacts) async throws -> BucketSettings {
        try await value(of: id) { try await metadata.bucketSettings(id, facts: facts) }
    }
}

extension BucketCache<ImageSettings> {
    /// What is configured of a bucket's images, read as system.
    /// - Throws: what `ImageSettingsStore.imageSettings` throws.
    func settings(of id: BucketID, in metadata: any MetadataStore, facts: RequestFacts) async throws -> ImageSettings {
        try await value(of: id) { try await metadata.imageSettings(id, facts: facts) }
    }
}
