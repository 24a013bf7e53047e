// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    @Suite struct Buckets {
        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aNewBucketIsReturnedAsItIsKept(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let wanted = Bucket(
                    id: BucketID(stored: "b"), name: "B", owner: StoreFixture.alice, isPublic: true, fileSizeLimit: 10,
                    allowedMimeTypes: ["image/*", "text/plain"])

                let made = try await fixture.store.createBucket(wanted, as: fixture.service)

                #expect(made.owner == StoreFixture.alice && made.isPublic && made.fileSizeLimit == 10 && made.type == "STANDARD")
                #expect(made.allowedMimeTypes == ["image/*", "text/plain"] && made.createdAt != nil)
                #expect(try await fixture.store.bucket(made.id, as: fixture.service) == made)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aTakenBucketIsAConflict(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()

                let error = await failure { try await fixture.makeBucket() }

                #expect(error?.code == .bucketExists && error?.message == "The resource already exists")
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func makingABucketNeedsInsertAlone(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.allow([.insert], on: .buckets)
                let id = BucketID(stored: "b")

                let made = try await fixture.store.createBucket(Bucket(id: id, name: "b"), as: fixture.alice)

                #expect(made.id == id)
                #expect(await failure { try await fixture.store.bucket(id, as: fixture.alice) }?.code == .bucketNotFound)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aRefusedBucketNamesTheCommand(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let error = await failure {
                    try await fixture.store.createBucket(Bucket(id: BucketID(stored: "b"), name: "b"), as: fixture.alice)
                }

                #expect(error?.code == .accessDenied && error?.message == "new row violates row-level security policy")
                #expect(error?.refusal == PolicyRefusal(role: "authenticated", command: .insert, table: "storage.buckets"))
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func theRulesOfAHiddenBucketNeedNoPolicy(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let id = try await fixture.makeBucket()

                #expect(await failure { try await fixture.store.bucket(id, as: fixture.alice) }?.code == .bucketNotFound)
                #expect(try await fixture.store.bucketRules(id, facts: fixture.facts).id == id)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func anUnknownBucketHasNoRules(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let error = await failure {
                    try await fixture.store.bucketRules(BucketID(stored: "none"), facts: fixture.facts)
                }

                #expect(error?.code == .bucketNotFound)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func theSearchedPartIsLiteralAndIgnoresCase(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                for name in ["my-Photos", "photos_2", "a%b", "other"] { try await fixture.makeBucket(name) }
                func found(_ part: String) async throws -> [String] {
                    try await fixture.store.buckets(matching: BucketQuery(search: part), as: fixture.service).map(\.name)
                }

                #expect(try await found("PHOTOS") == ["my-Photos", "photos_2"])
                #expect(try await found("%") == ["a%b"])
                #expect(try await found("_") == ["photos_2"])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func bucketsAreSortedAndPaged(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                for name in ["b", "c", "a", "B"] { try await fixture.makeBucket(name) }
                func page(_ query: BucketQuery) async throws -> [String] {
                    try await fixture.store.buckets(matching: query, as: fixture.service).map(\.name)
                }

                #expect(try await page(BucketQuery(sortColumn: .name)) == ["B", "a", "b", "c"])
                #expect(try await page(BucketQuery(limit: 2, offset: 1, sortColumn: .id, order: .descending)) == ["b", "a"])
                #expect(try await page(BucketQuery(sortColumn: .createdAt)) == ["b", "c", "a", "B"])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func onlyVisibleBucketsAreListed(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                #expect(try await fixture.store.buckets(matching: BucketQuery(), as: fixture.alice).isEmpty)

                try await fixture.allow([.select], on: .buckets)

                #expect(try await fixture.store.buckets(matching: BucketQuery(), as: fixture.alice).map(\.name) == ["photos"])
                #expect(try await fixture.store.buckets(matching: BucketQuery(), as: fixture.anon).isEmpty)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func anUpdateReturnsBothStatesAndLeavesTheRest(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let id = BucketID(stored: "b")
                _ = try await fixture.store.createBucket(
                    Bucket(id: id, name: "b", fileSizeLimit: 5, allowedMimeTypes: ["a/b"]), as: fixture.service)
                try await fixture.allow([.select, .update], on: .buckets)

                let (before, after) = try await fixture.store.updateBucket(
                    id, changes: BucketChanges(isPublic: true, fileSizeLimit: .some(nil)), as: fixture.alice)

                #expect(!before.isPublic && before.fileSizeLimit == 5)
                #expect(after.isPublic && after.fileSizeLimit == nil && after.allowedMimeTypes == ["a/b"])
                #expect(try await fixture.store.bucketRules(id, facts: fixture.facts) == after)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases, [Set<PolicyRefusal.Command>(), [.select], [.update]])
        func anUpdateNeedsUpdateAndSelect(_ kind: MetadataStoreUnderTest, _ commands: Set<PolicyRefusal.Command>) async throws {
            try await kind.withStore { fixture in
                let id = try await fixture.makeBucket()
                try await fixture.allow(commands, on: .buckets)

                let error = await failure {
                    try await fixture.store.updateBucket(id, changes: BucketChanges(isPublic: true), as: fixture.alice)
                }

                #expect(error?.code == .bucketNotFound)
                #expect(try await fixture.store.bucketRules(id, facts: fixture.facts).isPublic == false)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aDeletedBucketIsGone(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let id = try await fixture.makeBucket()
                try await fixture.allow([.select, .delete], on: .buckets)

                try await fixture.store.deleteBucket(id, as: fixture.alice)

                #expect(await failure { try await fixture.store.bucketRules(id, facts: fixture.facts) }?.code == .bucketNotFound)
                #expect(await failure { try await fixture.store.deleteBucket(id, as: fixture.service) }?.code == .bucketNotFound)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases, [Set<PolicyRefusal.Command>(), [.select], [.delete]])
        func deletingABucketNeedsDeleteAndSelect(_ kind: MetadataStoreUnderTest, _ commands: Set<PolicyRefusal.Command>)
            async throws
        {
            try await kind.withStore { fixture in
                let id = try await fixture.makeBucket()
                try await fixture.allow(commands, on: .buckets)

                #expect(await failure { try await fixture.store.deleteBucket(id, as: fixture.alice) }?.code == .bucketNotFound)
                #expect(try await fixture.store.bucketRules(id, facts: fixture.facts).id == id)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aBucketWithObjectsStays(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let id = try await fixture.makeBucket()
                try await fixture.put("a.png")

                #expect(await failure { try await fixture.store.deleteBucket(id, as: fixture.service) }?.code == .bucketNotEmpty)
                #expect(await failure { try await fixture.store.deleteBucket(id, as: fixture.alice) }?.code == .bucketNotEmpty)
            }
        }

        @Test func aBucketWithPendingMultipartUploadsStays() async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                let id = try await fixture.makeBucket()
                try await fixture.onPostgres { store in
                    try await store.administrator.execute(
                        script: """
                            INSERT INTO storage.s3_multipart_uploads (id, upload_signature, bucket_id, key, version)
                            VALUES ('u', 's', 'photos', 'k', 'v')
                            """)
                }

                #expect(
                    await failure { try await fixture.store.deleteBucket(id, as: fixture.service) }?.code == .bucketReferenced)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func countingStopsAtTheLimit(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let id = try await fixture.makeBucket()
                try await fixture.put(all: ["a", "b", "c"])

                #expect(try await fixture.store.countObjects(in: id, upTo: 10, facts: fixture.facts) == 3)
                #expect(try await fixture.store.countObjects(in: id, upTo: 2, facts: fixture.facts) == 2)
                let error = await failure {
                    try await fixture.store.countObjects(in: BucketID(stored: "none"), upTo: 1, facts: fixture.facts)
                }
                #expect(error?.code == .bucketNotFound)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func emptyingRequestsTheDeletionOfTheBlobs(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let id = try await fixture.makeBucket()
                let records = [try await fixture.put("a"), try await fixture.put("b"), try await fixture.put("c")]
                let later = Timestamp.now().adding(seconds: 60)

                #expect(try await fixture.store.deleteObjects(in: id, createdBefore: later, limit: 2, facts: fixture.facts) == 2)
                #expect(try await fixture.store.deleteObjects(in: id, createdBefore: later, limit: 2, facts: fixture.facts) == 1)

                #expect(try await fixture.dueDeletions() == blobKeys(of: records))
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func emptyingLeavesWhatIsNewer(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let id = try await fixture.makeBucket()
                try await fixture.put("a")
                let earlier = Timestamp.now().adding(seconds: -60)

                let count = try await fixture.store.deleteObjects(in: id, createdBefore: earlier, limit: 10, facts: fixture.facts)

                #expect(count == 0)
                #expect(try await fixture.store.countObjects(in: id, upTo: 10, facts: fixture.facts) == 1)
            }
        }
    }
}
