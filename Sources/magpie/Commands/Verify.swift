// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Logging
import MediaCore

struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check that every object has its bytes, and that there are no others.",
        discussion: "Reads everything. Ends with status 0 when nothing is wrong any more, 1 otherwise. Works while the server runs.")

    @Flag(help: "Remove what no object points to.")
    var repair = false

    @Flag(help: "Remove the rows of objects whose bytes are lost. Make sure first that every disk is mounted.")
    var dropLost = false

    @OptionGroup var common: CommonOptions

    func run() async throws {
        let summary: Verifier.Summary
        var loaded: ServerConfiguration?
        do {
            let configuration = try await common.load()
            loaded = configuration
            let observability = Observability.bootstrap(level: max(configuration.logLevel, .warning))
            defer { observability.sink.flush() }
            summary = try await verify(configuration)
        } catch {
            throw CommandFailure(error, loaded)
        }
        print("\(summary.objects) objects, \(summary.bytes) bytes, \(summary.findings) findings, \(summary.unrepaired) not repaired")
        if summary.unrepaired > 0 { throw ExitCode(1) }
    }

    private func verify(_ configuration: ServerConfiguration) async throws -> Verifier.Summary {
        let logger = Logger(label: "magpie")
        guard try await Database.exists(configuration) else {
            throw StorageError(.notConfigured, "there is no data in \(configuration.dataDirectory): choose with --data-dir")
        }
        let keys = try await ServerKeys.load(configuration)
        return try await Database.withOpen(configuration, keys: keys, logger: logger) { database in
            do {
                try await database.store.ping()
            } catch let error as StorageError where error.code == .databaseSchema {
                throw StorageError(.databaseSchema, "the database is not of this release: run 'magpie migrate' first", cause: error)
            }
            let blobs = try await Blobs.open(configuration, metadata: database.store, logger: logger)
            // With nobody else about, everything without a row is left over; otherwise it may be an upload under way.
            let age = database.isShared ? configuration.upkeep.orphanAge.components.seconds : 0
            let verifier = Verifier(metadata: database.store, blobs: blobs.registry, orphanAge: age)
            do {
                let summary = try await verifier.run(Verifier.Repair(removesOrphans: repair, dropsLost: dropLost)) {
                    print(Self.line($0))
                }
                try await blobs.close()
                return summary
            } catch {
                try await blobs.close()
                throw error
            }
        }
    }

    static func line(_ finding: Verifier.Finding) -> String {
        switch finding {
        case .lost(let address, let reason, let wasDropped): "lost: \(address): \(reason)\(wasDropped ? " (row removed)" : "")"
        case .damaged(let address, let reason): "damaged: \(address): \(reason)"
        case .unlocated(let address): "unlocated: \(address): nobody knows where its bytes are"
        case .orphan(let key, let wasRemoved): "orphan: \(key)\(wasRemoved ? " (removed)" : "")"
        case .leftovers(let count): "leftovers: \(count) (removed)"
        }
    }
}
