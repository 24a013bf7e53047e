// SPDX-License-Identifier: Apache-2.0

import Logging
import ServiceLifecycle

/// Runs transactions on a bounded pool of connections.
final class PostgresClient: Service, Sendable {
    init(configuration: PostgresConfiguration, logger: Logger) {}

    /// Waits for the graceful shutdown, lets leased transactions finish, closes the connections.
    func run() async throws {}
    /// Lets leased transactions finish and closes the connections; for use outside of a `ServiceGroup`.
    func shutdown() async {}
    func transaction(_ steps: [Step], ending: TransactionEnd) async throws -> [ResultSet] { throw PostgresError(.shutDown, "") }
    func withTransaction<Value: Sendable>(ending: TransactionEnd, _ body: (Transaction) async throws -> Value) async throws
        -> Value
    {
        throw PostgresError(.shutDown, "")
    }
    /// Runs a script of several statements on a connection of its own, without a statement timeout.
    func execute(script: String) async throws { throw PostgresError(.shutDown, "") }
    func listen(_ channels: [String], onEvent: @escaping @Sendable (ListenEvent) async -> Void) async throws {
        throw PostgresError(.shutDown, "")
    }
}

/// A transaction in which statements can be run in several round trips.
final class Transaction: Sendable {
    init() {}
    /// Runs the steps in one round trip. The first batch carries BEGIN.
    func run(_ steps: [Step]) async throws -> [ResultSet] { throw PostgresError(.shutDown, "") }
    /// Runs the last steps and ends the transaction in the same round trip.
    func finish(with steps: [Step]) async throws -> [ResultSet] { throw PostgresError(.shutDown, "") }
}

/// What a listener is told.
enum ListenEvent: Sendable, Equatable {
    /// Every notification sent from now on will be reported.
    case connected
    case notification(channel: String, payload: String)
    /// Notifications may be missed until the next `.connected`.
    case lost
}
