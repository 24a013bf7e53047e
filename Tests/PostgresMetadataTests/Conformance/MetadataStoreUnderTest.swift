// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

/// The behaviours every metadata store has, run against each of them.
///
/// The tests share one database, which each of them finds empty; so they run one after the other.
@Suite(.serialized) enum MetadataStoreConformance {}

/// The implementations there are.
enum MetadataStoreUnderTest: String, CaseIterable, CustomTestStringConvertible, Sendable {
    case memory, postgres

    var testDescription: String { rawValue }

    /// Runs `body` with an empty store without policies.
    func withStore(_ body: (StoreFixture) async throws -> Void) async throws {
        switch self {
        case .memory: try await body(StoreFixture(.memory(InMemoryMetadataStore())))
        case .postgres:
            let store = try await ConformanceDatabase.shared.emptied()
            try await body(StoreFixture(.postgres(store)))
        }
    }

    /// Runs `body` with an empty store that writes down events.
    func withEvents(_ body: (StoreFixture) async throws -> Void) async throws {
        switch self {
        case .memory: try await body(StoreFixture(.memory(InMemoryMetadataStore(recordsEvents: true))))
        case .postgres:
            let store = try await ConformanceDatabase.shared.emptied(recordsEvents: true)
            try await body(StoreFixture(.postgres(store)))
        }
    }
}

/// The one database of the conformance tests.
actor ConformanceDatabase {
    static let shared = ConformanceDatabase()
    private var database: String?
    private var stores: [Bool: PostgresMetadataStore] = [:]

    func emptied(recordsEvents: Bool = false) async throws -> PostgresMetadataStore {
        if stores[recordsEvents] == nil { stores[recordsEvents] = try await makeStore(recordsEvents) }
        let store = try #require(stores[recordsEvents])
        try await store.administrator.execute(script: Self.reset)
        return store
    }

    private func makeStore(_ recordsEvents: Bool) async throws -> PostgresMetadataStore {
        if database == nil { database = try await TestCluster.shared.makeDatabase() }
        let store = try TestStore.make(on: try #require(database), recordsEvents: recordsEvents)
        try await store.migrator.migrate()
        return store
    }

    private static let reset = """
        TRUNCATE storage.objects, storage.buckets, storage.s3_multipart_uploads, storage.s3_multipart_uploads_parts,
            magpie.blobs, magpie.blob_deletions, magpie.object_versions, magpie.bucket_settings, magpie.s3_keys,
            magpie.upload_sessions, magpie.upload_parts, magpie.events, magpie.presets, magpie.watermarks, magpie.plugins,
            magpie.originals_signing, magpie.jobs, magpie.projects, magpie.api_keys, magpie.api_key_projects, magpie.usage,
            magpie.project_totals, magpie.assets, magpie.folders, magpie.accounts, magpie.account_sessions,
            magpie.spent_refresh_tokens, magpie.memberships, magpie.own_backends, magpie.bucket_backends, magpie.blob_intents,
            magpie.files, magpie.avatars, magpie.file_tickets, magpie.file_projects, magpie.file_totals;
        DO $$
        DECLARE
            p record;
        BEGIN
            FOR p IN
                SELECT * FROM pg_policies WHERE schemaname IN ('storage', 'magpie') AND NOT starts_with(policyname, 'magpie_')
            LOOP
                EXECUTE format('DROP POLICY %I ON %I.%I', p.policyname, p.schemaname, p.tablename);
            END LOOP;
        END
        $$;
        """
}

enum TestStore {
    static let service = Principal(
        role: "service_role", subject: nil, claims: JSONText(trusted: #"{"role":"service_role"}"#), token: "service-token")

    /// A store on a database that is perhaps not migrated yet.
    static func make(
        on connectionString: String, announcesOwnWrites: Bool = false, ownsCluster: Bool = true,
        recordsEvents: Bool = false
    ) throws -> PostgresMetadataStore {
        try PostgresMetadataStore(
            configuration: PostgresMetadataStore.Configuration(
                connectionString: connectionString, poolSize: 4, service: service, announcesOwnWrites: announcesOwnWrites,
                ownsCluster: ownsCluster, recordsEvents: recordsEvents),
            logger: TestLog.quiet)
    }
}

/// What a policy of a test looks at, in the words of both worlds.
enum PolicyPredicate: Sendable {
    case always
    case ownerIsCaller
    case keyStartsWith(String)
    case mimetypeStartsWith(String)
    case contentLengthAtMost(Int)
    case userMetadata(String, equals: String)

    var sql: String {
        switch self {
        case .always: "true"
        case .ownerIsCaller: "owner_id = (auth.jwt() ->> 'sub')"
        case .keyStartsWith(let prefix): "starts_with(name, '\(prefix)')"
        case .mimetypeStartsWith(let prefix): "metadata ->> 'mimetype' LIKE '\(prefix)%'"
        case .contentLengthAtMost(let limit): "(metadata ->> 'contentLength')::int <= \(limit)"
        case .userMetadata(let key, let value): "user_metadata ->> '\(key)' = '\(value)'"
        }
    }

    func allows(_ context: PolicyContext) -> Bool {
        switch self {
        case .always: true
        case .ownerIsCaller:
            (context.object?.ownerID ?? context.bucket?.owner) == context.caller.principal.subject
                && context.caller.principal.subject != nil
        case .keyStartsWith(let prefix): context.object?.address.key.rawValue.hasPrefix(prefix) ?? false
        case .mimetypeStartsWith(let prefix):
            ObjectMetadata(parsing: context.object?.metadata).mimetype?.hasPrefix(prefix) ?? false
        case .contentLengthAtMost(let limit):
            ObjectMetadata(parsing: context.object?.metadata).size.map { $0 <= limit } ?? false
        case .userMetadata(let key, let value):
            Self.member(key, of: context.object?.userMetadata) == value
        }
    }

    private static func member(_ key: String, of json: JSONText?) -> String? {
        guard let json, let members = try? JSONDecoder().decode([String: String].self, from: Data(json.rawValue.utf8)) else {
            return nil
        }
        return members[key]
    }
}
