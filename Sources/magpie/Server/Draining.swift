// SPDX-License-Identifier: Apache-2.0

import Logging
import ServiceLifecycle

/// A service that is given a limited time to finish what is under way; then it is cancelled, so that those behind it still stop
/// in order.
struct Draining: Service {
    let service: any Service
    /// For the log: what is cut off.
    let work: String
    let limit: Duration
    let logger: Logger

    func run() async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await service.run()
                return true
            }
            group.addTask {
                try await gracefulShutdown()
                try await Task.sleep(for: limit)
                return false
            }
            defer { group.cancelAll() }
            if try await group.next() == false {
                logger.warning("\(work) still under way are cut off", metadata: ["after": "\(limit)"])
                group.cancelAll()
                // What the service says when it is cancelled is not an error any more.
                do { _ = try await group.next() } catch { logger.debug("cut off", metadata: ["error": "\(error)"]) }
            }
        }
    }
}
