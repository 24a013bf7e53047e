// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Logging
import PostgresMetadata

struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Brings the database to this version's schema. `serve` does the same when it starts.")

    @OptionGroup var common: CommonOptions

    func run() async throws {
        let configuration = try await common.configuration()
        let secrets = try await Secrets.load(configuration)
        let outcome = try await OpenDatabase.with(configuration, secrets, logger: .forCommand()) { database in
            try await database.metadata.migrator.migrate()
        }
        if outcome.isFirst, outcome.isAdopted { print("An existing Supabase Storage schema was adopted as it is.") }
        print(outcome.applied.isEmpty ? "The database is up to date." : "Applied: \(outcome.applied.joined(separator: ", ")).")
    }
}
