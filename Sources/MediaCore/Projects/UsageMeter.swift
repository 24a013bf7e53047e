// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Counts what buckets use, in memory, until it is added to what the database knows. A crash loses what was counted since the last time.
///
/// Buckets that are no projects are counted as well and left out when it is added up: to tell them apart would cost more.
public final class UsageMeter: Sendable {
    private struct State {
        var day: UsageDay
        var counts: [BucketID: UsageCounts] = [:]
        /// Of days that are over, and what could not be added.
        var pending: [DailyUsage] = []

        /// Closes what was counted so far and goes on with another day, or with the same.
        mutating func turn(to day: UsageDay) {
            pending += counts.map { DailyUsage(project: $0.key, day: self.day, counts: $0.value) }
            counts.removeAll(keepingCapacity: true)
            self.day = day
        }
    }

    /// Beyond so many buckets in one interval no further ones are counted.
    private static let capacity = 65_536
    /// How much is added at a time.
    private static let batch = 1000

    private let now: @Sendable () -> Timestamp
    private let state: Mutex<State>

    init(now: @escaping @Sendable () -> Timestamp = Timestamp.now) {
        self.now = now
        self.state = Mutex(State(day: UsageDay(now())))
    }

    /// Counts an answer that did not fail.
    /// - Parameter bytes: of its body.
    public func answered(for bucket: BucketID, bytes: Int64) {
        add(UsageCounts(requests: 1, bandwidthBytes: bytes), to: bucket)
    }

    /// Counts an image that was rendered.
    func rendered(for bucket: BucketID) { add(UsageCounts(transforms: 1), to: bucket) }

    private func add(_ counts: UsageCounts, to bucket: BucketID) {
        let day = UsageDay(now())
        state.withLock { state in
            if state.day != day { state.turn(to: day) }
            if state.counts[bucket] == nil, state.counts.count >= Self.capacity { return }
            state.counts[bucket, default: UsageCounts()] += counts
        }
    }

    /// Adds what was counted to what the store knows. What can't be added is kept for the next time.
    ///
    /// Where the database takes it and its answer gets lost, it is added twice.
    func flush(to store: any ProjectStore) async throws {
        var waiting = state.withLock { state in
            state.turn(to: state.day)
            defer { state.pending = [] }
            return state.pending
        }
        do {
            while !waiting.isEmpty {
                let batch = Array(waiting.prefix(Self.batch))
                try await runToEnd { try await store.addUsage(batch) }
                waiting.removeFirst(batch.count)
            }
        } catch {
            state.withLock { [waiting] state in
                // Where there is no more room the database has been away for long: the newest are given up.
                state.pending = Array((waiting + state.pending).prefix(Self.capacity))
            }
            throw error
        }
    }
}
