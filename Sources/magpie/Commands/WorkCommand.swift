// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import HTTPFrontends
import Logging

struct WorkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "work", abstract: "Runs jobs beside a server until SIGTERM or SIGINT.",
        discussion: """
            Takes the settings of the server. It needs the server's data directory, because the bytes of objects are there: on another \
            machine that is a shared file system. The database is the one that MAGPIE_DATABASE_URL names, or else the private one of \
            a server that runs in that data directory on the same machine. Any number of workers may run.
            """)

    @OptionGroup var common: CommonOptions

    @Option(help: "How many jobs are run at a time. MAGPIE_JOB_WORKERS.")
    var workers: String?

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        let configuration = try await common.configuration(["JOB_WORKERS": workers])
        guard configuration.jobs.workers > 0 else {
            throw ConfigurationError("MAGPIE_JOB_WORKERS must be at least 1 for a process that runs nothing but jobs")
        }
        try await Worker.requireServer(configuration)
        let secrets = try await Secrets.load(configuration)
        let sink = LogSink()
        LoggingSystem.bootstrap { JSONLogHandler(label: $0, level: configuration.logLevel, sink: sink) }
        let logger = Logger(label: "magpie")
        for warning in configuration.warnings { logger.warning("\(warning)") }
        do {
            try await Worker.run(configuration, secrets, logger: logger)
        } catch {
            try await sink.close()
            throw error
        }
        try await sink.close()
    }
}
