// SPDX-License-Identifier: Apache-2.0

import Logging

/// One attempt at a job, from the moment it was taken until the database knows how it ended.
struct JobAttempt: Sendable {
    private static let firstPause = Duration.milliseconds(100)

    let job: Job
    private let handler: any JobHandler
    private let workers: JobWorkers
    private let hold: JobHold
    private let context: JobContext
    private let logger: Logger

    /// - Parameter start: when it was asked for.
    init(_ taken: TakenJob, by handler: any JobHandler, of workers: JobWorkers, since start: ContinuousClock.Instant) {
        var logger = workers.logger
        logger[metadataKey: "job"] = "\(taken.job.id)"
        logger[metadataKey: "kind"] = "\(taken.job.kind)"
        self.job = taken.job
        self.handler = handler
        self.workers = workers
        self.hold = JobHold(taken.lease, in: workers.store, forSeconds: workers.schedule.lease, since: start)
        self.context = JobContext(taken.job, hold: hold, logger: logger)
        self.logger = logger
    }

    func run() async {
        let start = ContinuousClock.now
        logger.debug("job begun", metadata: ["attempt": "\(job.attempts)"])
        let result = await runHandler()
        let ending = ending(result)
        let status = await record(ending)
        let duration = ContinuousClock.now - start
        workers.metrics.ended(JobMetrics.Outcome(ending, status), kind: job.kind, after: duration)
        log(result, status, duration)
    }

    /// Runs the handler and renews the lease. Where that fails for good the handler is cancelled.
    private func runHandler() async -> Result<Void, any Error> {
        await withTaskGroup(of: Result<Void, any Error>?.self) { group in
            group.addTask {
                do {
                    try await handler.run(context)
                    return .success(())
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                await keepHold()
                return nil
            }
            group.addTask {
                await hold.waitForEnd()
                return nil
            }
            for await result in group {
                group.cancelAll()
                if let result { return result }
            }
            return .failure(CancellationError())
        }
    }

    /// Returns when the job is to end.
    private func keepHold() async {
        while true {
            do { try await Task.sleep(for: workers.schedule.heartbeat) } catch { return }
            do {
                try await hold.renew(report: context.report)
            } catch is CancellationError {
                return
            } catch {
                logger.warning("lease of a job not renewed, trying again", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Nil: somebody else says how it ends.
    private func ending(_ result: Result<Void, any Error>) -> JobEnding? {
        switch (result, hold.release) {
        case (.success, _): return context.progress.failed > 0 ? .completedWithErrors : .completed
        case (.failure, .lost): return nil
        case (.failure, .cancelRequested): return .cancelled
        // Nobody but the worker itself, which stops, cancels this task.
        case (.failure, nil) where Task.isCancelled: return .released
        case (.failure(let error), nil):
            var generator = SystemRandomNumberGenerator()
            let wait = workers.schedule.backOff.wait(after: job.attempts, using: &generator)
            return JobEnding(after: error, retryingIn: wait)
        }
    }

    /// Tells the database, as long as the lease may hold: work that is not recorded is done again.
    /// - Returns: what the job is then. Nil: it is somebody else's.
    private func record(_ ending: JobEnding?) async -> JobStatus? {
        guard let ending else { return nil }
        let report = context.report
        do {
            return try await runToEnd { [workers, hold, logger] in
                let deadline = ContinuousClock.now + .seconds(workers.schedule.lease)
                var pause = Self.firstPause
                while true {
                    do {
                        return try await workers.store.finishJob(hold.lease, ending, report: report)
                    } catch  where ContinuousClock.now + pause < deadline {
                        logger.warning("end of a job not recorded, trying again", metadata: ["error": "\(error)"])
                    }
                    try await Task.sleep(for: pause)
                    pause *= 2
                }
            }
        } catch {
            logger.error("end of a job not recorded, so it will be run again", metadata: ["error": "\(error)"])
            return nil
        }
    }

    private func log(_ result: Result<Void, any Error>, _ status: JobStatus?, _ duration: Duration) {
        var metadata: Logger.Metadata = [
            "attempt": "\(job.attempts)", "seconds": "\(duration / .seconds(1))", "status": "\(status?.rawValue ?? "lost")",
        ]
        guard case .failure(let error) = result else { return logger.info("job ended", metadata: metadata) }
        metadata["error"] = "\(error)"
        switch status {
        case .cancelled, nil: logger.info("job not done", metadata: metadata)
        case .pending where error is CancellationError: logger.info("job left to the next worker", metadata: metadata)
        case .pending: logger.warning("job failed, trying again later", metadata: metadata)
        default: logger.error("job failed", metadata: metadata)
        }
    }
}

extension JobEnding {
    /// Troubles that pass.
    private static let passing: Set<StorageError.Code> = [
        .locked, .overloaded, .tooManyConnections, .timedOut, .renderTimedOut, .databaseReadOnly, .databaseSchema,
        .databaseAborted,
        .databaseFailure, .backendUnavailable, .originUnavailable, .originTimedOut, .clientDisconnected, .internal,
    ]

    /// What an error of a handler means. Errors of the core have a message for clients; what others say is for the log alone.
    init(after error: any Error, retryingIn wait: Int64) {
        switch error {
        case let error as JobFailure: self = .failed(error.reason)
        case let error as StorageError where error.isRetryable || Self.passing.contains(error.code):
            self = .retry(afterSeconds: wait, error.message)
        case let error as StorageError: self = .failed(error.message)
        default: self = .retry(afterSeconds: wait, "The server could not do it, and its log says why")
        }
    }
}
