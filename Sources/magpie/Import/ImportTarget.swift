// SPDX-License-Identifier: Apache-2.0

import Logging
import MediaCore
import PostgresMetadata

/// The storage of this server, opened by a command: beside the running server or alone.
struct ImportTarget: Sendable {
    let storage: Storage
    /// The service.
    let caller: Caller

    /// - Parameter looks: whether media is looked at, and so whether what does that is opened.
    static func with<Value: Sendable>(
        _ common: CommonOptions, looks: Bool, _ body: (ImportTarget) async throws -> Value
    ) async throws -> Value {
        let configuration = try await common.configuration()
        let secrets = try await Secrets.load(configuration)
        let logger = Logger.forCommand()
        let keys = try await Server.keyRing(configuration, secrets)
        return try await OpenDatabase.with(configuration, secrets, logger: logger) { database in
            let isFirst = try await database.metadata.migrator.migrate().isFirst
            let isEmpty = try await database.metadata.objects(after: nil, limit: 1).isEmpty
            return try await BlobDirectory.with(
                configuration, secrets, of: database.metadata, create: isFirst || isEmpty, logger: logger
            ) { blobs in
                func run(_ engines: MediaEngines) async throws -> Value {
                    let storage = Server.storage(
                        configuration.withoutCache, secrets, keys, database, blobs, engines, nil, logger)
                    let caller = Caller(
                        principal: database.metadata.service, facts: RequestFacts(operation: Operation("magpie.import")))
                    return try await body(ImportTarget(storage: storage, caller: caller))
                }
                guard looks else { return try await run(MediaEngines(images: nil, converter: nil)) }
                return try await MediaEngines.with(configuration, keepsVariants: false, logger: logger) { try await run($0) }
            }
        }
    }
}
