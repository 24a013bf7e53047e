// SPDX-License-Identifier: Apache-2.0

import Metrics
import Synchronization

/// Lets so many renderings run as there is processor for, has a few more wait in turn, and turns the rest away at once: a queue
/// that is longer than anybody's patience only makes everybody wait in vain.
final class RenderGate: Sendable {
    private struct Waiter {
        var id: UInt64
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var running = 0
        var lastID: UInt64 = 0
        /// In the order in which they came.
        var waiting: [Waiter] = []
    }

    private enum Admission {
        case admitted, waiting, full, cancelled
    }

    private let parallelism: Int
    private let queue: Int
    private let refusal: String
    private let state = Mutex(State())
    private let queueLength: Gauge
    private let runningNow: Gauge

    /// - Parameters:
    ///   - parallelism: how many run at a time.
    ///   - queue: how many wait at the most.
    ///   - label: what its metrics begin with.
    ///   - refusal: what those are told who are turned away.
    init(
        parallelism: Int, queue: Int, label: String = "magpie_render",
        refusal: String = "Too many images are being rendered, please retry in a moment"
    ) {
        self.queueLength = Gauge(label: "\(label)_queue_length")
        self.runningNow = Gauge(label: "\(label)s_running")
        self.parallelism = max(1, parallelism)
        self.queue = max(0, queue)
        self.refusal = refusal
    }

    /// How many wait now.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Runs `body` when there is room for it.
    /// - Throws: what `body` throws; `StorageError` with `.overloaded`, at once, when too many wait already; `CancellationError`
    ///   when cancelled while waiting.
    func run<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        try await enter()
        defer { leave() }
        return try await body()
    }

    private func enter() async throws {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let admission = state.withLock { admit(Waiter(id: id, continuation: continuation), to: &$0) }
                switch admission {
                case .admitted: continuation.resume()
                case .waiting: break
                case .full: continuation.resume(throwing: overloaded)
                case .cancelled: continuation.resume(throwing: CancellationError())
                }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                guard let position = state.waiting.firstIndex(where: { $0.id == id }) else { return nil }
                defer { report(state) }
                return state.waiting.remove(at: position)
            }
            waiter?.continuation.resume(throwing: CancellationError())
        }
    }

    private func admit(_ waiter: Waiter, to state: inout State) -> Admission {
        // Cancelled before it could be found among those who wait.
        if Task.isCancelled { return .cancelled }
        defer { report(state) }
        if state.running < parallelism {
            state.running += 1
            return .admitted
        }
        guard state.waiting.count < queue else { return .full }
        state.waiting.append(waiter)
        return .waiting
    }

    private func leave() {
        let next = state.withLock { state -> Waiter? in
            defer { report(state) }
            guard !state.waiting.isEmpty else {
                state.running -= 1
                return nil
            }
            // The place goes on to the next, without ever being free.
            return state.waiting.removeFirst()
        }
        next?.continuation.resume()
    }

    private func report(_ state: State) {
        queueLength.record(state.waiting.count)
        runningNow.record(state.running)
    }

    private var overloaded: StorageError {
        StorageError(.overloaded, refusal, isRetryable: true)
    }
}
