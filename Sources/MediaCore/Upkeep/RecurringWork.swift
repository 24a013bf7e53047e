// SPDX-License-Identifier: Apache-2.0

import Logging

/// Work done again and again in the background. A failure is logged and left to the next time; only cancellation ends it.
struct RecurringWork: Sendable {
    /// For the log: whose work fails.
    let name: String
    let logger: Logger

    /// Runs `body` now and then until cancelled.
    func every(_ interval: Duration, _ body: () async -> Void) async {
        while !Task.isCancelled {
            await body()
            do { try await Task.sleep(for: interval) } catch { return }
        }
    }

    /// Runs `body` once and logs its failure.
    func attempt(_ task: String, _ body: () async throws -> Void) async {
        do {
            try await body()
        } catch is CancellationError {
            return
        } catch {
            logger.error("\(name) failed, trying again later", metadata: ["task": "\(task)", "error": "\(error)"])
        }
    }
}
