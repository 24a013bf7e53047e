// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Logging

/// The flags that every command takes.
struct CommonOptions: ParsableArguments {
    @Option(help: "Where blobs, the private PostgreSQL and generated secrets live. MAGPIE_DATA_DIR.")
    var dataDir: String?

    @Option(help: "A JSON file with settings. MAGPIE_CONFIG.")
    var config: String?

    func configuration(_ more: [String: String?] = [:]) async throws -> ServerConfiguration {
        var flags = more.compactMapValues { $0 }
        flags["DATA_DIR"] = dataDir
        flags["CONFIG"] = config
        return try ServerConfiguration(await Settings(flags: flags))
    }
}

extension Logger {
    /// Commands say what matters on standard output and warn on standard error.
    static func forCommand() -> Logger {
        var logger = Logger(label: "magpie", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = .warning
        return logger
    }
}
