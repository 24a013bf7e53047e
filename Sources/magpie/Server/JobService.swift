// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPFrontends
import Logging
import MediaCore
import ServiceLifecycle

/// Runs jobs until the process is asked to stop; no job is begun after that.
struct JobService: Service {
    let workers: JobWorkers

    /// Who works here, for whoever looks at the table of jobs.
    static var workerName: String { "\(ProcessInfo.processInfo.hostName):\(ProcessInfo.processInfo.processIdentifier)" }

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
            store: database.metadata, handlers: storage.allJobHandlers, wake: storage.jobs.wake,
            name: workerName,
            schedule: JobWorkers.Schedule(
                concurrency: configuration.jobs.workers, retention: configuration.jobs.retention.components.seconds),
            logger: logger)
        return Draining(
            service: JobService(workers: workers), work: "jobs", limit: configuration.limits.shutdownTimeout, logger: logger)
    }
}

extension Storage {
    /// The kinds of jobs that a process can run: the one list of `magpie serve` and `magpie work`.
    fileprivate var allJobHandlers: [any JobHandler] {
        jobHandlers + assets.importHandlers(isReservedName: { PixaultNames.isReserved($0) })
    }
}
