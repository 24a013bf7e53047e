// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// What SQL may do with the queue, and who may not.
    @Suite struct JobQueueInSQL {
        private static let rights = SQL(
            "test_job_rights",
            """
            SELECT count(*)
            FROM unnest(ARRAY['anon', 'authenticated', 'public']) AS r
            WHERE has_table_privilege(r, 'magpie.jobs', 'SELECT, INSERT, UPDATE, DELETE')
                OR has_function_privilege(
                    r, 'magpie.enqueue_job(text, text, text, jsonb, text, timestamptz, int, int, uuid)', 'EXECUTE')
            """)

        private func onPostgres(_ body: (StoreFixture, PostgresMetadataStore) async throws -> Void) async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                try await fixture.onPostgres { try await body(fixture, $0) }
            }
        }

        @Test func nobodyElseReadsOrFillsTheQueue() async throws {
            try await onPostgres { _, store in
                let rows = try await store.administrator.transaction([.run(Self.rights)], ending: .rollback)
                #expect(try rows[0].onlyRow().int(0) == 0)
            }
        }

        @Test func aTriggerEnqueuesInTheTransactionOfItsStatement() async throws {
            try await onPostgres { fixture, store in
                try await store.administrator.execute(
                    script: """
                        CREATE FUNCTION public.inspect_new() RETURNS trigger
                        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
                        BEGIN
                            PERFORM magpie.enqueue_job(
                                'inspect', NEW.bucket_id, NEW.id::text, jsonb_build_object('key', NEW.name), 'inspect:' || NEW.version);
                            RETURN NULL;
                        END
                        $$;
                        CREATE TRIGGER inspect_new AFTER INSERT ON storage.objects
                            FOR EACH ROW EXECUTE FUNCTION public.inspect_new();
                        """)
                do {
                    let bucket = try await fixture.makeBucket()
                    try await fixture.allow([.insert])
                    // Tried and rolled back: no job.
                    _ = try await store.checkPut(fixture.draft("a.png"), mode: .create, as: fixture.alice)
                    #expect(try await store.jobs(matching: JobQuery()).jobs.isEmpty)
                    let record = try await fixture.put("a.png")
                    let taken = try #require(try await fixture.take())
                    #expect(taken.job.kind == JobKind("inspect") && taken.job.bucket == bucket)
                    #expect(taken.job.subject == record.id.rawValue)
                    #expect(taken.job.payload.rawValue == #"{"key": "a.png"}"#)
                    #expect(try await fixture.take() == nil)
                } catch {
                    Issue.record(error)
                }
                try await store.administrator.execute(
                    script: "DROP TRIGGER inspect_new ON storage.objects; DROP FUNCTION public.inspect_new()")
            }
        }

        @Test func aJobIsFoundWithoutReadingThoseThatEnded() async throws {
            try await onPostgres { _, store in
                try await store.administrator.execute(
                    script: """
                        INSERT INTO magpie.jobs (kind, status, completed_at)
                        SELECT 'eps', 'Completed', now() FROM generate_series(1, 20000);
                        INSERT INTO magpie.jobs (kind) SELECT 'eps' FROM generate_series(1, 2000);
                        ANALYZE magpie.jobs;
                        """)
                let explain = SQL(
                    "test_job_plan",
                    """
                    EXPLAIN SELECT j.id FROM magpie.jobs AS j
                    WHERE j.completed_at IS NULL AND j.run_after <= now() AND j.kind = ANY (ARRAY['eps'])
                    ORDER BY j.priority DESC, j.run_after, j.id LIMIT 1 FOR UPDATE SKIP LOCKED
                    """)
                let rows = try await store.administrator.transaction([.run(explain)], ending: .rollback)[0].rows
                let plan = try rows.map { try $0.string(0) }.joined(separator: "\n")
                #expect(plan.contains("Index Scan using jobs_due"), "\(plan)")
                #expect(!plan.contains("Sort"), "\(plan)")
            }
        }
    }
}
