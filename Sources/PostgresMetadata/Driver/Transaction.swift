// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A transaction in several round trips, valid inside the closure that receives it.
final class Transaction: Sendable {
    private enum Phase { case fresh, open, ended }

    private struct State {
        var phase = Phase.fresh
        /// The role that the last scope put in force.
        var role: String?
        var isBusy = false
    }

    private let connection: Connection
    private let ending: TransactionEnd
    private let state = Mutex(State())

    init(on connection: Connection, ending: TransactionEnd) {
        self.connection = connection
        self.ending = ending
    }

    /// Runs the steps in one round trip; BEGIN travels with the first ones.
    ///
    /// After a failure the transaction accepts nothing but a rollback (to a savepoint, if it has one).
    /// - Returns: one result per statement.
    func run(_ steps: [Step]) async throws -> [ResultSet] { try await send(steps, end: nil) }

    /// Runs the last steps and ends the transaction in the same round trip.
    func finish(with steps: [Step] = []) async throws -> [ResultSet] { try await send(steps, end: ending) }

    /// Ends the transaction if it was begun and not ended yet.
    func finishIfOpen() async throws {
        if state.withLock({ $0.phase == .open }) { _ = try await finish() }
    }

    /// Refuses any further use: the closure has returned.
    func invalidate() { state.withLock { $0.phase = .ended } }

    private func send(_ steps: [Step], end: TransactionEnd?) async throws -> [ResultSet] {
        try Task.checkCancellation()
        let batch = try state.withLock { state throws(PostgresError) in
            guard state.phase != .ended else { throw PostgresError(.transactionEnded, "the transaction has ended") }
            precondition(!state.isBusy, "a transaction runs one batch at a time")
            var role = state.role
            let batch = try Batch(begins: state.phase == .fresh, steps: steps, role: &role, end: end)
            state.role = role
            state.phase = end == nil ? .open : .ended
            state.isBusy = true
            return batch
        }
        let outcome = await connection.run(batch)
        // A failure in front of BEGIN, or a lost connection: without a transaction nothing more may run.
        let isOver = outcome.failure != nil && !connection.isInTransaction
        state.withLock { state in
            state.isBusy = false
            if isOver { state.phase = .ended }
        }
        return try outcome.get()
    }
}

extension BatchOutcome {
    /// The results. - Throws: the failure; `CancellationError` when that came from the cancellation of this task.
    func get() throws -> [ResultSet] {
        guard let failure else { return results }
        if Task.isCancelled, failure.sqlState == .queryCanceled || failure.kind == .connectionLost { throw CancellationError() }
        throw failure
    }
}
