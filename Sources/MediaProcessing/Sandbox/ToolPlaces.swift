// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Lets so many tools run at a time. The others wait in the order in which they came, for as long as it takes: what runs has a limit.
final class ToolPlaces: Sendable {
    private struct Waiter {
        var id: UInt64
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var free: Int
        var lastID: UInt64 = 0
        var waiting: [Waiter] = []
    }

    private enum Entry { case entered, waits, cancelled }

    private let state: Mutex<State>

    init(count: Int) { state = Mutex(State(free: max(count, 1))) }

    /// How many wait now.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// - Throws: what `body` throws; `CancellationError` when cancelled while waiting.
    func withPlace<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
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
                switch state.withLock({ admit(Waiter(id: id, continuation: continuation), to: &$0) }) {
                case .entered: continuation.resume()
                case .waits: break
                case .cancelled: continuation.resume(throwing: CancellationError())
                }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                guard let position = state.waiting.firstIndex(where: { $0.id == id }) else { return nil }
                return state.waiting.remove(at: position)
            }
            waiter?.continuation.resume(throwing: CancellationError())
        }
    }

    private func admit(_ waiter: Waiter, to state: inout State) -> Entry {
        // Cancelled before it could be found among those who wait.
        if Task.isCancelled { return .cancelled }
        guard state.free == 0 else {
            state.free -= 1
            return .entered
        }
        state.waiting.append(waiter)
        return .waits
    }

    private func leave() {
        let next = state.withLock { state -> Waiter? in
            guard !state.waiting.isEmpty else {
                state.free += 1
                return nil
            }
            // The place goes on to the next, without ever being free.
            return state.waiting.removeFirst()
        }
        next?.continuation.resume()
    }
}
