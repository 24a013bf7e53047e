// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import HTTPFrontends
import Logging
import Metrics
import ServiceLifecycle

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Runs the server until SIGTERM or SIGINT.")

    /// The server ended by itself.
    struct Ended: Error, CustomStringConvertible {
        let description: String
    }

    @OptionGroup var common: CommonOptions

    @Option(help: "The address to listen on. MAGPIE_HOST.")
    var host: String?

    @Option(help: "The TCP port to listen on; 0 for any free one. MAGPIE_PORT.")
    var port: String?

    func run() async throws {
        // A client or a log reader that goes away must not end the server.
        signal(SIGPIPE, SIG_IGN)
        let configuration = try await common.configuration(["HOST": host, "PORT": port])
        let secrets = try await Secrets.load(configuration)
        let sink = LogSink()
        let registry = PrometheusRegistry()
        LoggingSystem.bootstrap { JSONLogHandler(label: $0, level: configuration.logLevel, sink: sink) }
        MetricsSystem.bootstrap(registry)
        let logger = Logger(label: "magpie")
        for warning in configuration.warnings { logger.warning("\(warning)") }
        do {
            try await Server.run(configuration, secrets, sink: sink, registry: registry, logger: logger)
        } catch {
            try await sink.close()
            throw error
        }
        try await sink.close()
    }
}
