// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The rules of buckets that were written to lately: limits and visibility, which no policy decides.
///
/// An upload would otherwise ask the database for them each time. They are kept while `ReadCache`, which owns this, is told of
/// every change, and no longer.
final class BucketRulesCache: Sendable {
    private struct State {
        var isTracking = false
        /// Changes whenever a rule may have changed, so that a read that was under way meanwhile is not kept.
        var generation: UInt64 = 0
        var buckets: [BucketID: Bucket] = [:]
    }

    /// More buckets than this are not written to at the same time, or reading them again is the smaller problem.
    private static let capacity = 1024
    private let state = Mutex(State())

    /// The rules of a bucket, read as system where they are not known.
    /// - Throws: what `MetadataStore.bucketRules` throws.
    func rules(of id: BucketID, in metadata: any MetadataStore, facts: RequestFacts) async throws -> Bucket {
        let (known, generation) = state.withLock { ($0.buckets[id], $0.generation) }
        if let known { return known }
        let bucket = try await metadata.bucketRules(id, facts: facts)
        state.withLock { state in
            guard state.isTracking, state.generation == generation else { return }
            if state.buckets.count >= Self.capacity { state.buckets.removeAll(keepingCapacity: true) }
            state.buckets[id] = bucket
        }
        return bucket
    }

    func invalidate(_ id: BucketID) {
        state.withLock { state in
            state.generation &+= 1
            state.buckets[id] = nil
        }
    }

    func reset(isTracking: Bool) {
        state.withLock { $0 = State(isTracking: isTracking, generation: $0.generation &+ 1) }
    }
}
