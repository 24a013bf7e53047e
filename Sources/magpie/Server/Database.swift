// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import MediaCore
import PostgresMetadata

/// The database in use: an external one, the private one, or the private one of a server that runs already.
struct Database: Sendable {
    /// On whose behalf it is opened.
    enum Use: Sendable {
        /// The server itself.
        case serving
        /// A command that may run beside the server, and starts the private PostgreSQL for its time when no server runs.
        case beside
    }

    let store: PostgresMetadataStore
    /// The private PostgreSQL, when this process runs it.
    let postgres: EmbeddedPostgres?
    /// Whether other processes may be writing to it.
    var isShared: Bool { postgres == nil }

    /// - Throws: `EmbeddedPostgresError`; `StorageError` for a connection string that can't be understood.
    static func open(
        _ configuration: ServerConfiguration, keys: ServerKeys, for use: Use, logger: Logger
    ) async throws -> Database {
        if let url = configuration.database.url {
            return Database(store: try makeStore(configuration, keys, url, announces: true, owns: false, logger), postgres: nil)
        }
        if use == .beside, let running = try await EmbeddedPostgres.connectionString(ofServerIn: configuration.dataDirectory) {
            return Database(store: try makeStore(configuration, keys, running, announces: true, owns: true, logger), postgres: nil)
        }
        let postgres = try await EmbeddedPostgres.start(embedded(configuration), logger: logger)
        do {
            let store = try makeStore(
                configuration, keys, postgres.connectionString, announces: false, owns: true, logger)
            return Database(store: store, postgres: postgres)
        } catch {
            await postgres.stop()
            throw error
        }
    }

    /// For the time of `body`. - Throws: what `open` and `body` throw.
    static func withOpen<Value>(
        _ configuration: ServerConfiguration, keys: ServerKeys, logger: Logger, _ body: (Database) async throws -> Value
    ) async throws -> Value {
        let database = try await open(configuration, keys: keys, for: .beside, logger: logger)
        let result: Value
        do {
            result = try await body(database)
        } catch {
            await database.close()
            throw error
        }
        await database.close()
        return result
    }

    /// Whether there is anything in the database to look at.
    static func exists(_ configuration: ServerConfiguration) async throws -> Bool {
        if configuration.database.url != nil { return true }
        let path = configuration.dataDirectory + "/postgres/cluster"
        return try await BlockingWork.run { FileManager.default.fileExists(atPath: path) }
    }

    /// Closes the connections, then stops what this process started.
    func close() async {
        await store.shutdown()
        await postgres?.stop()
    }

    private static func makeStore(
        _ configuration: ServerConfiguration, _ keys: ServerKeys, _ connectionString: String, announces: Bool, owns: Bool,
        _ logger: Logger
    ) throws -> PostgresMetadataStore {
        try PostgresMetadataStore(
            configuration: PostgresMetadataStore.Configuration(
                connectionString: connectionString, poolSize: configuration.database.poolSize,
                service: keys.servicePrincipal(role: configuration.roles.service), announcesOwnWrites: announces, ownsCluster: owns),
            logger: logger)
    }

    private static func embedded(_ configuration: ServerConfiguration) -> EmbeddedPostgresConfiguration {
        var embedded = EmbeddedPostgresConfiguration(
            dataDirectory: configuration.dataDirectory, durability: configuration.durability == .fsync ? .fsync : .none)
        if let pool = configuration.database.poolSize {
            // Some for LISTEN, for commands beside the server, and for whoever looks into it.
            embedded.maxConnections = max(embedded.maxConnections, pool + 20)
        }
        return embedded
    }
}
