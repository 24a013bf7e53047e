// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// Work that runs once however many ask for it at the same time.
///
/// It belongs to nobody of those who wait: each of them leaves when its own time is over or it is cancelled, and only with the last
/// one the work is cancelled.
final class SharedWork<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// The time by which the last of those who wait now will have left.
    typealias Patience = @Sendable () -> NIODeadline

    /// What is done for a key.
    struct Work: Sendable {
        var make: @Sendable (_ patience: @escaping Patience) async throws -> Value
        /// Runs once those who wait have the value. Until it ends newcomers get the value at once.
        var afterwards: @Sendable (Value) async -> Void
    }

    private struct Flight {
        let id: UInt64
        var waiters: [UInt64: CheckedContinuation<Value, any Error>] = [:]
        var patience: NIODeadline
        var value: Value?
        var task: Task<Void, Never>?
    }

    private struct State {
        var lastID: UInt64 = 0
        var flights: [Key: Flight] = [:]

        mutating func nextID() -> UInt64 {
            lastID += 1
            return lastID
        }
    }

    private let state = Mutex(State())

    /// How many wait for a key.
    func waiters(for key: Key) -> Int { state.withLock { $0.flights[key]?.waiters.count ?? 0 } }

    /// The value of `key`: of the work that is under way, or of `work`, which is begun.
    /// - Throws: what the work throws; `StorageError` with `.renderTimedOut` at the deadline; `CancellationError`.
    func value(of key: Key, by deadline: NIODeadline, _ work: Work) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask { try await self.wait(for: key, patience: deadline, work) }
            group.addTask {
                try await Task.sleep(for: .nanoseconds(max(0, (deadline - .now()).nanoseconds)))
                throw StorageError(.renderTimedOut, "The image took too long to render", isRetryable: true)
            }
            defer { group.cancelAll() }
            for try await value in group { return value }
            throw CancellationError()
        }
    }

    private func wait(for key: Key, patience: NIODeadline, _ work: Work) async throws -> Value {
        let id = state.withLock { $0.nextID() }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let known = state.withLock { state -> Result<Value, any Error>? in
                    // Cancelled before it could be found among those who wait.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if let value = state.flights[key]?.value { return .success(value) }
                    var flight = state.flights[key] ?? begin(work, for: key, patience: patience, in: &state)
                    flight.waiters[id] = continuation
                    flight.patience = max(flight.patience, patience)
                    state.flights[key] = flight
                    return nil
                }
                if let known { continuation.resume(with: known) }
            }
        } onCancel: {
            leave(id, key)
        }
    }

    private func begin(_ work: Work, for key: Key, patience: NIODeadline, in state: inout State) -> Flight {
        var flight = Flight(id: state.nextID(), patience: patience)
        let id = flight.id
        // Owned by the flight: cancelled when the last one who waits leaves.
        flight.task = Task {
            do {
                let value = try await work.make { self.patience(of: id, key) }
                guard self.deliver(value, of: id, key) else { return }
                await work.afterwards(value)
                self.end(id, key, throwing: CancellationError())
            } catch {
                self.end(id, key, throwing: error)
            }
        }
        return flight
    }

    private func patience(of id: UInt64, _ key: Key) -> NIODeadline {
        state.withLock { state in
            guard let flight = state.flights[key], flight.id == id else { return .now() }
            return flight.patience
        }
    }

    /// - Returns: false when nobody waits any more.
    private func deliver(_ value: Value, of id: UInt64, _ key: Key) -> Bool {
        let waiters = state.withLock { state -> [UInt64: CheckedContinuation<Value, any Error>]? in
            guard var flight = state.flights[key], flight.id == id else { return nil }
            let waiters = flight.waiters
            flight.waiters = [:]
            flight.value = value
            state.flights[key] = flight
            return waiters
        }
        guard let waiters else { return false }
        for continuation in waiters.values { continuation.resume(returning: value) }
        return true
    }

    private func end(_ id: UInt64, _ key: Key, throwing error: any Error) {
        let waiters = state.withLock { state -> [UInt64: CheckedContinuation<Value, any Error>] in
            guard let flight = state.flights[key], flight.id == id else { return [:] }
            state.flights[key] = nil
            return flight.waiters
        }
        for continuation in waiters.values { continuation.resume(throwing: error) }
    }

    private func leave(_ waiter: UInt64, _ key: Key) {
        let (continuation, task) = state.withLock { state -> (CheckedContinuation<Value, any Error>?, Task<Void, Never>?) in
            guard var flight = state.flights[key], let continuation = flight.waiters.removeValue(forKey: waiter) else {
                return (nil, nil)
            }
            if flight.waiters.isEmpty {
                // The next one to ask begins anew: this work may end in any way now.
                state.flights[key] = nil
                return (continuation, flight.task)
            }
            state.flights[key] = flight
            return (continuation, nil)
        }
        task?.cancel()
        continuation?.resume(throwing: CancellationError())
    }
}
