// SPDX-License-Identifier: Apache-2.0

import Logging

extension PostgresClient {
    private static let pause = Duration.milliseconds(50)
    private static let isAlive = SQL("backend_is_alive", "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1::int)")

    /// Waits until a process of Postgres that was left in the middle of a COMMIT has ended, and with it the transaction.
    ///
    /// Returns early only when there is no database to commit anything, or this client is shut down.
    func awaitEnd(of backend: Int32) async {
        logger.warning("a connection broke during COMMIT, waiting for its end", metadata: ["pid": "\(backend)"])
        // Not cancelled with the caller: whoever hears of the failure must find things as they will stay.
        await Task {
            while await mayBeAlive(backend) {
                do { try await Task.sleep(for: Self.pause) } catch { return }
            }
        }.value
    }

    private func mayBeAlive(_ backend: Int32) async -> Bool {
        do {
            let steps: [Step] = [.scope(Scope(role: nil)), .run(Self.isAlive, "\(backend)")]
            return try await transaction(steps, ending: .rollback)[0].onlyRow().bool(0)
        } catch let error as PostgresError {
            switch error.kind {
            case .shutDown: return false
            // A server that is down or recovers has no process left from before.
            case .connectFailed: return error.sqlState == .tooManyConnections
            default: return true
            }
        } catch {
            return true
        }
    }
}
