// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Testing

@testable import PostgresMetadata

extension TestStore {
    /// A store on a fresh database of this version.
    static func migrated(announcesOwnWrites: Bool = false) async throws -> PostgresMetadataStore {
        let store = try make(on: await TestCluster.shared.makeDatabase(), announcesOwnWrites: announcesOwnWrites)
        try await store.migrator.migrate()
        return store
    }

    /// Runs `body` with a store on an empty database, which `body` migrates.
    static func onEmptyDatabase(_ body: (PostgresMetadataStore, String) async throws -> Void) async throws {
        let database = try await TestCluster.shared.makeDatabase()
        let store = try make(on: database, ownsCluster: false)
        let result: Result<Void, any Error>
        do { result = .success(try await body(store, database)) } catch { result = .failure(error) }
        await store.shutdown()
        try result.get()
    }
}

extension PostgresMetadataStore {
    /// The first column of the rows of a query.
    func column(_ text: String) async throws -> [String] {
        try await administrator.transaction([.run(SQL("test_\(text)", text))], ending: .rollback)[0].rows.map { try $0.string(0) }
    }
}

/// The failure of a migration that `body` throws; nil when it succeeds.
private func migrationFailure(_ body: () async throws -> Migrator.Outcome) async throws -> Migrator.Failure? {
    do {
        _ = try await body()
        return nil
    } catch let failure as Migrator.Failure {
        return failure
    }
}

@Suite(.serialized) struct MigrationTests {
    @Test func theFilesAreNumberedInTheirOrder() {
        let numbers = Migration.all.map(\.number)
        #expect(numbers == Set(numbers).sorted() && numbers.first == 1)
        #expect(Set(Migration.all.map(\.name)).count == Migration.all.count && Migration.all.allSatisfy { !$0.script.isEmpty })
    }

    @Test func anEmptyDatabaseGetsEverythingOnce() async throws {
        try await TestStore.onEmptyDatabase { store, _ in
            let first = try await store.migrator.migrate()
            let second = try await store.migrator.migrate()

            #expect(first.applied == ["bookkeeping"] + Migration.all.map(\.name) && !first.isAdopted && first.isFirst)
            #expect(second.applied.isEmpty && !second.isFirst)
            try await store.ping()
        }
    }

    @Test func anUnmigratedDatabaseDoesNotAnswerPings() async throws {
        try await TestStore.onEmptyDatabase { store, _ in
            #expect(await failure { try await store.ping() } != nil)
        }
    }

    @Test func aScriptCanBeRunAgain() async throws {
        try await TestStore.onEmptyDatabase { store, _ in
            try await store.migrator.migrate()
            try await store.administrator.execute(
                script:
                    "INSERT INTO storage.buckets (id, name) VALUES ('kept', 'kept'); DELETE FROM magpie.migrations WHERE number > 0"
            )

            let again = try await store.migrator.migrate()

            #expect(again.applied == Migration.all.map(\.name))
            #expect(try await store.column("SELECT id FROM storage.buckets") == ["kept"])
        }
    }

    @Test func serversThatStartTogetherApplyEachMigrationOnce() async throws {
        try await TestStore.onEmptyDatabase { store, database in
            let others = try (0..<3).map { _ in try TestStore.make(on: database, ownsCluster: false) }

            let applied = try await withThrowingTaskGroup(of: [String].self) { group in
                for server in [store] + others { group.addTask { try await server.migrator.migrate().applied } }
                return try await group.reduce(into: [String]()) { $0 += $1 }
            }

            for other in others { await other.shutdown() }
            // Bookkeeping is a decision that each may write down; it is the same for all of them.
            #expect(applied.filter { $0 != "bookkeeping" }.sorted() == Migration.all.map(\.name).sorted())
            try await store.ping()
        }
    }

    @Test func theSchemaIsTheOneThatSupabaseKnows() async throws {
        try await TestStore.onEmptyDatabase { store, _ in
            try await store.migrator.migrate()

            let tables = try await store.column(
                "SELECT relname FROM pg_class WHERE relnamespace = 'storage'::regnamespace AND relkind = 'r' AND relrowsecurity ORDER BY 1"
            )
            #expect(
                tables == [
                    "buckets", "buckets_analytics", "buckets_vectors", "iceberg_namespaces", "iceberg_tables", "migrations",
                    "objects",
                    "s3_multipart_uploads", "s3_multipart_uploads_parts", "vector_indexes",
                ])
            let columns = try await store.column(
                """
                SELECT attname || ' ' || format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN '!' ELSE '' END
                FROM pg_attribute WHERE attrelid = 'storage.objects'::regclass AND attnum > 0 ORDER BY 1
                """)
            #expect(
                columns == [
                    "archived_at timestamp with time zone", "bucket_id text", "created_at timestamp with time zone", "id uuid!",
                    "is_delete_marker boolean!", "is_versioned boolean!", "last_accessed_at timestamp with time zone",
                    "metadata jsonb",
                    "name text", "owner uuid", "owner_id text", "path_tokens text[]", "updated_at timestamp with time zone",
                    "user_metadata jsonb", "version text",
                ])
            let indexes = try await store.column(
                "SELECT indexname FROM pg_indexes WHERE schemaname = 'storage' AND tablename = 'objects' ORDER BY 1")
            #expect(
                indexes == [
                    "bucketid_objname", "idx_objects_bucket_id_name", "idx_objects_bucket_id_name_lower",
                    "magpie_objects_version", "name_prefix_search", "objects_pkey",
                ])
        }
    }

    @Test func theRolesHaveTheirRights() async throws {
        try await TestStore.onEmptyDatabase { store, _ in
            try await store.migrator.migrate()

            for role in ["anon", "authenticated", "service_role"] {
                let rights = try await store.column(
                    """
                    SELECT (has_table_privilege('\(role)', 'storage.objects', 'INSERT, UPDATE, DELETE, SELECT')
                        AND has_table_privilege('\(role)', 'storage.buckets', 'INSERT')
                        AND has_table_privilege('\(role)', 'storage.s3_multipart_uploads', 'SELECT')
                        AND has_function_privilege('\(role)', 'storage.search(text, text, int, int, int, text, text, text)', 'EXECUTE'))::text
                    """)
                let writesUploads = try await store.column(
                    "SELECT has_table_privilege('\(role)', 'storage.s3_multipart_uploads', 'INSERT')::text")
                #expect(rights == ["true"] && writesUploads == [role == "service_role" ? "true" : "false"])
            }
        }
    }

    @Test func whatExistsInSchemaAuthStays() async throws {
        try await TestStore.onEmptyDatabase { store, _ in
            try await store.administrator.execute(
                script: """
                    CREATE SCHEMA auth;
                    CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql AS 'SELECT ''00000000-0000-0000-0000-000000000007''::uuid';
                    """)

            try await store.migrator.migrate()

            #expect(try await store.column("SELECT auth.uid()") == ["00000000-0000-0000-0000-000000000007"])
            #expect(try await store.column("SELECT coalesce(auth.role(), 'none')") == ["none"])
        }
    }

    @Test func aDatabaseInAnotherEncodingIsRefused() async throws {
        try await TestStore.onEmptyDatabase { store, database in
            try await store.administrator.execute(
                script: "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
            let latin = try TestStore.make(on: database.replacing(#/dbname=\w+/#, with: "dbname=latin"), ownsCluster: false)

            let error = try await migrationFailure { try await latin.migrator.migrate() }

            await latin.shutdown()
            #expect(error?.message.contains("UTF8") == true)
        }
    }
}
