// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import Synchronization

/// A bounded number of connections, opened on demand and leased to one caller at a time, first come first served.
final class ConnectionPool: Sendable {
    private typealias Waiting = CheckedContinuation<Connection, any Error>

    private struct Waiter {
        let continuation: Waiting
        let timer: TimerQueue.ID
    }

    private struct State {
        /// Established connections, leased ones included.
        var connections: [UInt64: Connection] = [:]
        /// The last one used is the first one taken: its caches are the warmest.
        var idle: [Connection] = []
        var connecting = 0
        var waiters: [UInt64: Waiter] = [:]
        /// Who came first; ids without a waiter have left.
        var queue = CircularBuffer<UInt64>()
        var lastID: UInt64 = 0
        var generation: UInt64 = 0
        var isShutDown = false
        var shutdownWaiters: [CheckedContinuation<Void, Never>] = []
        var connectFailure: PostgresError?

        mutating func makeID() -> UInt64 {
            lastID += 1
            return lastID
        }

        /// Drops those that broke a moment ago on the way.
        mutating func popOpenIdle() -> Connection? {
            while let connection = idle.popLast() {
                if connection.isOpen { return connection }
                connections.removeValue(forKey: connection.id)
            }
            return nil
        }

        mutating func popWaiter() -> Waiter? {
            while let id = queue.popFirst() {
                if let waiter = waiters.removeValue(forKey: id) { return waiter }
            }
            return nil
        }

        mutating func popAllWaiters() -> [Waiter] {
            var all: [Waiter] = []
            while let waiter = popWaiter() { all.append(waiter) }
            return all
        }
    }

    private let configuration: PostgresConfiguration
    private let thread: ConnectionThread
    private let logger: Logger
    private let metrics = PoolMetrics()
    private let state = Mutex(State())

    init(configuration: PostgresConfiguration, thread: ConnectionThread, logger: Logger) {
        self.configuration = configuration
        self.thread = thread
        self.logger = logger
    }

    /// An id for a connection or a waiter.
    func makeID() -> UInt64 { state.withLock { $0.makeID() } }

    var isShutDown: Bool { state.withLock { $0.isShutDown } }
    var waitingCount: Int { state.withLock { $0.waiters.count } }
}

// MARK: Leasing

extension ConnectionPool {
    /// Takes a connection, waiting for one if need be.
    ///
    /// - Throws: `PostgresError` of kind `.acquireTimeout`, `.tooManyWaiting`, `.connectFailed` or `.shutDown`; `CancellationError`.
    func lease() async throws -> Connection {
        try Task.checkCancellation()
        if let connection = try takeIdle() { return connection }
        let id = makeID()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                enqueue(continuation, as: id)
                // A task cancelled before it was queued called the handler when there was nothing to remove.
                if Task.isCancelled { removeWaiter(id, throwing: CancellationError()) }
            }
        } onCancel: {
            removeWaiter(id, throwing: CancellationError())
        }
    }

    /// Gives a connection back. It must be outside of any transaction.
    func release(_ connection: Connection) {
        let isOpen = connection.isOpen
        let (waiter, discarded, toOpen) = state.withLock { state -> (Waiter?, Connection?, Int) in
            defer { record(state) }
            if isOpen, connection.generation == state.generation, let waiter = state.popWaiter() { return (waiter, nil, 0) }
            if isOpen, connection.generation == state.generation, !state.isShutDown {
                state.idle.append(connection)
                return (nil, nil, 0)
            }
            state.connections.removeValue(forKey: connection.id)
            return (nil, connection, reserveConnections(&state))
        }
        if let waiter {
            thread.cancel(waiter.timer)
            waiter.continuation.resume(returning: connection)
        }
        discarded?.close()
        open(toOpen)
        resumeShutdownIfDone()
    }

    /// Closes every connection as it comes back, because prepared statements no longer fit the schema.
    func renewConnections() {
        let idle = state.withLock { state -> [Connection] in
            state.generation += 1
            defer { record(state) }
            return dropIdle(&state)
        }
        for connection in idle { connection.close() }
    }

    private func takeIdle() throws(PostgresError) -> Connection? {
        let (connection, isShutDown) = state.withLock { state -> (Connection?, Bool) in
            if let connection = state.popOpenIdle() {
                record(state)
                return (connection, false)
            }
            return (nil, state.isShutDown)
        }
        if isShutDown { throw PostgresError(.shutDown, "the database client is shut down") }
        return connection
    }

    private func enqueue(_ continuation: Waiting, as id: UInt64) {
        let timer = thread.schedule(after: configuration.acquireTimeout) { [weak self] in self?.waiterTimedOut(id) }
        let (immediate, toOpen) = state.withLock { state -> (Result<Connection, any Error>?, Int) in
            defer { record(state) }
            // One may have come free since the first look.
            if let connection = state.popOpenIdle() { return (.success(connection), 0) }
            if state.isShutDown { return (.failure(PostgresError(.shutDown, "the database client is shut down")), 0) }
            guard state.waiters.count < configuration.maxWaitingCallers else { return (.failure(tooManyWaiting), 0) }
            state.waiters[id] = Waiter(continuation: continuation, timer: timer)
            state.queue.append(id)
            return (nil, reserveConnections(&state))
        }
        if let immediate {
            thread.cancel(timer)
            continuation.resume(with: immediate)
        }
        open(toOpen)
    }

    private func removeWaiter(_ id: UInt64, throwing error: any Error) {
        let waiter = state.withLock { state -> Waiter? in
            defer { record(state) }
            return state.waiters.removeValue(forKey: id)
        }
        guard let waiter else { return }
        thread.cancel(waiter.timer)
        waiter.continuation.resume(throwing: error)
        resumeShutdownIfDone()
    }

    private func waiterTimedOut(_ id: UInt64) {
        let (isWaiting, failure, leased) = state.withLock { state in
            (state.waiters[id] != nil, state.connectFailure, state.connections.count - state.idle.count)
        }
        guard isWaiting else { return }
        metrics.countTimeout()
        var message = """
            no database connection came free within \(configuration.acquireTimeout): \(leased) of \(configuration.poolSize) are in use \
            (settings: MAGPIE_DATABASE_POOL, MAGPIE_DATABASE_WAIT)
            """
        if let failure { message += "; the last attempt to connect failed: \(failure.message)" }
        removeWaiter(id, throwing: PostgresError(.acquireTimeout, message))
    }

    private var tooManyWaiting: PostgresError {
        PostgresError(
            .tooManyWaiting,
            """
            \(configuration.maxWaitingCallers) callers wait for a database connection already \
            (settings: MAGPIE_DATABASE_POOL, MAGPIE_DATABASE_WAIT)
            """)
    }
}

// MARK: Opening and losing

extension ConnectionPool {
    /// Reserves places for the connections that the waiters lack. - Returns: how many to open.
    private func reserveConnections(_ state: inout State) -> Int {
        let room = configuration.poolSize - state.connections.count - state.connecting
        let count = max(0, min(room, state.waiters.count - state.connecting))
        state.connecting += count
        return count
    }

    private func open(_ count: Int) {
        // Owned by the pool: each ends within the connect timeout, and the shutdown waits for it.
        for _ in 0..<count { Task { await self.openOne() } }
    }

    private func openOne() async {
        let (id, generation) = state.withLock { ($0.makeID(), $0.generation) }
        do {
            let connection = try await Connection.open(
                configuration, for: .transactions, id: id, generation: generation, thread: thread
            ) { [weak self] in self?.lostWhileIdle($0) }
            state.withLock { state in
                state.connecting -= 1
                state.connections[id] = connection
                state.connectFailure = nil
            }
            release(connection)
        } catch {
            let failure = error as? PostgresError ?? PostgresError(.connectFailed, "\(error)")
            logger.warning("can't connect to the database", metadata: ["error": "\(failure)"])
            connectFailed(failure)
        }
    }

    private func connectFailed(_ failure: PostgresError) {
        let waiters = state.withLock { state -> [Waiter] in
            defer { record(state) }
            state.connecting -= 1
            state.connectFailure = failure
            // Others may still be served by the connections there are.
            return state.connections.isEmpty && state.connecting == 0 ? state.popAllWaiters() : []
        }
        for waiter in waiters {
            thread.cancel(waiter.timer)
            waiter.continuation.resume(throwing: failure)
        }
        resumeShutdownIfDone()
    }

    private func lostWhileIdle(_ connection: Connection) {
        let wasIdle = state.withLock { state -> Bool in
            defer { record(state) }
            // A leased one is dropped when it comes back.
            guard let index = state.idle.firstIndex(where: { $0 === connection }) else { return false }
            state.idle.remove(at: index)
            state.connections.removeValue(forKey: connection.id)
            return true
        }
        if wasIdle { logger.info("an idle database connection was closed by the other side") }
    }

    private func dropIdle(_ state: inout State) -> [Connection] {
        let idle = state.idle
        state.idle = []
        for connection in idle { state.connections.removeValue(forKey: connection.id) }
        return idle
    }

    // Called under the lock, so that the gauges change in the order of the events; recording takes no lock of ours.
    private func record(_ state: borrowing State) {
        metrics.record(
            open: state.connections.count, inUse: state.connections.count - state.idle.count, waiting: state.waiters.count)
    }
}

// MARK: Shutdown

extension ConnectionPool {
    /// Refuses new leases, waits until the leased connections are back, closes all.
    /// - Parameter limit: after which leased connections are closed under their users.
    func shutdown(within limit: Duration) async {
        let idle = state.withLock { state -> [Connection] in
            state.isShutDown = true
            defer { record(state) }
            return dropIdle(&state)
        }
        for connection in idle { connection.close() }
        let timer = thread.schedule(after: limit) { [weak self] in self?.closeLeased() }
        await withCheckedContinuation { continuation in
            state.withLock { $0.shutdownWaiters.append(continuation) }
            resumeShutdownIfDone()
        }
        thread.cancel(timer)
    }

    /// Closes the leased connections under their users.
    func closeLeased() {
        let leased = state.withLock { Array($0.connections.values) }
        for connection in leased { connection.close(because: "the database client is shut down") }
    }

    private func resumeShutdownIfDone() {
        let done = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            guard state.isShutDown, state.connections.isEmpty, state.connecting == 0, state.waiters.isEmpty else { return [] }
            defer { state.shutdownWaiters = [] }
            return state.shutdownWaiters
        }
        for continuation in done { continuation.resume() }
    }
}
