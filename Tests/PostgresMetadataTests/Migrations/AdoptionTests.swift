// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Testing

@testable import PostgresMetadata

/// A database as a Supabase Storage server leaves it: the schema with its own functions and the history of its migrations.
private enum SupabaseDatabase {
    static func make(in store: PostgresMetadataStore, at migration: Int) async throws {
        let shape = Migration.all.filter { $0.name == "roles" || $0.name.hasPrefix("storage_") || $0.name == "magpie_listing" }
        // Our own shape is the same one; what is foreign about it is the marks below.
        try await store.administrator.execute(
            script: "CREATE SCHEMA magpie;\n" + shape.map(\.script).joined(separator: "\n")
                + """

                CREATE OR REPLACE FUNCTION storage.filename(name text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ''foreign''';
                INSERT INTO storage.migrations (id, name, hash)
                SELECT i, 'migration-' || i, md5(i::text) FROM generate_series(0, \(migration)) AS i;
                INSERT INTO storage.buckets (id, name, public) VALUES ('photos', 'photos', true);
                INSERT INTO storage.objects (bucket_id, name, version, metadata)
                VALUES ('photos', 'old.png', NULL, '{"size": "12"}'), ('photos', 'new.png', 'v1', '{"size": 12}');
                CREATE POLICY theirs ON storage.objects FOR SELECT TO authenticated USING (name = 'new.png');
                """)
    }

    /// A text that changes with any function, column, index, policy or row of the schema; triggers, indexes and policies of ours aside.
    static let fingerprint = """
        SELECT md5(string_agg(line, E'\\n' ORDER BY line)) FROM (
            SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'storage'::regnamespace
            UNION ALL SELECT attrelid::regclass || '.' || attname || attnum || atttypid FROM pg_attribute
                WHERE attrelid IN (
                    SELECT oid FROM pg_class WHERE relnamespace = 'storage'::regnamespace AND NOT starts_with(relname, 'magpie_'))
            UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'storage' AND NOT starts_with(indexname, 'magpie_')
            UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger
                WHERE tgrelid IN ('storage.objects'::regclass, 'storage.buckets'::regclass) AND NOT tgisinternal
                    AND tgname !~ '^(00_)?magpie_'
            UNION ALL SELECT policyname || qual FROM pg_policies WHERE NOT starts_with(policyname, 'magpie_')
            UNION ALL SELECT m::text FROM storage.migrations AS m
            UNION ALL SELECT o::text FROM storage.objects AS o
            UNION ALL SELECT b::text FROM storage.buckets AS b
        ) AS t (line)
        """
}

@Suite(.serialized) struct AdoptionTests {
    @Test func nothingOfAnAdoptedSchemaIsTouched() async throws {
        try await TestStore.onEmptyDatabase { store, _ in
            try await SupabaseDatabase.make(in: store, at: 63)
            let before = try await store.column(SupabaseDatabase.fingerprint)

            let outcome = try await store.migrator.migrate()

            #expect(outcome.isAdopted)
            #expect(try await store.column(SupabaseDatabase.fingerprint) == before)
            #expect(try await store.column("SELECT storage.filename('x')") == ["foreign"])
            #expect(try await store.migrator.migrate().applied.isEmpty)
        }
    }

    @Test func anAdoptedDatabaseIsServed() async throws {
        try await TestStore.onEmptyDatabase { store, _ in
            try await SupabaseDatabase.make(in: store, at: 70)
            try await store.migrator.migrate()
            let fixture = StoreFixture(.postgres(store))

            let old = try await store.object(at: fixture.address("old.png"), access: .publicBucket(fixture.facts))
            let visible = try await store.visibleKeys(
                among: [ObjectKey(stored: "old.png"), ObjectKey(stored: "new.png")], in: old.bucket.id, as: fixture.alice)
            try await fixture.put("new.png")
            let entries = try await store.objects(matching: ListQuery(), in: old.bucket.id, as: fixture.alice).entries

            #expect(old.blob == nil && old.record.version == nil)
            #expect(visible == [ObjectKey(stored: "new.png")] && entries.map(\.name) == ["new.png"])
            #expect(try await store.takeBlobDeletions(limit: 9).isEmpty)
            try await store.ping()
        }
    }

    @Test(arguments: [false, true])
    func aDatabaseThatGrantsNothingByDefaultIsServed(_ isAdopted: Bool) async throws {
        try await TestStore.onEmptyDatabase { store, _ in
            try await store.administrator.execute(script: "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")
            if isAdopted { try await SupabaseDatabase.make(in: store, at: 63) }
            #expect(try await store.migrator.migrate().isAdopted == isAdopted)
            let fixture = StoreFixture(.postgres(store))
            try await fixture.allow([.select, .insert, .update, .delete], where: .ownerIsCaller)
            let bucket = try await fixture.makeBucket("hard")
            _ = try await store.updateBucket(bucket, changes: BucketChanges(isPublic: false), as: fixture.service)

            _ = try await store.checkPut(
                fixture.draft("a/b", in: "hard", owner: StoreFixture.alice), mode: .replace, as: fixture.alice)
            try await fixture.put(all: ["a/b", "a/b", "c"], in: "hard", owner: StoreFixture.alice)
            _ = try await store.moveObject(
                from: fixture.address("c", in: "hard"), to: fixture.address("d", in: "hard"), as: fixture.alice)
            let folder = try await store.folder(FolderQuery(prefix: ""), in: bucket, as: fixture.alice).map(\.name)
            let page = try await store.objects(matching: ListQuery(foldsFolders: true), in: bucket, as: fixture.alice)
            let read = try await store.visibleObject(at: fixture.address("d", in: "hard"), as: fixture.alice)
            _ = try await store.deleteObject(at: fixture.address("d", in: "hard"), as: fixture.alice)

            #expect(folder == ["a", "d"] && page.entries.map(\.name) == ["a/", "d"] && read.blob != nil)
            #expect(try await fixture.dueDeletions().count == 2)
            // Triggers run as whoever writes, by whatever role.
            try await store.administrator.execute(
                script: """
                    CREATE ROLE hard_writer;
                    GRANT USAGE ON SCHEMA storage TO hard_writer;
                    GRANT ALL ON storage.buckets TO hard_writer;
                    CREATE POLICY writes ON storage.buckets TO hard_writer USING (true);
                    SET ROLE hard_writer;
                    UPDATE storage.buckets SET public = true;
                    RESET ROLE;
                    DROP OWNED BY hard_writer;
                    DROP ROLE hard_writer;
                    """)
        }
    }

    @Test func noFunctionOfMagpieIsLeftToDefaults() async throws {
        try await TestStore.onEmptyDatabase { store, _ in
            try await store.administrator.execute(script: "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")
            try await store.migrator.migrate()

            let functions = "FROM pg_proc WHERE pronamespace = 'magpie'::regnamespace AND prorettype <> 'trigger'::regtype"
            let unusable = try await store.column(
                "SELECT proname \(functions) AND NOT has_function_privilege('service_role', oid, 'EXECUTE')")

            #expect(unusable.isEmpty)
        }
    }

    @Test func onlyTheServerMayAskForDeletions() async throws {
        let store = try await TestStore.migrated()

        let allowed = try await store.column(
            """
            SELECT rolname FROM pg_roles
            WHERE rolname IN ('anon', 'authenticated', 'service_role')
                AND has_function_privilege(oid, 'magpie.request_blob_deletions(text[])', 'EXECUTE')
            """)

        await store.shutdown()
        #expect(allowed == ["service_role"])
    }

    @Test(arguments: [0, 62])
    func anOlderSchemaIsRefusedAndLeftAlone(_ migration: Int) async throws {
        try await TestStore.onEmptyDatabase { store, _ in
            try await SupabaseDatabase.make(in: store, at: migration)
            let before = try await store.column(SupabaseDatabase.fingerprint)

            do {
                try await store.migrator.migrate()
                Issue.record("it must be refused")
            } catch let error as Migrator.Failure {
                #expect(
                    error.message
                        == "the schema \"storage\" of this database is at migration \(migration), Magpie needs 63 or later")
                #expect(error.hint != nil)
            }
            #expect(try await store.column(SupabaseDatabase.fingerprint) == before)
            #expect(try await store.column("SELECT coalesce(to_regclass('magpie.migrations')::text, 'none')") == ["none"])
        }
    }

    @Test func aSchemaWithoutAHistoryIsRefused() async throws {
        try await TestStore.onEmptyDatabase { store, _ in
            try await store.administrator.execute(script: "CREATE SCHEMA storage; CREATE TABLE storage.objects (id uuid)")

            await #expect(throws: Migrator.Failure.self) { try await store.migrator.migrate() }
        }
    }

    @Test func anEmptySchemaIsFilled() async throws {
        try await TestStore.onEmptyDatabase { store, _ in
            try await store.administrator.execute(script: "CREATE SCHEMA storage")

            #expect(try await store.migrator.migrate().isAdopted == false)
            try await store.ping()
        }
    }
}
