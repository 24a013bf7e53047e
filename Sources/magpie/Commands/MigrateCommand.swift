// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Logging
import PostgresMetadata

struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Brings the database to this version's schema. `serve` does the same when it starts.")

    @OptionGroup var common: CommonOptions

    @Flag(help: "Make the store of the data directory belong to this database, after either was moved or restored.")
    var adoptStore = false

    func run() async throws {
        let configuration = try await common.configuration()
        let secrets = try await Secrets.load(configuration)
        let outcome = try await OpenDatabase.with(configuration, secrets, logger: .forCommand()) { database in
            let outcome = try await database.metadata.migrator.migrate()
            if adoptStore {
                let blobs = try await BlobDirectory.open(
                    configuration, secrets, of: database.metadata, create: false, adopts: true, logger: .forCommand())
                try await blobs.close()
            }
            return outcome
        }
        if outcome.isFirst, outcome.isAdopted { print("An existing Supabase Storage schema was adopted as it is.") }
        if adoptStore { print("The store in \(configuration.blobDirectory) belongs to this database now.") }
        print(outcome.applied.isEmpty ? "The database is up to date." : "Applied: \(outcome.applied.joined(separator: ", ")).")
    }
}
