// SPDX-License-Identifier: Apache-2.0

import BlobStores
import EventSinks
import HTTPFrontends
import Logging
import MediaCore
import NIOCore
import PostgresMetadata
import ServiceLifecycle
import UnixSignals

/// The composition root: builds every part from the configuration and runs them until the server is asked to stop.
enum Server {
    /// Returns after a graceful shutdown. - Throws: what kept a part from starting, or ended it.
    static func run(
        _ configuration: ServerConfiguration, _ secrets: Secrets, sink: LogSink, registry: PrometheusRegistry, logger: Logger
    ) async throws {
        let keys = try await keyRing(configuration, secrets)
        let database = try await OpenDatabase.open(configuration, secrets, joins: false, logger: logger)
        do {
            let isFirstStart = try await database.metadata.migrator.migrate().isFirst
            // A first start that was cut short left an empty database and perhaps no store.
            let isEmpty = try await database.metadata.objects(after: nil, limit: 1).isEmpty
            let mayCreate = isFirstStart || isEmpty
            try await BlobDirectory.with(configuration, secrets, of: database.metadata, create: mayCreate, logger: logger) {
                blobs in
                try await MediaEngines.with(configuration, logger: logger) { engines in
                    let unboundRole = try await unboundRole(configuration, database)
                    let storage = storage(configuration, secrets, keys, database, blobs, engines, unboundRole, logger)
                    try await storage.projects.createDefault(
                        publishableKey: secrets.publishableKey, secretKey: secrets.secretKey)
                    let services = try services(
                        configuration, secrets, database, blobs, engines, storage, sink: sink, registry: registry, logger: logger)
                    try await group(services, logger).run()
                }
            }
        } catch {
            await database.close()
            throw error
        }
        await database.close()
    }

    /// Before anything is started: a key set that can't be used is a setting to be corrected.
    static func keyRing(_ configuration: ServerConfiguration, _ secrets: Secrets) async throws -> KeyRing {
        do {
            return try await KeyRing(
                secret: secrets.jwtSecret, algorithm: configuration.jwtAlgorithm, jwks: configuration.jwks)
        } catch let error as StorageError {
            throw ConfigurationError("\(configuration.jwks == nil ? "MAGPIE_JWT_SECRET" : "MAGPIE_JWT_JWKS"): \(error.message)")
        }
    }

    /// The service, where it reads all there is and what it reads may be kept: in a database of this server's own. Elsewhere another
    /// server may write, and a read must see what was acknowledged before it, wherever that was.
    private static func unboundRole(_ configuration: ServerConfiguration, _ database: OpenDatabase) async throws -> String? {
        guard configuration.databaseURL == nil, try await database.metadata.readsEverything(as: configuration.serviceRole) else {
            return nil
        }
        return configuration.serviceRole
    }

    static func storage(
        _ configuration: ServerConfiguration, _ secrets: Secrets, _ keys: KeyRing, _ database: OpenDatabase,
        _ blobs: BlobDirectory, _ engines: MediaEngines, _ unboundRole: String?, _ logger: Logger
    ) -> Storage {
        let limits = configuration.limits
        return Storage(
            configuration: Storage.Configuration(
                uploadLimits: UploadLimits(maxObjectBytes: limits.upload, maxObjectsToEmpty: limits.objectsToEmpty),
                uploads: Uploads.Configuration(lifetime: max(1, limits.uploadExpiry.components.seconds)),
                assets: configuration.assets, variants: configuration.images?.variants ?? Variants.Configuration(),
                signedUploadLifetime: limits.signedUploadExpiry.components.seconds, cacheCapacity: limits.cache,
                cachedBodyLimit: limits.cachedObject, anonymousRole: configuration.anonymousRole,
                serviceRole: configuration.serviceRole, unboundRole: unboundRole,
                uploadsPerMinute: limits.uploadsPerMinute, uploadQueue: limits.uploadQueue,
                accounts: configuration.accounts.configuration, migrations: configuration.migrations,
                files: configuration.files,
                accessKeys: secrets.accessKeys(configuration, service: database.metadata.service)),
            keys: keys, metadata: database.metadata, blobs: blobs.registry, backends: blobs.opener,
            processor: engines.images?.processor,
            converter: engines.converter, variants: engines.images?.store,
            logger: logger)
    }

    /// In the order in which they start; they stop in the reverse order, so each can use those before it to the end.
    private static func services(
        _ configuration: ServerConfiguration, _ secrets: Secrets, _ database: OpenDatabase, _ blobs: BlobDirectory,
        _ engines: MediaEngines, _ storage: Storage, sink: LogSink, registry: PrometheusRegistry, logger: Logger
    ) throws -> [any Service] {
        let upkeep = Upkeep(
            metadata: database.metadata, blobs: blobs.registry, variants: engines.images?.store, files: storage.files,
            signal: storage.reaper,
            schedule: Upkeep.Schedule(
                expiryInterval: min(.seconds(60), configuration.limits.uploadExpiry),
                sweepInterval: configuration.limits.sweepInterval,
                orphanAge: configuration.limits.orphanAge.components.seconds),
            logger: logger)
        var services: [any Service] = []
        if let postgres = database.postgres { services.append(postgres) }
        services.append(database.metadata)
        services.append(
            BackgroundTask("watch", logger: logger) {
                try await database.metadata.watch { change in
                    storage.apply(change)
                    blobs.apply(change)
                }
            })
        services.append(BackgroundTask("storage of projects", logger: logger) { await blobs.own.run() })
        services.append(BackgroundTask("upkeep", logger: logger) { await upkeep.run() })
        let usage = UsageRecorder(storage: storage, metadata: database.metadata, logger: logger)
        services.append(BackgroundTask("usage", logger: logger) { await usage.run() })
        let lifecycle = Lifecycle(
            storage: storage, metadata: database.metadata, service: database.metadata.service, uploads: storage.uploads,
            day: LifecycleDay(configuration.limits.lifecycleDay),
            longestUpload: configuration.limits.multipartExpiry?.components.seconds, logger: logger)
        services.append(BackgroundTask("lifecycle", logger: logger) { await lifecycle.run() })
        if let events = configuration.events {
            services.append(
                EventDelivery(
                    webhook: Webhook.Configuration(
                        url: events.url, apiKey: events.apiKey, secret: events.secret, region: secrets.s3Region,
                        host: configuration.urlHost, connectTimeout: min(.seconds(2), events.timeout), timeout: events.timeout),
                    outbox: database.metadata, signal: storage.events, muting: events.muting, retry: events.retry,
                    logger: logger))
        }
        let publications = blobs.publisher.map { publisher in
            Publications(
                bucket: configuration.compute.bucket, publisher: publisher, metadata: database.metadata, blobs: blobs.registry,
                service: database.metadata.service)
        }
        if let publications {
            let interval = min(configuration.limits.sweepInterval, .seconds(900))
            storage.cache.follow { publications.note($0) }
            services.append(
                BackgroundTask("publication", logger: logger) { await publications.run(every: interval, logger: logger) })
        }
        let http = try HTTPServer.make(
            configuration, secrets, storage, service: database.metadata.service, publications: publications, sink: sink,
            registry: registry, logger: logger)
        if configuration.jobs.workers > 0 {
            services.append(JobService.draining(configuration, database, storage, logger: logger))
        }
        services.append(Draining(service: http, work: "requests", limit: configuration.limits.shutdownTimeout, logger: logger))
        return services
    }

    /// A part that ends, for whatever reason, takes the others with it, each in its turn.
    static func group(_ services: [any Service], _ logger: Logger) -> ServiceGroup {
        ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services.map {
                    ServiceGroupConfiguration.ServiceConfiguration(
                        service: $0, successTerminationBehavior: .gracefullyShutdownGroup,
                        failureTerminationBehavior: .gracefullyShutdownGroup)
                },
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
    }
}
