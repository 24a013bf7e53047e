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

    /// A text that changes with any function, column, index, policy or row of the schema; triggers of ours aside.
    static let fingerprint = """
        SELECT md5(string_agg(line, E'\\n' ORDER BY line)) FROM (
            SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'storage'::regnamespace
            UNION ALL SELECT attrelid::regclass || '.' || attname || attnum || atttypid FROM pg_attribute
                WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'storage'::regnamespace)
            UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'storage'
            UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger
                WHERE tgrelid IN ('storage.objects'::regclass, 'storage.buckets'::regclass) AND NOT starts_with(tgname, 'magpie_')
                    AND tgconstraint NOT IN (SELECT oid FROM pg_constraint WHERE connamespace = 'magpie'::regnamespace)
            UNION ALL SELECT policyname || qual FROM pg_policies
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
