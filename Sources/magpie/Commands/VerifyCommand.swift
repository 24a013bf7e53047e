// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Logging
import MediaCore
import PostgresMetadata

struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Checks that every object has its bytes, with the right size and digest, and every blob its row.",
        discussion: """
            --repair removes what no object points to. It never removes an object: --drop-lost removes the rows of objects whose bytes \
            are gone, for when they are known not to come back. Exits with 1 when something is left to be done.
            """)

    @OptionGroup var common: CommonOptions

    @Flag(help: "Remove blobs and blob rows that no object points to.")
    var repair = false

    @Flag(help: "Remove the rows of objects whose bytes are missing.")
    var dropLost = false

    func run() async throws {
        let configuration = try await common.configuration()
        guard OpenDatabase.exists(configuration) else {
            throw ConfigurationError("MAGPIE_DATA_DIR: there is no data in \(configuration.dataDirectory)")
        }
        let secrets = try await Secrets.load(configuration)
        let logger = Logger.forCommand()
        let (summary, events) = try await OpenDatabase.with(configuration, secrets, logger: logger) { database in
            try await database.metadata.ping()
            let summary = try await BlobDirectory.with(
                configuration, secrets, of: database.metadata, create: false, logger: logger
            ) { blobs in
                // On a running server a young blob without a row is an upload under way.
                let orphanAge = database.isShared ? configuration.limits.orphanAge.components.seconds : -1
                let upkeep = Upkeep(metadata: database.metadata, blobs: blobs.registry, signal: WakeSignal(), logger: logger)
                if repair { try await upkeep.removeDeletedBlobs() }
                let verifier = Verifier(metadata: database.metadata, blobs: blobs.registry, orphanAge: orphanAge)
                let summary = try await verifier.run(Verifier.Repair(removesOrphans: repair, dropsLost: dropLost)) {
                    Self.show($0)
                }
                if repair { try await upkeep.removeDeletedBlobs() }
                return summary
            }
            return (summary, try await database.metadata.eventCounts())
        }
        if events.waiting + events.dead > 0 {
            print("events: \(events.waiting) to be delivered, \(events.dead) given up")
        }
        print("\(summary.objects) objects, \(summary.bytes) bytes: \(summary.findings) findings, \(summary.unrepaired) left")
        if summary.unrepaired > 0 { throw ExitCode.failure }
    }

    private static func show(_ finding: Verifier.Finding) {
        switch finding {
        case .lost(let address, let reason, let wasDropped):
            print("lost      \(address): \(reason)\(wasDropped ? " (row removed)" : "")")
        case .damaged(let address, let reason): print("damaged   \(address): \(reason)")
        case .unreachable(let address, let reason): print("unknown   \(address): \(reason)")
        case .unlocated(let address): print("unlocated \(address): Magpie was never told where its bytes are")
        case .orphan(let key, let wasRemoved): print("orphan    \(key)\(wasRemoved ? " (removed)" : "")")
        case .leftovers(let count): print("leftovers \(count) (removed)")
        }
    }
}
