// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// How often each key of projects may upload: a token bucket for each, and a short queue for those that come early.
final class UploadRate: Sendable {
    /// How much is let through.
    struct Configuration: Sendable {
        /// How many a key may make a minute, and at once after a pause. 0: any number.
        var perMinute: Int
        /// How many of a key may wait for their turn.
        var queue: Int
    }

    private struct Tokens {
        /// Below zero by as many as wait.
        var count: Double
        var counted: NIODeadline
    }

    private let configuration: Configuration
    private let capacity: Int
    private let now: @Sendable () -> NIODeadline
    private let sleep: @Sendable (Duration) async throws -> Void
    private let state = Mutex<[String: Tokens]>([:])

    /// - Parameter capacity: how many keys are counted at a time.
    init(
        _ configuration: Configuration, capacity: Int = 4096, now: @escaping @Sendable () -> NIODeadline = { .now() },
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.configuration = configuration
        self.capacity = capacity
        self.now = now
        self.sleep = sleep
    }

    /// Counts an upload, and waits for its turn.
    /// - Throws: `StorageError` with `.overloaded` when the queue is full, and `CancellationError`, which gives the turn back.
    func take(for key: String) async throws {
        guard configuration.perMinute > 0 else { return }
        let wait = try reserve(for: key)
        guard wait > .zero else { return }
        do {
            try await sleep(wait)
        } catch {
            state.withLock { $0[key]?.count += 1 }
            throw error
        }
    }

    /// - Returns: how long to wait.
    private func reserve(for key: String) throws(StorageError) -> Duration {
        let now = now()
        let most = Double(configuration.perMinute)
        let result: Result<Duration, StorageError> = state.withLock { state in
            if state[key] == nil { makeRoom(in: &state, at: now) }
            var tokens = refilled(state[key] ?? Tokens(count: most, counted: now), at: now)
            defer { state[key] = tokens }
            // A turn that is due in part is one that is waited for.
            let missing = max(0, 1 - tokens.count)
            guard missing <= Double(configuration.queue) else {
                let seconds = (missing - Double(configuration.queue)) * 60 / most
                return .failure(Self.tooMany(retryAfter: max(1, Int(seconds.rounded(.up)))))
            }
            tokens.count -= 1
            return .success(.seconds(missing * 60 / most))
        }
        return try result.get()
    }

    private func refilled(_ tokens: Tokens, at now: NIODeadline) -> Tokens {
        let minutes = Double(max(0, (now - tokens.counted).nanoseconds)) / 60e9
        let most = Double(configuration.perMinute)
        return Tokens(count: min(most, tokens.count + minutes * most), counted: now)
    }

    private func makeRoom(in state: inout [String: Tokens], at now: NIODeadline) {
        guard state.count >= capacity else { return }
        // One that is full again is as one that was never there.
        state = state.filter { refilled($0.value, at: now).count < Double(configuration.perMinute) }
        // More keys at work in a minute than are counted: starting over lets them have a little more.
        if state.count >= capacity { state.removeAll(keepingCapacity: true) }
    }

    private static func tooMany(retryAfter: Int) -> StorageError {
        StorageError(
            .overloaded, "Too many uploads with this API key, please retry in \(retryAfter) s", isRetryable: true,
            retryAfter: retryAfter)
    }
}
