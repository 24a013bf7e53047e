// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import MediaCore
import ServiceLifecycle

/// Runs jobs until the process is asked to stop; no job is begun after that.
struct JobService: Service {
    let workers: JobWorkers

    func run() async throws {
        await withGracefulShutdownHandler {
            await workers.run()
        } onGracefulShutdown: {
            workers.stop()
        }
    }

    /// The jobs of this process, given as much time to end as requests are. Somebody else goes on with those that it is too short for.
    static func draining(
        _ configuration: ServerConfiguration, _ database: OpenDatabase, _ storage: Storage, logger: Logger
    ) -> Draining {
        let workers = JobWorkers(
            store: database.metadata, handlers: storage.jobHandlers, wake: storage.jobs.wake,
            name: "\(ProcessInfo.processInfo.hostName):\(ProcessInfo.processInfo.processIdentifier)",
            schedule: JobWorkers.Schedule(
                concurrency: configuration.jobs.workers, retention: configuration.jobs.retention.components.seconds),
            logger: logger)
        return Draining(
            service: JobService(workers: workers), work: "jobs", limit: configuration.limits.shutdownTimeout, logger: logger)
    }
}
