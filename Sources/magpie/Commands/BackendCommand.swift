// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BlobStores
import Foundation
import Logging
import MediaCore
import PostgresMetadata

/// Configures, shows and tries projects' own storage.
struct BackendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backend", abstract: "Configures, shows and tries the storage that projects bring along.",
        discussion: "Works while the server runs. Secrets are read from standard input, never from the command line.",
        subcommands: [List.self, Check.self, S3.self, Azure.self, GCS.self, Remove.self, Migrate.self, Direct.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists projects' own stores, and what is in them.")

        @OptionGroup var common: CommonOptions

        @Argument(help: "A project; all, when not given.")
        var project: String?

        @Flag(help: "As one JSON array.")
        var json = false

        func run() async throws {
            let project = try project.map { name throws in try BucketID(existing: name) }
            let stores = try await common.withMetadata { try await $0.backends(of: project) }
            guard !json else {
                var writer = JSONWriter()
                writer.array(stores) { writer, store in writer.object { $0.fields(of: store) } }
                return print(writer.text)
            }
            for store in stores { print(store.line) }
        }
    }

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Writes, reads and deletes a small file in a project's own store.")

        @OptionGroup var common: CommonOptions

        @Argument(help: "The project.")
        var project: String

        func run() async throws {
            let trial = try await common.withBackends { backends, caller in
                try await backends.health(of: BucketID(existing: project), as: caller).trial
            }
            try BackendCommand.report(trial)
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Has new originals of a project go to the server's own storage. Those in the project's store stay there.")

        @OptionGroup var common: CommonOptions

        @Argument(help: "The project.")
        var project: String

        @Flag(help: "Forget the credentials: what is in the project's store is out of reach until it is configured again.")
        var forget = false

        func run() async throws {
            let hadOne = try await common.withBackends { backends, caller in
                try await backends.remove(of: BucketID(existing: project), forgetsCredentials: forget, as: caller)
            }
            print(
                hadOne ? "New originals of \(project) go to the server's own storage." : "\(project) had no storage of its own.")
        }
    }

    static func report(_ trial: BackendTrial) throws {
        guard let failure = trial.failure else { return print("ok  \(trial.milliseconds) ms") }
        throw ConfigurationError("the storage can't be used (\(failure.stage.rawValue)): \(failure.message)")
    }
}

extension CommonOptions {
    func withMetadata<Value: Sendable>(
        _ body: (PostgresMetadataStore) async throws -> Value
    ) async throws -> Value {
        let configuration = try await configuration()
        let secrets = try await Secrets.load(configuration)
        return try await OpenDatabase.with(configuration, secrets, logger: .forCommand()) { database in
            try await database.metadata.migrator.migrate()
            return try await body(database.metadata)
        }
    }

    /// With projects' own stores, as the service.
    func withBackends<Value: Sendable>(_ body: (Backends, Caller) async throws -> Value) async throws -> Value {
        let configuration = try await configuration()
        let secrets = try await Secrets.load(configuration)
        return try await OpenDatabase.with(configuration, secrets, logger: .forCommand()) { database in
            try await database.metadata.migrator.migrate()
            let backends = Backends(
                metadata: database.metadata, opener: OwnBackendOpener(policy: configuration.ownStorage),
                masterKey: secrets.masterKeyBytes, logger: .forCommand())
            return try await body(
                backends, Caller(principal: database.metadata.service, facts: RequestFacts(operation: .upkeep)))
        }
    }
}

extension JSONWriter {
    fileprivate mutating func fields(of store: BackendContents) {
        let backend = store.backend
        field("id", backend.id.rawValue)
        field("project", backend.project?.rawValue)
        field("kind", backend.place.kind.rawValue)
        field("endpoint", backend.place.endpoint)
        field("container", backend.place.container)
        field("pathPrefix", backend.place.pathPrefix)
        field("isCurrent", store.isCurrent)
        field("hasCredentials", backend.sealedCredentials != nil)
        field("blobs", store.blobs)
        field("bytes", store.bytes)
        field("deletions", store.deletions)
        field("configuredAt", backend.configuredAt)
        field("checkedAt", backend.health?.checkedAt)
        field("failure", backend.health?.failure)
    }
}

extension BackendContents {
    /// For a list in a terminal.
    fileprivate var line: String {
        let state = isCurrent ? "current" : backend.sealedCredentials == nil ? "forgotten" : "former"
        let health = backend.health.map { $0.failure ?? "ok" } ?? "unknown"
        return "\(backend.id)  \(backend.project?.rawValue ?? "-")  \(state)  \(backend.place.identity)  \(blobs) blobs, "
            + "\(bytes) bytes, \(deletions) to be deleted  \(health)"
    }
}
