// SPDX-License-Identifier: Apache-2.0

import Logging
import ServiceLifecycle

/// Work that goes on as long as the server: started again after a failure, cancelled by a graceful shutdown.
struct BackgroundTask: Service {
    private static let pause = Duration.seconds(1)

    private let name: String
    private let logger: Logger
    private let work: @Sendable () async throws -> Void

    init(_ name: String, logger: Logger, _ work: @escaping @Sendable () async throws -> Void) {
        self.name = name
        self.logger = logger
        self.work = work
    }

    func run() async {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await work()
                } catch is CancellationError {
                    return
                } catch {
                    logger.error("background work failed, starting it again", metadata: ["task": "\(name)", "error": "\(error)"])
                }
                do { try await Task.sleep(for: Self.pause) } catch { return }
            }
        }
    }
}
