// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Logging
import MediaCore
import PostgresMetadata

extension BackendCommand {
    struct Migrate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Moves all originals of a project to where its new ones go.",
            discussion: """
                They are used as ever meanwhile. After an interruption, of this command or of a server, a server goes on with it; so does this \
                command when it is given again.
                """)

        /// Between two looks at the job.
        private static let interval = Duration.milliseconds(300)

        @OptionGroup var common: CommonOptions

        @Argument(help: "The project.")
        var project: String

        @Flag(help: "Leave the work to the servers, and return at once.")
        var detach = false

        func run() async throws {
            let project = try BucketID(existing: project)
            let job = try await OpenStorage.with(common, for: .upkeep, looks: false) { try await migrate(project, $0) }
            try report(job)
        }

        private func migrate(_ project: BucketID, _ opened: OpenStorage) async throws -> Job {
            guard let backends = opened.storage.backends else { throw ConfigurationError("there is no master key") }
            let job: Job
            do {
                job = try await backends.migrate(project, as: opened.caller)
            } catch let error as StorageError where error.code == .alreadyRunning {
                guard let id = error.resource.flatMap(JobID.init), let running = try await opened.metadata.job(id),
                    running.kind == .storageMigration
                else { throw error }
                job = running
            }
            guard !detach else { return job }
            return try await work(on: job, opened.storage, opened.metadata)
        }

        /// Beside the servers, if there are any: whoever is first takes it.
        private func work(on job: Job, _ storage: Storage, _ metadata: PostgresMetadataStore) async throws -> Job {
            let workers = JobWorkers(
                store: metadata, handlers: storage.jobHandlers.filter { $0.kind == job.kind }, wake: storage.jobs.wake,
                name: JobService.workerName, logger: .forCommand())
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await workers.run() }
                let ended = try await follow(job, metadata)
                group.cancelAll()
                try await group.waitForAll()
                return ended
            }
        }

        private func follow(_ job: Job, _ metadata: PostgresMetadataStore) async throws -> Job {
            var bar = ProgressBar()
            while true {
                guard let job = try await metadata.job(job.id) else {
                    throw ConfigurationError("the migration is gone, and the project probably with it")
                }
                let failed = job.progress.failed > 0 ? "\(job.progress.failed) failed" : job.failure ?? ""
                bar.show(job.progress.processed, of: job.progress.total, failed)
                if job.status.isFinal {
                    bar.end()
                    return job
                }
                try await Task.sleep(for: Self.interval)
            }
        }

        private func report(_ job: Job) throws {
            for error in job.recentErrors {
                StandardError.write("\(error.key ?? "-")  \(error.message)\n")
            }
            switch job.status {
            case .completed: print("\(job.progress.succeeded) originals were moved.")
            case .pending, .discovering, .running: print("\(job.id)")
            case .completedWithErrors:
                throw ConfigurationError(
                    "\(job.progress.succeeded) originals were moved, \(job.progress.failed) were not: they are where they were")
            case .failed, .cancelled:
                throw ConfigurationError(
                    job.failure ?? "the migration was cancelled: \(job.progress.succeeded) originals were moved")
            }
        }
    }
}
