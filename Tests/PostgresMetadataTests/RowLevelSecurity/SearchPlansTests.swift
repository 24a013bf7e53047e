// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// The two ways in which `storage.search` finds a level show the same.
    @Suite(.serialized) struct SearchPlans {
        @Test(arguments: SortOrder.allCases)
        func aScanAndASkipScanShowTheSame(_ order: SortOrder) async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                var keys: [String] = []
                for folder in ["", "a/", "A/b/", "a-", "b/", "ü/", "B/c/d/"] {
                    for file in ["1", "a", "A", "b.txt", "z", "Z/"] { keys.append(folder + file) }
                }
                try await fixture.put(all: Array(Set(keys)).sorted(), owner: StoreFixture.alice)
                try await fixture.put(all: ["hidden/1", "a/hidden"], owner: StoreFixture.bob)
                try await fixture.allow([.select], where: .ownerIsCaller)
                func levels() async throws -> [[String]] {
                    var levels: [[String]] = []
                    for prefix in ["", "a/", "A/B/", "b/", "ü/", "a"] {
                        let query = FolderQuery(prefix: prefix, limit: 50, order: order)
                        levels.append(
                            try await fixture.store.folder(query, in: bucket, as: fixture.alice).map {
                                ($0.isFolder ? $0.name.lowercased() : $0.name) + ($0.isFolder ? "/" : "")
                            })
                    }
                    return levels
                }

                let skipped = try await levels()
                try await fixture.onPostgres { store in
                    try await store.administrator.execute(script: "ALTER FUNCTION pg_catalog.lower(text) NOT LEAKPROOF")
                }
                let scanned = try await levels()
                try await fixture.onPostgres { try await $0.migrator.migrate() }

                #expect(skipped == scanned && skipped[0].count > 8)
            }
        }

        @Test func aPageUnderAPolicyEntersTheIndexAtItsKey() async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.allow([.select], where: .ownerIsCaller)
                try await fixture.onPostgres { store in
                    try await store.administrator.execute(
                        script: """
                            SET session_replication_role = replica;
                            INSERT INTO storage.objects (bucket_id, name, owner_id)
                            SELECT 'photos', 'd' || lpad((i / 10)::text, 5, '0') || '/f' || i, '\(StoreFixture.alice)'
                            FROM generate_series(1, 20000) AS i;
                            ANALYZE storage.objects;
                            """)
                    let plans = [
                        """
                        EXPLAIN SELECT o.name FROM storage.objects AS o
                        WHERE o.bucket_id = 'photos' AND o.name COLLATE "C" >= 'd01000/' ORDER BY o.name COLLATE "C" LIMIT 100
                        """,
                        """
                        EXPLAIN SELECT o.name FROM storage.objects AS o
                        WHERE o.bucket_id = 'photos' AND lower(o.name) COLLATE "C" >= 'd01000/'
                        ORDER BY lower(o.name) COLLATE "C" LIMIT 100
                        """,
                    ]
                    for (number, text) in plans.enumerated() {
                        let lines = try await store.administrator.transaction(
                            [.scope(store.scope(fixture.alice)), .run(SQL("test_plan_\(number)", text))], ending: .rollback)[0]
                            .rows
                        let plan = try lines.map { try $0.string(0) }.joined(separator: "\n")
                        #expect(plan.contains(#/Index Cond: .*bucket_id.* AND .*(name|lower).*>= 'd01000//#), "\(plan)")
                    }
                }
            }
        }
    }
}
