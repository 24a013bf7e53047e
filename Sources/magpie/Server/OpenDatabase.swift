// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import MediaCore
import PostgresMetadata

/// The database of a server or command: an external one, or the private one of the data directory.
struct OpenDatabase: Sendable {
    let metadata: PostgresMetadataStore
    /// Nil for an external database, and beside a running server.
    let postgres: EmbeddedPostgres?
    /// Whether another process may be using it now.
    let isShared: Bool

    /// Starts the private PostgreSQL where that is the one; connects to nothing yet.
    ///
    /// - Parameter joins: use the private PostgreSQL of a running server. A server must not: it would end with the other one.
    static func open(
        _ configuration: ServerConfiguration, _ secrets: Secrets, joins: Bool, logger: Logger
    ) async throws -> OpenDatabase {
        if let url = configuration.databaseURL {
            return OpenDatabase(
                metadata: try store(at: url, configuration, secrets, isOurs: false, isShared: true, logger), postgres: nil,
                isShared: true)
        }
        if joins, let running = try await EmbeddedPostgres.connectionString(ofServerIn: configuration.dataDirectory) {
            return OpenDatabase(
                metadata: try store(at: running, configuration, secrets, isOurs: true, isShared: true, logger), postgres: nil,
                isShared: true)
        }
        let postgres = try await EmbeddedPostgres.start(
            EmbeddedPostgresConfiguration(
                dataDirectory: configuration.dataDirectory, durability: configuration.durability == .fsync ? .fsync : .none,
                poolSize: configuration.limits.databasePool),
            logger: logger)
        do {
            let metadata = try store(
                at: postgres.connectionString, configuration, secrets, isOurs: true, isShared: false, logger)
            return OpenDatabase(metadata: metadata, postgres: postgres, isShared: false)
        } catch {
            await postgres.stop()
            throw error
        }
    }

    /// Opens the database for a command, and closes it again.
    static func with<Value: Sendable>(
        _ configuration: ServerConfiguration, _ secrets: Secrets, logger: Logger, _ body: (OpenDatabase) async throws -> Value
    ) async throws -> Value {
        let database = try await open(configuration, secrets, joins: true, logger: logger)
        do {
            let value = try await body(database)
            await database.close()
            return value
        } catch {
            await database.close()
            throw error
        }
    }

    /// Whether there is a database: an external one is taken to be there.
    static func exists(_ configuration: ServerConfiguration) -> Bool {
        configuration.databaseURL != nil
            || FileManager.default.fileExists(atPath: configuration.dataDirectory + "/postgres/cluster")
    }

    /// Closes the connections, then stops the PostgreSQL that was started here.
    func close() async {
        await metadata.shutdown()
        await postgres?.stop()
    }

    private static func store(
        at connectionString: String, _ configuration: ServerConfiguration, _ secrets: Secrets, isOurs: Bool, isShared: Bool,
        _ logger: Logger
    ) throws -> PostgresMetadataStore {
        let claims = JSONWriter.object { writer in
            writer.field("role", configuration.serviceRole)
            writer.field("iss", "magpie")
        }
        let service = Principal(
            role: configuration.serviceRole, subject: nil, claims: JSONText(trusted: claims), token: secrets.serviceKey)
        var database = PostgresMetadataStore.Configuration(
            connectionString: connectionString, poolSize: configuration.limits.databasePool, service: service,
            announcesOwnWrites: isShared, ownsCluster: isOurs,
            recordsEvents: configuration.events != nil)
        database.acquireTimeout = configuration.limits.databaseWait
        return try PostgresMetadataStore(configuration: database, logger: logger)
    }
}
