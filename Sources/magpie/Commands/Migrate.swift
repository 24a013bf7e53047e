// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Logging

struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring the database to the schema of this release.",
        discussion: "That of MAGPIE_DATABASE_URL, or the private one of the data directory. The server does it too when it starts.")

    @OptionGroup var common: CommonOptions

    func run() async throws {
        var loaded: ServerConfiguration?
        do {
            let configuration = try await common.load()
            loaded = configuration
            let observability = Observability.bootstrap(level: max(configuration.logLevel, .warning))
            defer { observability.sink.flush() }
            try await DataDirectory(path: configuration.dataDirectory).prepare()
            let keys = try await ServerKeys.load(configuration)
            let outcome = try await Database.withOpen(configuration, keys: keys, logger: Logger(label: "magpie")) {
                try await $0.store.migrator.migrate()
            }
            for name in outcome.applied { print("applied \(name)") }
            print(outcome.applied.isEmpty ? "The database is up to date." : "The database is now up to date.")
        } catch {
            throw CommandFailure(error, loaded)
        }
    }
}
