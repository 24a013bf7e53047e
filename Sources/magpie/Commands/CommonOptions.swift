// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation

/// What every command that touches the data understands.
struct CommonOptions: ParsableArguments {
    @Option(help: "The data directory, instead of MAGPIE_DATA_DIR.")
    var dataDir: String?

    @Option(help: "A JSON file with settings, instead of MAGPIE_CONFIG.")
    var config: String?

    /// The configuration with these options, and those given, in force.
    /// - Throws: `ConfigurationError`.
    func load(flags: SettingSources.Flags = [:]) async throws -> ServerConfiguration {
        var flags = flags
        flags[.dataDirectory] = dataDir
        flags[.configFile] = config
        return try ServerConfiguration(
            await SettingSources(flags: flags, environment: ProcessInfo.processInfo.environment))
    }
}
