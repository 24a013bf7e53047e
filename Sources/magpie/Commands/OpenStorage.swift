// SPDX-License-Identifier: Apache-2.0

import Logging
import MediaCore
import PostgresMetadata

/// The storage of this server, opened by a command: beside the running server or alone.
struct OpenStorage: Sendable {
    let storage: Storage
    let metadata: PostgresMetadataStore
    /// The service.
    let caller: Caller

    /// - Parameters:
    ///   - operation: what policies are told is done.
    ///   - looks: whether media is looked at, and so whether what does that is opened.
    static func with<Value: Sendable>(
        _ common: CommonOptions, for operation: Operation, looks: Bool, _ body: (OpenStorage) async throws -> Value
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
                        principal: database.metadata.service, facts: RequestFacts(operation: operation))
                    return try await body(OpenStorage(storage: storage, metadata: database.metadata, caller: caller))
                }
                guard looks else { return try await run(.none) }
                return try await MediaEngines.with(configuration, keepsVariants: false, logger: logger) { try await run($0) }
            }
        }
    }
}
