// SPDX-License-Identifier: Apache-2.0

import BlobStores
import Foundation
import HTTPFrontends
import Logging
import MediaCore
import PostgresMetadata
import ServiceLifecycle

/// The composition root of a process that only runs jobs, beside the servers of the same database and store.
enum Worker {
    /// To be asked before anything is made: a worker makes no data directory, no secrets and no database.
    static func requireServer(_ configuration: ServerConfiguration) async throws {
        let directory = configuration.dataDirectory
        guard FileManager.default.fileExists(atPath: configuration.blobDirectory) else {
            throw ConfigurationError(
                "MAGPIE_DATA_DIR: there is no store in \(directory). A worker needs the server's data directory")
        }
        if configuration.databaseURL == nil, try await EmbeddedPostgres.connectionString(ofServerIn: directory) == nil {
            throw noServer(configuration)
        }
    }

    /// Returns after a graceful shutdown. - Throws: what kept a part from starting, or ended it.
    static func run(_ configuration: ServerConfiguration, _ secrets: Secrets, logger: Logger) async throws {
        let keys = try await Server.keyRing(configuration, secrets)
        let database = try await OpenDatabase.open(configuration, secrets, joins: true, logger: logger)
        do {
            // One that was started here is nobody's: it would keep the server from starting.
            guard database.postgres == nil else { throw noServer(configuration) }
            try await database.metadata.ping()
            try await BlobDirectory.with(configuration, secrets, of: database.metadata, create: false, logger: logger) {
                blobs in
                try await MediaEngines.with(configuration, keepsVariants: false, logger: logger) { engines in
                    let storage = Server.storage(
                        configuration.withoutCache, secrets, keys, database, blobs, engines, nil, logger)
                    try await Server.group(services(configuration, database, blobs, storage, logger), logger).run()
                }
            }
        } catch {
            await database.close()
            throw error
        }
        await database.close()
    }

    private static func services(
        _ configuration: ServerConfiguration, _ database: OpenDatabase, _ blobs: BlobDirectory, _ storage: Storage,
        _ logger: Logger
    ) -> [any Service] {
        [
            database.metadata,
            BackgroundTask("watch", logger: logger) {
                // A server with a database of its own does not announce what it writes, so nothing is kept in memory here: the caches
                // are never told that they would hear of changes.
                try await database.metadata.watch { change in
                    if change == .jobs || change == .tracking { storage.jobs.wake.signal() }
                    blobs.apply(change)
                }
            },
            BackgroundTask("storage of projects", logger: logger) { await blobs.own.run() },
            JobService.draining(configuration, database, storage, logger: logger),
        ]
    }

    private static func noServer(_ configuration: ServerConfiguration) -> ConfigurationError {
        ConfigurationError(
            "MAGPIE_DATA_DIR: no server runs in \(configuration.dataDirectory). A worker uses the database of a running server on this "
                + "machine, or the one that MAGPIE_DATABASE_URL names")
    }
}

extension ServerConfiguration {
    /// For processes that nobody tells what others change.
    var withoutCache: ServerConfiguration {
        var copy = self
        copy.limits.cache = 0
        return copy
    }
}
