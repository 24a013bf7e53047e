// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Logging
import MediaCore
import PostgresMetadata

/// Shows and cancels jobs, those of every bucket and the server's own.
struct JobsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs", abstract: "Lists, shows and cancels jobs.", discussion: "Works while the server runs.",
        subcommands: [List.self, Show.self, Cancel.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists jobs, the newest first: id, kind, status, progress, attempts, bucket, subject and why it failed.")

        @OptionGroup var common: CommonOptions

        @Option(help: "Only those of this bucket.")
        var bucket: String?

        @Option(help: "Only those of this status; may be given several times.")
        var status: [JobStatus] = []

        @Option(help: "The most to list.")
        var limit = 100

        func run() async throws {
            let query = JobQuery(
                in: bucket.map { BucketID(stored: $0) }, statuses: status.isEmpty ? nil : Set(status), limit: limit)
            for job in try await common.withJobs({ try await $0.jobs(matching: query).jobs }) { print(Self.line(job)) }
        }

        private static func line(_ job: Job) -> String {
            let progress = "\(job.progress.processed)/\(job.progress.total.map { "\($0)" } ?? "?")"
            return [
                job.id.rawValue, job.createdAt.iso8601, job.kind.rawValue, job.status.rawValue, progress,
                "\(job.attempts)/\(job.maxAttempts)", job.bucket?.rawValue ?? "-", job.subject ?? "-", job.failure ?? "",
            ].joined(separator: "  ")
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Prints everything about a job.")

        @OptionGroup var common: CommonOptions

        @Argument(help: "The id of the job.")
        var id: String

        func run() async throws {
            let id = try JobID(argument: id)
            guard let job = try await common.withJobs({ try await $0.job(id) }) else { throw Self.missing(id) }
            for (name, value) in Self.fields(of: job) { print("\(name.padded(to: 16))\(value)") }
            for error in job.recentErrors {
                print("\("error".padded(to: 16))\(error.date.iso8601)  \(error.subject ?? error.key ?? "-")  \(error.message)")
            }
        }

        static func missing(_ id: JobID) -> ConfigurationError { ConfigurationError("there is no job \(id)") }

        private static func fields(of job: Job) -> [(name: String, value: String)] {
            let progress = job.progress
            let fields: [(String, String?)] = [
                ("id", job.id.rawValue), ("kind", job.kind.rawValue), ("bucket", job.bucket?.rawValue), ("subject", job.subject),
                ("status", job.status.rawValue), ("failure", job.failure),
                ("cancelRequested", job.isCancelRequested ? "yes" : nil),
                ("attempts", "\(job.attempts) of \(job.maxAttempts)"), ("total", progress.total.map { "\($0)" }),
                ("processed", "\(progress.processed), \(progress.succeeded) succeeded, \(progress.failed) failed"),
                ("createdAt", job.createdAt.iso8601), ("startedAt", job.startedAt?.iso8601),
                (job.status == .pending ? "dueAt" : "leaseEnd", job.status.isFinal ? nil : job.runAfter.iso8601),
                ("completedAt", job.completedAt?.iso8601), ("payload", job.payload.rawValue),
                ("checkpoint", job.checkpoint?.rawValue),
            ]
            return fields.compactMap { name, value in value.map { (name, $0) } }
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Cancels a job: at once when it is pending; one that runs is told to end.")

        @OptionGroup var common: CommonOptions

        @Argument(help: "The id of the job.")
        var id: String

        func run() async throws {
            let id = try JobID(argument: id)
            guard let job = try await common.withJobs({ try await $0.cancelJob(id) }) else { throw Show.missing(id) }
            print(job.status.isFinal ? job.status.rawValue : "\(job.status.rawValue), to be cancelled")
        }
    }
}

extension JobStatus: ExpressibleByArgument {}

extension JobID {
    fileprivate init(argument: String) throws {
        guard let id = JobID(argument) else { throw ConfigurationError("\(argument) is not the id of a job") }
        self = id
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}

extension CommonOptions {
    fileprivate func withJobs<Value: Sendable>(_ body: (any JobStore) async throws -> Value) async throws -> Value {
        let configuration = try await configuration()
        guard OpenDatabase.exists(configuration) else {
            throw ConfigurationError("MAGPIE_DATA_DIR: there is no data in \(configuration.dataDirectory)")
        }
        let secrets = try await Secrets.load(configuration)
        return try await OpenDatabase.with(configuration, secrets, logger: .forCommand()) { database in
            try await database.metadata.ping()
            return try await body(database.metadata)
        }
    }
}
