// SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization

/// What a listener is told.
enum ListenEvent: Hashable, Sendable {
    /// Every notification sent from now on will be reported.
    case connected
    case notification(channel: String, payload: String)
    /// Notifications may be missed until the next `.connected`.
    case lost
}

extension PostgresClient {
    /// Runs a script of several statements on a connection of its own, without a statement timeout.
    ///
    /// The statements are one transaction unless the script contains BEGIN and COMMIT. A transaction that the script leaves open is
    /// rolled back; what it sets for the session ends with it.
    func execute(script: String) async throws {
        let connection = try await openSession()
        defer { sessions.remove(connection) }
        do {
            try await connection.run(script: script)
        } catch {
            try Task.checkCancellation()
            throw error
        }
        if connection.isInTransaction { throw PostgresError(.unexpectedResult, "the script left a transaction open") }
    }

    /// Listens on a connection of its own until the task is cancelled or the client is shut down; never returns otherwise.
    ///
    /// A lost connection is replaced, with pauses that grow to 5 seconds. Events are reported in order, and none while the handler runs; a
    /// handler that falls behind by 65,536 notifications is told `.lost` and `.connected` instead of the rest.
    /// - Throws: `CancellationError`; `PostgresError` of kind `.shutDown`.
    func listen(_ channels: [String], onEvent: @Sendable (ListenEvent) async -> Void) async throws {
        var pause = Duration.zero
        while true {
            do {
                try await listenOnce(channels) { event in
                    if event == .connected { pause = .zero }
                    await onEvent(event)
                }
            } catch let error as PostgresError where error.kind != .shutDown && error.kind != .invalidParameter {
                try Task.checkCancellation()
                logger.warning("the database listener lost its connection", metadata: ["error": "\(error)"])
            }
            await onEvent(.lost)
            if pool.isShutDown { throw PostgresError(.shutDown, "the database client is shut down") }
            try await Task.sleep(for: pause)
            pause = min(max(pause * 2, .milliseconds(50)), .seconds(5))
        }
    }

    /// Listens until the connection is lost.
    private func listenOnce(_ channels: [String], _ onEvent: (ListenEvent) async -> Void) async throws {
        let connection = try await openSession()
        defer { sessions.remove(connection) }
        let names = channels.map {
            "\"" + $0.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
        }
        let echo = "magpie_echo_" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        try await connection.run(script: (names + [echo]).map { "LISTEN \($0);" }.joined(separator: "\n"))
        let early = try await awaitEcho(echo, on: connection)
        await onEvent(.connected)
        for notification in early {
            await onEvent(.notification(channel: notification.channel, payload: notification.payload))
        }
        while true {
            for notification in try await connection.notifications() {
                await onEvent(.notification(channel: notification.channel, payload: notification.payload))
            }
        }
    }

    /// Makes sure that what others notify arrives on a connection that listens to `channel`, by a word from another one.
    ///
    /// Behind a pooler that lends its connections by the transaction, LISTEN succeeds and nothing is ever heard.
    /// - Returns: the other notifications that came meanwhile.
    /// - Throws: `PostgresError` of kind `.connectionLost`, also when nothing arrives within `limit`; then the connection is closed.
    func awaitEcho(
        _ channel: String, on connection: Connection, within limit: Duration = .seconds(10)
    ) async throws -> [NotificationInbox.Notification] {
        try await execute(script: "NOTIFY \(channel)")
        let timer = thread.schedule(after: limit) { connection.close(because: "no notification arrived") }
        defer { thread.cancel(timer) }
        var others: [NotificationInbox.Notification] = []
        do {
            while true {
                let arrived = try await connection.notifications()
                others += arrived.filter { $0.channel != channel }
                if arrived.contains(where: { $0.channel == channel }) { return others }
            }
        } catch let error as PostgresError where error.kind == .connectionLost {
            throw PostgresError(
                .connectionLost,
                "notifications do not arrive on a new connection; a pooler in front of the database has to be in session mode")
        }
    }

    func openSession() async throws -> Connection {
        if pool.isShutDown { throw PostgresError(.shutDown, "the database client is shut down") }
        let connection = try await Connection.open(configuration, for: .session, id: pool.makeID(), thread: thread)
        try sessions.add(connection)
        return connection
    }
}

extension Connection {
    /// Waits for notifications and takes all that are there.
    ///
    /// - Throws: `PostgresError` of kind `.connectionLost`, also when more came than are kept; `CancellationError`.
    fileprivate func notifications() async throws -> [NotificationInbox.Notification] {
        try Task.checkCancellation()
        await withTaskCancellationHandler {
            await withCheckedContinuation { reader in
                wait(reader)
                if Task.isCancelled { wakeReader() }
            }
        } onCancel: {
            wakeReader()
        }
        try Task.checkCancellation()
        let (all, isLost) = state.withLock { state in
            let isLost = state.inbox.hasOverflowed || state.inbox.isEmpty
            return (state.inbox.takeAll(), isLost)
        }
        if isLost { throw PostgresError(.connectionLost, "the connection was lost, or fell behind its notifications") }
        return all
    }

    private func wait(_ reader: NotificationInbox.Reader) {
        let ready = state.withLock { state in
            state.inbox.reader = reader
            return state.inbox.takeReader()
        }
        ready?.resume()
    }

    private func wakeReader() {
        let reader = state.withLock { state in
            defer { state.inbox.reader = nil }
            return state.inbox.reader
        }
        reader?.resume()
    }
}
