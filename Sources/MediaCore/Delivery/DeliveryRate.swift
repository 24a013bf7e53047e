// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// How many images a second each bucket may have delivered: a token bucket for each, which holds what a second brings.
final class DeliveryRate: Sendable {
    private struct Tokens {
        var count: Double
        var counted: NIODeadline
    }

    private let perSecond: Double
    private let capacity: Int
    private let now: @Sendable () -> NIODeadline
    private let state = Mutex<[BucketID: Tokens]>([:])

    /// - Parameters:
    ///   - perSecond: 0 limits nothing.
    ///   - capacity: how many buckets are counted at a time.
    init(perSecond: Int, capacity: Int = 4096, now: @escaping @Sendable () -> NIODeadline = { .now() }) {
        self.perSecond = Double(perSecond)
        self.capacity = capacity
        self.now = now
    }

    var isLimited: Bool { perSecond > 0 }

    /// How many buckets are counted now.
    var tracked: Int { state.withLock { $0.count } }

    /// Counts a delivery.
    /// - Throws: `StorageError` with `.overloaded` when the bucket had its share.
    func take(from bucket: BucketID) throws(StorageError) {
        guard isLimited else { return }
        let now = now()
        let isAllowed = state.withLock { state in
            if state[bucket] == nil { makeRoom(in: &state, at: now) }
            var tokens = refilled(state[bucket] ?? Tokens(count: perSecond, counted: now), at: now)
            defer { state[bucket] = tokens }
            guard tokens.count >= 1 else { return false }
            tokens.count -= 1
            return true
        }
        guard isAllowed else {
            throw StorageError(
                .overloaded, "Too many images of this bucket are requested, please retry in a moment", resource: bucket.rawValue,
                isRetryable: true)
        }
    }

    private func refilled(_ tokens: Tokens, at now: NIODeadline) -> Tokens {
        let seconds = Double(max(0, (now - tokens.counted).nanoseconds)) / 1e9
        return Tokens(count: min(perSecond, tokens.count + seconds * perSecond), counted: now)
    }

    private func makeRoom(in state: inout [BucketID: Tokens], at now: NIODeadline) {
        guard state.count >= capacity else { return }
        // One that is full again is as one that was never there.
        state = state.filter { refilled($0.value, at: now).count < perSecond }
        // More buckets at work in a second than are counted: starting over lets them have a little more.
        if state.count >= capacity { state.removeAll(keepingCapacity: true) }
    }
}
