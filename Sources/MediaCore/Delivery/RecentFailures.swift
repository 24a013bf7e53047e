// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// What could not be converted a while ago, and why: it would fail in the same way, for the same price.
final class RecentFailures: Sendable {
    private struct Entry {
        var failure: ConversionFailure
        var end: NIODeadline
    }

    private let lifetime: TimeAmount
    private let capacity: Int
    private let now: @Sendable () -> NIODeadline
    private let state = Mutex<[VariantName: Entry]>([:])

    /// - Parameters:
    ///   - lifetime: for how long a failure is believed.
    ///   - capacity: how many are kept.
    init(
        lifetime: TimeAmount = .minutes(10), capacity: Int = 4096, now: @escaping @Sendable () -> NIODeadline = { .now() }
    ) {
        self.lifetime = lifetime
        self.capacity = max(1, capacity)
        self.now = now
    }

    /// Nil for what did not fail, or long ago.
    func failure(of name: VariantName) -> ConversionFailure? {
        let now = now()
        return state.withLock { state in
            guard let entry = state[name] else { return nil }
            if entry.end > now { return entry.failure }
            state[name] = nil
            return nil
        }
    }

    /// Keeps what will not be otherwise soon, and nothing that is the machine's fault.
    func remember(_ failure: ConversionFailure, of name: VariantName) {
        guard !failure.isRetryable else { return }
        let now = now()
        state.withLock { state in
            if state.count >= capacity, state[name] == nil {
                state = state.filter { $0.value.end > now }
                // More files that fail than are counted: some are tried once more.
                if state.count >= capacity { state.removeAll(keepingCapacity: true) }
            }
            state[name] = Entry(failure: failure, end: now + lifetime)
        }
    }
}
