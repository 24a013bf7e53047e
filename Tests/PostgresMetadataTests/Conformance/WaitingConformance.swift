// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// What comes of transactions that want the same rows at the same time.
    @Suite struct Waiting {
        private static let lock = SQL(
            "test_lock", "SELECT id FROM storage.objects WHERE bucket_id = 'photos' AND name = $1 FOR UPDATE NOWAIT")

        private static let allowDeletions = SQL(
            "test_allow_deletions", "SELECT set_config('storage.allow_delete_query', 'true', true)")

        /// Asks within `transaction` until another one waits for its end.
        private func untilSomebodyWaits(for transaction: Transaction) async throws {
            let waits = SQL(
                "test_waits",
                """
                SELECT EXISTS (
                    SELECT FROM pg_locks
                    WHERE NOT granted AND locktype = 'transactionid' AND transactionid = pg_current_xact_id()::xid)
                """)
            let end = ContinuousClock.now + .seconds(30)
            while try await !transaction.run([.run(waits)])[0].onlyRow().bool(0) {
                try #require(ContinuousClock.now < end, "nobody waits")
            }
        }

        /// Deletes two of the objects "a", "b" and "c" while `body` holds "b". - Returns: how many went.
        private func emptyPhotos(_ body: @escaping @Sendable (Transaction) async throws -> Void) async throws -> Int {
            var count = 0
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                try await fixture.put(all: ["a", "b", "c"])
                try await fixture.onPostgres { store in
                    // The order of ids is the reverse of that of keys.
                    try await store.administrator.execute(
                        script: """
                            UPDATE storage.objects
                            SET id = translate('00000000-0000-0000-0000-00000000000' || name, 'abc', '321')::uuid
                            """)
                    let emptying = try await store.administrator.withTransaction(ending: .commit) { transaction in
                        _ = try await transaction.run([.run(Self.lock, "b")])
                        let emptying = Task {
                            try await store.deleteObjects(
                                in: bucket, createdBefore: .now().adding(seconds: 60), limit: 2, facts: fixture.facts)
                        }
                        try await untilSomebodyWaits(for: transaction)
                        try await body(transaction)
                        return emptying
                    }
                    count = try await emptying.value
                }
            }
            return count
        }

        @Test func emptyingLocksInTheOrderOfBulkDeletes() async throws {
            let count = try await emptyPhotos { transaction in
                // Behind "b" in that order, so not yet locked.
                _ = try await transaction.run([.run(Self.lock, "a")])
            }

            #expect(count == 2)
        }

        @Test func emptyingTakesOthersForWhatWasDeletedMeanwhile() async throws {
            let count = try await emptyPhotos { transaction in
                let delete = SQL("test_delete_b", "DELETE FROM storage.objects WHERE name = 'b'")
                _ = try await transaction.run([.run(Self.allowDeletions), .run(delete)])
            }

            // A batch that is not full would end the emptying with "c" left.
            #expect(count == 2)
        }

        @Test func aBucketThatBecameEmptyMeanwhileIsDeleted() async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                try await fixture.put("a")
                try await fixture.onPostgres { store in
                    let deletion = try await store.administrator.withTransaction(ending: .commit) { transaction in
                        _ = try await transaction.run([
                            .run(Self.allowDeletions), .run(SQL("test_empty", "DELETE FROM storage.objects")),
                            .run(SQL("test_lock_bucket", "SELECT id FROM storage.buckets FOR UPDATE")),
                        ])
                        let deletion = Task { await failure { try await store.deleteBucket(bucket, as: fixture.service) } }
                        try await untilSomebodyWaits(for: transaction)
                        return deletion
                    }

                    #expect(await deletion.value == nil)
                    #expect(await failure { try await store.bucket(bucket, as: fixture.service) }?.code == .bucketNotFound)
                }
            }
        }
    }
}
