// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The connections outside of the pool: those of listeners and scripts.
final class Sessions: Sendable {
    private struct State {
        var connections: [UInt64: Connection] = [:]
        var isClosed = false
    }

    private let state = Mutex(State())

    /// - Throws: `PostgresError` of kind `.shutDown` after `closeAll`.
    func add(_ connection: Connection) throws(PostgresError) {
        let isClosed = state.withLock { state in
            if !state.isClosed { state.connections[connection.id] = connection }
            return state.isClosed
        }
        if isClosed {
            connection.close()
            throw PostgresError(.shutDown, "the database client is shut down")
        }
    }

    func remove(_ connection: Connection) {
        _ = state.withLock { $0.connections.removeValue(forKey: connection.id) }
        connection.close()
    }

    func closeAll() {
        let all = state.withLock { state in
            state.isClosed = true
            defer { state.connections = [:] }
            return Array(state.connections.values)
        }
        for connection in all { connection.close(because: "the database client is shut down") }
    }
}
