// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Testing

@testable import PostgresMetadata

/// The outbox and who may look into it, and what plain SQL does.
@Suite struct EventRightsTests {
    private static let photos = "INSERT INTO storage.buckets (id, name) VALUES ('photos', 'photos');"

    private func migrated() async throws -> PostgresMetadataStore {
        let store = try await TestStore.make(on: TestCluster.shared.makeDatabase(), recordsEvents: true)
        try await store.migrator.migrate()
        try await store.administrator.execute(script: Self.photos)
        return store
    }

    @Test(arguments: ["anon", "authenticated"])
    func whoPoliciesBindHasNoRightToTheOutbox(_ role: String) async throws {
        let store = try await migrated()
        for statement in [
            "SELECT FROM magpie.events", "DELETE FROM magpie.events", "UPDATE magpie.events SET attempts = 0",
            "INSERT INTO magpie.events (type, bucket_id, name) VALUES ('ObjectCreated:Post', 'b', 'k')",
            "SELECT magpie.record_event('ObjectCreated:Post', NULL, NULL)",
        ] {
            let error = await #expect(throws: PostgresError.self) {
                try await store.administrator.execute(script: "BEGIN; SET LOCAL ROLE \(role); \(statement); COMMIT;")
            }
            #expect(error?.sqlState == .insufficientPrivilege)
        }
        await store.shutdown()
    }

    @Test func plainSQLIsToldOnlyWhereTheSettingIsOn() async throws {
        let store = try await migrated()
        try await store.administrator.execute(
            script: "INSERT INTO storage.objects (bucket_id, name) VALUES ('photos', 'untold')")
        try await store.administrator.execute(
            script: """
                BEGIN;
                SET LOCAL magpie.events = 'on';
                INSERT INTO storage.objects (bucket_id, name) VALUES ('photos', 'told');
                UPDATE storage.objects SET last_accessed_at = now(), owner_id = 'somebody' WHERE name = 'told';
                UPDATE storage.objects SET user_metadata = '{"a": 1}' WHERE name = 'told';
                COMMIT;
                """)

        let events = try await store.takeEvents(limit: 9, lease: 600)

        #expect(events.map(\.address.key.rawValue) == ["told", "told"])
        #expect(events.map(\.type) == [.createdByPost, .updatedMetadata])
        #expect(events.allSatisfy { $0.uploadType == nil && $0.requestID == nil && $0.version == nil })
        await store.shutdown()
    }

    @Test func whatAUsersTriggerDoesIsToldAfterWhatItFollowed() async throws {
        let store = try await migrated()
        try await store.administrator.execute(
            script: """
                CREATE FUNCTION public.renames() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    UPDATE storage.objects SET name = 'sorted/' || NEW.name WHERE id = NEW.id;
                    RETURN NULL;
                END
                $$;
                CREATE TRIGGER a_first_name AFTER INSERT ON storage.objects FOR EACH ROW EXECUTE FUNCTION public.renames();
                BEGIN;
                SET LOCAL magpie.events = 'on';
                INSERT INTO storage.objects (bucket_id, name) VALUES ('photos', 'a');
                COMMIT;
                """)

        let events = try await store.takeEvents(limit: 9, lease: 600)

        #expect(events.map(\.type) == [.createdByPost, .removedByMove, .createdByMove])
        #expect(events.map(\.address.key.rawValue) == ["a", "a", "sorted/a"])
        await store.shutdown()
    }
}
