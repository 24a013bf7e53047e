// SPDX-License-Identifier: Apache-2.0

public import Logging
public import ServiceLifecycle

/// Runs transactions on a bounded pool of connections without blocking a thread per caller.
///
/// One thread waits for all sockets; a transaction known in advance takes one round trip. The client can be used as soon as it
/// exists; `run()` lets a `ServiceGroup` end it, `shutdown()` does so without one.
public final class PostgresClient: Service, Sendable {
    let configuration: PostgresConfiguration
    let pool: ConnectionPool
    let thread: ConnectionThread
    let sessions: Sessions
    let logger: Logger

    /// How long a shutdown waits for leased transactions.
    private static let shutdownLimit = Duration.seconds(30)

    /// - Throws: `PostgresError` of kind `.connectFailed` for a connection string that can't be understood. Does not connect.
    public init(configuration: PostgresConfiguration, logger: Logger) throws {
        try configuration.validate()
        self.configuration = configuration
        self.logger = logger
        self.thread = try ConnectionThread()
        self.pool = ConnectionPool(configuration: configuration, thread: thread, logger: logger)
        self.sessions = Sessions()
    }

    deinit { thread.stop() }

    /// Waits for the graceful shutdown, then lets leased transactions finish and closes all connections.
    public func run() async throws {
        do {
            try await gracefulShutdown()
        } catch {
            // A cancelled group does not wait for leased transactions.
            pool.closeLeased()
        }
        await shutdown()
    }

    /// Lets leased transactions finish and closes all connections; everything afterwards throws `.shutDown`.
    public func shutdown() async {
        sessions.closeAll()
        await pool.shutdown(within: Self.shutdownLimit)
        thread.stop()
    }

    /// Runs a whole transaction in one round trip: BEGIN, the steps, its end.
    ///
    /// - Returns: one result per statement.
    /// - Throws: `PostgresError`; of kind `.outcomeUnknown` when the connection broke during COMMIT. `CancellationError`.
    func transaction(_ steps: [Step], ending: TransactionEnd) async throws -> [ResultSet] {
        var role: String?
        let batch = try Batch(begins: true, steps: steps, role: &role, end: ending)
        do {
            return try await lease { connection in try await connection.run(batch).get() }
        } catch let error as PostgresError where error.isStalePlan {
            // The schema was changed under prepared statements. Nothing has happened, and new connections know the new one.
            return try await lease { connection in try await connection.run(batch).get() }
        }
    }

    /// Runs a transaction of several round trips.
    ///
    /// It ends as `ending` says when `body` returns, unless that ended it; it is rolled back when `body` throws or the task is cancelled.
    /// - Throws: what `body` throws; `PostgresError`, of kind `.outcomeUnknown` when the connection broke during COMMIT.
    func withTransaction<Value: Sendable>(
        ending: TransactionEnd, _ body: (Transaction) async throws -> Value
    ) async throws -> Value {
        try await lease { connection in
            let transaction = Transaction(on: connection, ending: ending)
            defer { transaction.invalidate() }
            let value = try await body(transaction)
            try await transaction.finishIfOpen()
            return value
        }
    }

    /// Leases a connection for `body` and gives it back outside of any transaction.
    private func lease<Value>(_ body: (Connection) async throws -> Value) async throws -> Value {
        let connection = try await pool.lease()
        let result: Result<Value, any Error>
        do { result = .success(try await body(connection)) } catch { result = .failure(error) }
        if connection.isInTransaction {
            let rollback = await connection.runShielded(.rollback)
            if rollback.failure != nil { connection.close() }
        }
        if case .failure(let error as PostgresError) = result, error.isStalePlan { pool.renewConnections() }
        pool.release(connection)
        if configuration.awaitsLostCommits, let backend = connection.committingBackend { await awaitEnd(of: backend) }
        return try result.get()
    }
}
