// SPDX-License-Identifier: Apache-2.0

import HTTPFrontends
import Logging
import MediaCore
import Metrics
import PostgresMetadata
import ServiceLifecycle

/// The running server: everything long-lived, in the order in which it starts. It stops in the opposite order.
struct Server: Sendable {
    private let services: [(name: String, service: any Service)]
    private let blobs: Blobs
    private let logger: Logger

    /// Works until SIGTERM or SIGINT, or until a part fails.
    /// - Throws: what made a part fail: a port in use, a database that went away.
    func run() async throws {
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services.map { name, service in
                    // A part that ends takes the others with it, each in its turn.
                    ServiceGroupConfiguration.ServiceConfiguration(
                        service: service, successTerminationBehavior: .gracefullyShutdownGroup,
                        failureTerminationBehavior: .gracefullyShutdownGroup, serviceName: name)
                },
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        do {
            try await group.run()
        } catch {
            try await blobs.close()
            throw error
        }
        try await blobs.close()
    }
}

extension Server {
    /// Puts the server together: keys, database, blobs, core, front-ends.
    ///
    /// - Parameter ready: called with the port once requests are answered.
    /// - Throws: what is wrong, after stopping what was started.
    static func build(
        _ configuration: ServerConfiguration, _ observability: Observability, ready: @escaping @Sendable (Int) -> Void
    ) async throws -> Server {
        let logger = Logger(label: "magpie")
        try await DataDirectory(path: configuration.dataDirectory).prepare()
        let keys = try await ServerKeys.load(configuration)
        let keyRing = try await KeyRing(
            secret: keys.jwtSecret, algorithm: configuration.tokens.algorithm, jwks: configuration.tokens.jwks)
        warn(about: keys, keyRing, logger)
        let database = try await Database.open(configuration, keys: keys, for: .serving, logger: logger)
        do {
            let outcome = try await database.store.migrator.migrate()
            if !outcome.applied.isEmpty {
                logger.notice("migrated the database", metadata: ["migrations": "\(outcome.applied.joined(separator: ", "))"])
            }
            let blobs = try await Blobs.open(configuration, metadata: database.store, logger: logger)
            return try make(
                Parts(
                    configuration: configuration, observability: observability, keyRing: keyRing, database: database, blobs: blobs,
                    logger: logger), ready: ready)
        } catch {
            await database.close()
            throw error
        }
    }

    private struct Parts {
        let configuration: ServerConfiguration
        let observability: Observability
        let keyRing: KeyRing
        let database: Database
        let blobs: Blobs
        let logger: Logger
    }

    private static func make(_ parts: Parts, ready: @escaping @Sendable (Int) -> Void) throws -> Server {
        let configuration = parts.configuration
        let logger = parts.logger
        let metadata = parts.database.store
        let blobs = parts.blobs.registry
        let storage = Storage(
            configuration: Storage.Configuration(configuration), keys: parts.keyRing, metadata: metadata, blobs: blobs, logger: logger)
        let upkeep = Upkeep(
            metadata: metadata, blobs: blobs, signal: storage.reaper,
            schedule: Upkeep.Schedule(
                sweepInterval: configuration.upkeep.sweepInterval, orphanAge: configuration.upkeep.orphanAge.components.seconds),
            logger: logger)
        let application = try makeApplication(
            configuration, storage: storage, observability: parts.observability, checks: checks(metadata, configuration),
            ready: ready)
        var services: [(name: String, service: any Service)] = []
        if let postgres = parts.database.postgres { services.append(("postgres", postgres)) }
        services.append(("database", metadata))
        services.append(("changes", ChangeFollower(metadata: metadata, cache: storage.cache, logger: logger)))
        services.append(("upkeep", UpkeepService(upkeep: upkeep)))
        services.append(("http", Draining(service: application, limit: configuration.shutdownTimeout, logger: logger)))
        return Server(services: services, blobs: parts.blobs, logger: logger)
    }

    private static func checks(_ metadata: any MetadataStore, _ configuration: ServerConfiguration) -> [ReadinessCheck] {
        let directory = configuration.blobDirectory
        return [
            ReadinessCheck("database") { try await metadata.ping() },
            ReadinessCheck("blobs") {
                try await BlockingWork.run {
                    do {
                        try DataDirectory.probe(directory)
                    } catch {
                        throw StorageError(.backendUnavailable, "The blob store can't be written to", cause: error)
                    }
                }
            },
        ]
    }

    /// Says so when given API keys don't fit the secret: every client that uses them would be refused.
    private static func warn(about keys: ServerKeys, _ keyRing: KeyRing, _ logger: Logger) {
        for (setting, key) in [(Setting.anonKey, keys.anonKey), (.serviceKey, keys.serviceKey)] {
            do {
                _ = try keyRing.verify(key)
            } catch {
                logger.warning(
                    "an API key does not fit the JWT secret: clients with this key are refused",
                    metadata: ["setting": "\(setting.name)", "reason": "\(error.message)"])
            }
        }
    }
}

extension Storage.Configuration {
    fileprivate init(_ configuration: ServerConfiguration) {
        self.init(
            uploadLimits: UploadLimits(
                maxObjectBytes: configuration.limits.upload, maxObjectsToEmpty: configuration.limits.objectsToEmpty),
            signedUploadLifetime: configuration.tokens.signedUploadLifetime.components.seconds,
            cacheCapacity: configuration.cache.capacity, cachedBodyLimit: configuration.cache.objectLimit,
            anonymousRole: configuration.roles.anonymous, serviceRole: configuration.roles.service)
    }
}
