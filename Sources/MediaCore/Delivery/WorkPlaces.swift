// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Lets so many pieces of work run at a time. The others wait in the order in which they came, or are turned away where too many do.
public final class WorkPlaces: Sendable {
    /// So many wait already that no more may, or the wait was too long.
    public struct Full: Error {}

    /// How many run and wait.
    public struct Load: Sendable {
        public var running = 0
        public var waiting = 0
    }

    private struct Waiter {
        var id: UInt64
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var running = 0
        var lastID: UInt64 = 0
        /// In the order in which they came.
        var waiting: [Waiter] = []

        var load: Load { Load(running: running, waiting: waiting.count) }
    }

    private enum Admission {
        case admitted, waiting, full, cancelled
    }

    private let count: Int
    private let queue: Int
    private let wait: Duration?
    private let report: @Sendable (Load) -> Void
    private let state = Mutex(State())

    /// - Parameters:
    ///   - count: how many run at a time; at least one.
    ///   - queue: how many wait at the most.
    ///   - wait: how long one waits at the most. Nil: as long as it takes.
    ///   - report: told of each change, one after the other. It must not wait for anything.
    public init(
        count: Int, queue: Int = .max, wait: Duration? = nil, report: @escaping @Sendable (Load) -> Void = { _ in }
    ) {
        self.count = max(1, count)
        self.queue = max(0, queue)
        self.wait = wait
        self.report = report
    }

    /// How many wait now.
    public var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Runs `body` when there is a place for it.
    /// - Throws: what `body` throws; `Full`; `CancellationError` when cancelled while waiting.
    public func withPlace<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        try await enter()
        defer { leave() }
        return try await body()
    }

    private func enter() async throws {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        let clock = wait.map { wait in
            // Ends with the wait at the latest, and takes the one that waits out of the line.
            Task { [self] in
                try await Task.sleep(for: wait)
                remove(id, throwing: Full())
            }
        }
        defer { clock?.cancel() }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                switch state.withLock({ admit(Waiter(id: id, continuation: continuation), to: &$0) }) {
                case .admitted: continuation.resume()
                case .waiting: break
                case .full: continuation.resume(throwing: Full())
                case .cancelled: continuation.resume(throwing: CancellationError())
                }
            }
        } onCancel: {
            remove(id, throwing: CancellationError())
        }
    }

    private func remove(_ id: UInt64, throwing error: any Error) {
        let waiter = state.withLock { state -> Waiter? in
            guard let position = state.waiting.firstIndex(where: { $0.id == id }) else { return nil }
            defer { report(state.load) }
            return state.waiting.remove(at: position)
        }
        waiter?.continuation.resume(throwing: error)
    }

    private func admit(_ waiter: Waiter, to state: inout State) -> Admission {
        // Cancelled before it could be found among those who wait.
        if Task.isCancelled { return .cancelled }
        defer { report(state.load) }
        if state.running < count {
            state.running += 1
            return .admitted
        }
        guard state.waiting.count < queue else { return .full }
        state.waiting.append(waiter)
        return .waiting
    }

    private func leave() {
        let next = state.withLock { state -> Waiter? in
            defer { report(state.load) }
            guard !state.waiting.isEmpty else {
                state.running -= 1
                return nil
            }
            // The place goes on to the next, without ever being free.
            return state.waiting.removeFirst()
        }
        next?.continuation.resume()
    }
}
