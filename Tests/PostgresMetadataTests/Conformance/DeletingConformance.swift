// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    @Suite struct Deleting {
        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aDeletedObjectIsGoneAndItsBlobRequested(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                let written = try await fixture.put("a", owner: StoreFixture.alice)
                try await fixture.allow([.select, .delete], where: .ownerIsCaller)

                let deleted = try await fixture.store.deleteObject(at: fixture.address("a"), as: fixture.alice)

                #expect(deleted == written)
                #expect(try await fixture.dueDeletions() == blobKeys(of: [written]))
                let again = await failure { try await fixture.store.deleteObject(at: fixture.address("a"), as: fixture.alice) }
                #expect(again?.code == .objectNotFound)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aForbiddenObjectStays(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.put("a", owner: StoreFixture.alice)
                try await fixture.allow([.select])
                try await fixture.allow([.delete], where: .ownerIsCaller)

                let error = await failure { try await fixture.store.deleteObject(at: fixture.address("a"), as: fixture.bob) }

                #expect(error?.code == .accessDenied && error?.message == "Access denied")
                #expect(error?.refusal == PolicyRefusal(role: "authenticated", command: .delete, table: "storage.objects"))
                #expect(try await fixture.dueDeletions().isEmpty)
                _ = try await fixture.store.visibleObject(at: fixture.address("a"), as: fixture.alice)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func ofManyOnlyThePermittedGo(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                let mine = try await fixture.put("mine", owner: StoreFixture.alice)
                try await fixture.put("theirs", owner: StoreFixture.bob)
                try await fixture.allow([.select, .delete], where: .ownerIsCaller)
                let keys = ["mine", "theirs", "none"].map { ObjectKey(stored: $0) }

                let deleted = try await fixture.store.deleteObjects(keys, in: bucket, as: fixture.alice)

                #expect(deleted == [mine])
                #expect(try await fixture.dueDeletions() == blobKeys(of: [mine]))
                #expect(try await fixture.store.countObjects(in: bucket, upTo: 9, facts: fixture.facts) == 1)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func deletingFromAnUnknownBucketDeletesNothing(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let keys = [ObjectKey(stored: "a")]

                let deleted = try await fixture.store.deleteObjects(keys, in: BucketID(stored: "none"), as: fixture.service)
                #expect(deleted.isEmpty)
                let error = await failure { try await fixture.store.deleteObject(at: fixture.address("a"), as: fixture.service) }
                #expect(error?.code == .objectNotFound)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func ofTwoConcurrentDeletesOneFindsTheObject(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.put("a")

                let outcomes = await withTaskGroup(of: StorageError.Code?.self) { group in
                    for _ in 0..<2 {
                        group.addTask {
                            await failure { try await fixture.store.deleteObject(at: fixture.address("a"), as: fixture.service) }?
                                .code
                        }
                    }
                    return await group.reduce(into: [StorageError.Code?]()) { $0.append($1) }
                }

                #expect(outcomes.count { $0 == nil } == 1 && outcomes.count { $0 == .objectNotFound } == 1)
                #expect(try await fixture.dueDeletions().count == 1)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func crossingBulkDeletesDoNotBlockEachOther(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                let names = (0..<40).map { "k\($0)" }
                try await fixture.put(all: names)
                let keys = names.map { ObjectKey(stored: $0) }

                let deleted = try await withThrowingTaskGroup(of: Int.self) { group in
                    for order in [keys, keys.reversed()] {
                        group.addTask { try await fixture.store.deleteObjects(order, in: bucket, as: fixture.service).count }
                    }
                    return try await group.reduce(0, +)
                }

                #expect(deleted == 40)
                #expect(try await fixture.dueDeletions().count == 40)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func anAdoptedRowGoesWithoutARequest(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.adopt("a", version: "legacy")

                let deleted = try await fixture.store.deleteObject(at: fixture.address("a"), as: fixture.service)

                #expect(deleted.version?.rawValue == "legacy")
                #expect(try await fixture.dueDeletions().isEmpty)
            }
        }
    }
}
