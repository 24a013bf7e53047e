// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Logging

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run the server.")

    @Option(help: "The address to listen on, instead of MAGPIE_HOST.")
    var host: String?

    @Option(help: "The port to listen on, instead of MAGPIE_PORT.")
    var port: Int?

    @OptionGroup var common: CommonOptions

    func run() async throws {
        // A client or a log reader that goes away must not end the server.
        signal(SIGPIPE, SIG_IGN)
        let configuration: ServerConfiguration
        do {
            configuration = try await common.load(flags: [.host: host, .port: port.map(String.init)].compactMapValues(\.self))
        } catch {
            throw CommandFailure(error)
        }
        let observability = Observability.bootstrap(level: configuration.logLevel)
        defer { observability.sink.flush() }
        let logger = Logger(label: "magpie")
        for name in configuration.unknownNames {
            logger.warning("a setting is not known and has no effect", metadata: ["setting": "\(name)"])
        }
        do {
            let server = try await Server.build(configuration, observability) { port in
                Self.announce(configuration, port: port)
            }
            try await server.run()
        } catch {
            logger.error("the server stopped", metadata: ["error": "\(error)"])
            throw CommandFailure(error, configuration)
        }
    }

    private static func announce(_ configuration: ServerConfiguration, port: Int) {
        let text = """
            Magpie is ready at \(configuration.url(port: port))
            Data is in \(configuration.dataDirectory)
            Print the keys with: magpie keys --data-dir \(configuration.dataDirectory)

            """
        FileHandle.standardOutput.write(Data(text.utf8))
    }
}
