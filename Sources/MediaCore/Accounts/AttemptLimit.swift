// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// How often somebody may try: a token bucket for each name. An attempt that turns out well is given back, so that only failures count,
/// and is taken before it is known, so that many at once count as well.
final class AttemptLimit: Sendable {
    private struct Tokens {
        var count: Double
        var counted: NIODeadline
    }

    private let burst: Double
    private let interval: Double
    private let capacity: Int
    private let now: @Sendable () -> NIODeadline
    private let state = Mutex<[String: Tokens]>([:])

    /// - Parameters:
    ///   - burst: how many at once after a pause. 0: any number.
    ///   - interval: in how many seconds one more becomes due.
    ///   - capacity: how many names are counted at a time.
    init(
        burst: Int, interval: Double, capacity: Int = 65_536, now: @escaping @Sendable () -> NIODeadline = { .now() }
    ) {
        self.burst = Double(burst)
        self.interval = interval
        self.capacity = capacity
        self.now = now
    }

    /// Counts an attempt.
    /// - Throws: `StorageError` with `.overloaded` and when to come back.
    func take(for name: String) throws(StorageError) {
        guard burst > 0 else { return }
        let now = now()
        let wait: Double? = state.withLock { state in
            if state[name] == nil { makeRoom(in: &state, at: now) }
            var tokens = refilled(state[name] ?? Tokens(count: burst, counted: now), at: now)
            defer { state[name] = tokens }
            guard tokens.count >= 1 else { return (1 - tokens.count) * interval }
            tokens.count -= 1
            return nil
        }
        guard let wait else { return }
        let seconds = max(1, Int(wait.rounded(.up)))
        throw StorageError(
            .overloaded, "Too many attempts, please retry in \(seconds) s", isRetryable: true, retryAfter: seconds)
    }

    /// The attempt was a good one.
    func giveBack(for name: String) {
        state.withLock { state in
            guard let tokens = state[name] else { return }
            state[name]?.count = min(burst, tokens.count + 1)
        }
    }

    private func refilled(_ tokens: Tokens, at now: NIODeadline) -> Tokens {
        let seconds = Double(max(0, (now - tokens.counted).nanoseconds)) / 1e9
        return Tokens(count: min(burst, tokens.count + seconds / interval), counted: now)
    }

    private func makeRoom(in state: inout [String: Tokens], at now: NIODeadline) {
        guard state.count >= capacity else { return }
        // One that is full again is as one that was never there.
        state = state.filter { refilled($0.value, at: now).count < burst }
        guard state.count >= capacity else { return }
        // Those who tried most stay: who fills the list with new names does not get old ones forgotten.
        let kept = state.sorted { $0.value.count < $1.value.count }.prefix(capacity / 2)
        state = Dictionary(uniqueKeysWithValues: kept.map { ($0.key, $0.value) })
    }
}
