// SPDX-License-Identifier: Apache-2.0

import CLibPQ
import Dispatch

/// What a connection is opened for.
enum ConnectionPurpose: Sendable {
    /// Transactions of the pool, in pipeline mode.
    case transactions
    /// A script without a statement timeout, or LISTEN.
    case session
}

extension Connection {
    /// Opens a connection and prepares its session.
    ///
    /// While Postgres starts up, or can't be reached, the attempt is repeated until the connect timeout is over.
    /// - Throws: `PostgresError` of kind `.connectFailed`; `CancellationError`.
    static func open(
        _ configuration: PostgresConfiguration, for purpose: ConnectionPurpose, id: UInt64, generation: UInt64 = 0,
        thread: ConnectionThread, onIdleLoss: @escaping @Sendable (Connection) -> Void = { _ in }
    ) async throws -> Connection {
        let deadline = ContinuousClock.now + configuration.connectTimeout
        var pause = Duration.milliseconds(10)
        while true {
            do {
                let link = try await startLink(configuration)
                let connection = Connection(
                    link: link, id: id, generation: generation, thread: thread,
                    maxPreparedStatements: configuration.maxPreparedStatements, onIdleLoss: onIdleLoss)
                try await connection.establish(configuration, for: purpose, deadline: deadline)
                return connection
            } catch let error as PostgresError where error.mayPassSoon && ContinuousClock.now + pause < deadline {
                try await Task.sleep(for: pause)
                pause = min(pause * 2, .milliseconds(500))
            }
        }
    }

    /// Looking up a host name blocks, so it happens on a thread for that.
    private static func startLink(_ configuration: PostgresConfiguration) async throws -> Link {
        let parameters = configuration.parameters
        return try await withCheckedThrowingContinuation { continuation in
            blockingCalls.async {
                do { continuation.resume(returning: try Link(parameters: parameters)) } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
    }

    private func establish(
        _ configuration: PostgresConfiguration, for purpose: ConnectionPurpose, deadline: ContinuousClock.Instant
    ) async throws {
        do {
            try await shakeHands(within: max(.zero, ContinuousClock.now.duration(to: deadline)))
            try await run(script: configuration.sessionSetup(for: purpose))
            if purpose == .transactions, !enterPipelineMode() {
                throw PostgresError(.connectFailed, "pipeline mode is not available")
            }
        } catch {
            close()
            try Task.checkCancellation()
            throw error
        }
    }
}

extension PostgresError {
    /// Whether another attempt to connect is worth it: not when Postgres has said a lasting no.
    fileprivate var mayPassSoon: Bool {
        guard kind == .connectFailed || kind == .connectionLost else { return false }
        guard let sqlState else { return !needsPassword }
        return sqlState == .cannotConnectNow || sqlState == .tooManyConnections || sqlState == .adminShutdown
            || sqlState == .crashShutdown
    }
}

extension PostgresConfiguration {
    /// What libpq is told. Later entries win over earlier ones; the connection string is expanded in its place.
    fileprivate var parameters: [(keyword: String, value: String)] {
        [
            ("fallback_application_name", "magpie"),
            // A peer that has vanished is noticed within a minute.
            ("keepalives_idle", "30"), ("keepalives_interval", "10"), ("keepalives_count", "3"), ("tcp_user_timeout", "60000"),
            ("dbname", connectionString),
            ("client_encoding", "UTF8"),
        ]
    }

    /// Settings of the session. Sent as statements, because poolers refuse them among the parameters of the connection.
    fileprivate func sessionSetup(for purpose: ConnectionPurpose) -> String {
        let timeout = purpose == .transactions ? statementTimeout : .zero
        return """
            SET search_path TO storage, public, extensions;
            SET statement_timeout TO \(timeout.milliseconds);
            SET idle_in_transaction_session_timeout TO \(idleInTransactionTimeout.milliseconds);
            SET timezone TO 'UTC';
            SET client_min_messages TO error;
            """
    }

    /// Checks the connection string without connecting.
    ///
    /// - Throws: `PostgresError` of kind `.connectFailed`, without libpq's words: they quote the string, and with it a password.
    func validate() throws(PostgresError) {
        let isKnownForm =
            connectionString.hasPrefix("postgres://") || connectionString.hasPrefix("postgresql://")
            || connectionString.contains("=")
        var message: UnsafeMutablePointer<CChar>?
        defer { PQfreemem(message) }
        guard isKnownForm, !connectionString.containsNUL, let options = PQconninfoParse(connectionString, &message) else {
            throw PostgresError(
                .connectFailed, "the database URL is neither a postgres:// URL nor a list of keyword=value that libpq understands"
            )
        }
        PQconninfoFree(options)
    }
}

extension Duration {
    /// Whole milliseconds, rounded down, as Postgres' settings take them.
    fileprivate var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
