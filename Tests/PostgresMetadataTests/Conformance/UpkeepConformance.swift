// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    @Suite struct Upkeep {
        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aTakenDeletionIsHiddenFromOtherTakers(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.deleteNewObjects(["a", "b", "c"])

                let first = try await fixture.store.takeBlobDeletions(limit: 2)
                let second = try await fixture.store.takeBlobDeletions(limit: 2)

                #expect(first.count == 2 && second.count == 1 && first.allSatisfy { $0.attempts == 0 && $0.backend == .managed })
                #expect(try await fixture.store.takeBlobDeletions(limit: 9).isEmpty)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func concurrentTakersShareTheWork(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.deleteNewObjects((0..<20).map { "k\($0)" })

                let taken = try await withThrowingTaskGroup(of: [Int64].self) { group in
                    for _ in 0..<8 { group.addTask { try await fixture.store.takeBlobDeletions(limit: 5).map(\.id) } }
                    return try await group.reduce(into: [Int64]()) { $0 += $1 }
                }

                #expect(Set(taken).count == taken.count)
                let rest = try await fixture.store.takeBlobDeletions(limit: 99).map(\.id)
                #expect(Set(taken + rest).count == 20)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aBlobThatAnObjectHasIsNotTaken(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                let source = try await fixture.put("a")
                let version = try #require(source.version)
                // As plain SQL copies a row.
                try await fixture.adopt("copy", version: version.rawValue)
                _ = try await fixture.store.deleteObject(at: fixture.address("a"), as: fixture.service)

                #expect(try await fixture.dueDeletions().isEmpty)
                let copy = try await fixture.store.visibleObject(at: fixture.address("copy"), as: fixture.service)
                #expect(copy.blob.map { [$0.key] } == Array(blobKeys(of: [source])))

                _ = try await fixture.store.deleteObject(at: fixture.address("copy"), as: fixture.service)
                #expect(try await fixture.dueDeletions() == blobKeys(of: [source]))
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aBlobWhoseObjectCameBackStays(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                let deleted = try await fixture.put("a")
                _ = try await fixture.store.deleteObject(at: fixture.address("a"), as: fixture.service)
                try await fixture.adopt("a", version: try #require(deleted.version).rawValue)

                #expect(try await fixture.dueDeletions().isEmpty)
                #expect(try await fixture.store.queueUnreferencedBlobs(olderThan: .now().adding(seconds: 60)) == 0)
                #expect(try await fixture.store.unknownBlobs(among: Array(blobKeys(of: [deleted])), in: .managed).isEmpty)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aBatchIsFullInSpiteOfBlobsThatObjectsHave(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                var gone: [ObjectRecord] = []
                for key in ["a", "b", "c", "d"] {
                    let record = try await fixture.put(key)
                    _ = try await fixture.store.deleteObject(at: fixture.address(key), as: fixture.service)
                    if key < "c" {
                        try await fixture.adopt(key, version: try #require(record.version).rawValue)
                    } else {
                        gone.append(record)
                    }
                }

                let taken = try await fixture.store.takeBlobDeletions(limit: 2)

                #expect(Set(taken.map(\.key)) == blobKeys(of: gone) && taken.map(\.id) == taken.map(\.id).sorted())
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aFinishedDeletionForgetsTheBlob(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.deleteNewObjects(["a"])
                let taken = try await fixture.store.takeBlobDeletions(limit: 9)
                let keys = taken.map(\.key)
                #expect(try await fixture.store.unknownBlobs(among: keys, in: .managed).isEmpty)

                try await fixture.store.finishBlobDeletions(taken.map(\.id))

                #expect(try await fixture.store.unknownBlobs(among: keys, in: .managed) == keys)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aPostponedDeletionIsNotDueAtOnce(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.deleteNewObjects(["a"])
                let taken = try await fixture.store.takeBlobDeletions(limit: 9)

                for deletion in taken { try await fixture.store.postponeBlobDeletions([deletion.id], because: "no\0 answer") }

                #expect(taken.count == 1)
                #expect(try await fixture.store.takeBlobDeletions(limit: 9).isEmpty)
                #expect(try await fixture.store.unknownBlobs(among: taken.map(\.key), in: .managed).isEmpty)
            }
        }

        @Test func aPostponedDeletionWaitsLongerEachTime() async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                try await fixture.deleteNewObjects(["a"])
                try await fixture.onPostgres { store in
                    let wait = SQL(
                        "test_wait",
                        "SELECT extract(epoch FROM not_before - now())::int, attempts, last_error FROM magpie.blob_deletions")
                    var waits: [Int] = []
                    for deletion in try await store.takeBlobDeletions(limit: 9) {
                        for _ in 0..<3 {
                            try await store.postponeBlobDeletions([deletion.id], because: "failed")
                            waits.append(
                                try await store.administrator.transaction([.run(wait)], ending: .rollback)[0].onlyRow().int(0))
                        }
                    }
                    #expect(waits.count == 3 && zip(waits, [30, 60, 120]).allSatisfy { abs($0 - $1) <= 2 })
                    let row = try await store.administrator.transaction([.run(wait)], ending: .rollback)[0].onlyRow()
                    #expect(try row.int(1) == 3 && row.string(2) == "failed")
                }
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func blobsThatNobodyKnowsAreTold(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                let object = try await fixture.put("a")
                let adopted = "3b241101-e2bb-4255-8caf-4136c566a962"
                try await fixture.adopt("old", version: adopted)
                let known = Array(blobKeys(of: [object])) + [BlobKey(adopted)]
                let orphan = BlobKey("orphan")

                #expect(try await fixture.store.unknownBlobs(among: known + [orphan], in: .managed) == [orphan])
                let other = BackendID("other")
                #expect(try await fixture.store.unknownBlobs(among: Array(blobKeys(of: [object])), in: other).count <= 1)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aBlobWithoutAnObjectIsQueuedOnce(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.put("kept")
                let lost = try await fixture.put("lost")
                try await fixture.disown(lost)
                let later = Timestamp.now().adding(seconds: 60)

                #expect(try await fixture.store.queueUnreferencedBlobs(olderThan: .now().adding(seconds: -60)) == 0)
                #expect(try await fixture.store.queueUnreferencedBlobs(olderThan: later) == 1)
                #expect(try await fixture.store.queueUnreferencedBlobs(olderThan: later) == 0)

                #expect(try await fixture.dueDeletions() == blobKeys(of: [lost]))
            }
        }

        @Test func theSweepOfALargeTableIsNotCutShort() async throws {
            let store = try await TestStore.migrated()
            let fixture = StoreFixture(.postgres(store))
            try await fixture.makeBucket()
            try await fixture.disown(fixture.put("lost"))
            try await store.administrator.execute(
                script: """
                    CREATE TABLE public.allowed (time interval);
                    GRANT INSERT ON public.allowed TO service_role;
                    CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS $$
                    BEGIN
                        INSERT INTO public.allowed VALUES (current_setting('statement_timeout')::interval);
                        RETURN NULL;
                    END
                    $$;
                    CREATE TRIGGER note AFTER INSERT OR UPDATE ON magpie.blob_deletions EXECUTE FUNCTION public.note();
                    """)

            #expect(try await store.queueUnreferencedBlobs(olderThan: .now().adding(seconds: 60)) == 1)
            #expect(try await store.takeBlobDeletions(limit: 1).count == 1)

            #expect(try await store.column("SELECT extract(hour FROM time)::int::text FROM public.allowed") == ["1", "1"])
            await store.shutdown()
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func everyObjectIsVisitedInTheOrderOfIDs(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.makeBucket("other")
                try await fixture.put(all: ["a", "b", "c"])
                try await fixture.put("d", in: "other")
                try await fixture.adopt("e")

                var visited: [ObjectRecord] = []
                var blobs = 0
                while true {
                    let batch = try await fixture.store.objects(after: visited.last?.id, limit: 2)
                    guard !batch.isEmpty else { break }
                    visited += batch.map(\.record)
                    blobs += batch.count { $0.blob != nil }
                }

                #expect(visited.map(\.address.key.rawValue).sorted() == ["a", "b", "c", "d", "e"] && blobs == 4)
                #expect(visited.map(\.id.rawValue) == visited.map(\.id.rawValue).sorted())
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aLostObjectIsDroppedOnlyInTheVersionSeen(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                let object = try await fixture.put("a")
                let blob = try #require(try await fixture.blob(of: object))
                var elsewhere = blob
                elsewhere.backend = BackendID("elsewhere")

                #expect(try await !fixture.store.isCurrent(object.id, version: ObjectVersion(), at: blob))
                #expect(try await !fixture.store.dropLostObject(object.id, version: ObjectVersion(), at: blob))
                #expect(try await !fixture.store.isCurrent(object.id, version: object.version, at: elsewhere))
                #expect(try await !fixture.store.dropLostObject(object.id, version: object.version, at: elsewhere))
                #expect(try await fixture.store.countObjects(in: bucket, upTo: 9, facts: fixture.facts) == 1)
                #expect(try await fixture.store.isCurrent(object.id, version: object.version, at: blob))
                #expect(try await fixture.store.dropLostObject(object.id, version: object.version, at: blob))

                #expect(try await !fixture.store.isCurrent(object.id, version: object.version, at: blob))
                #expect(try await fixture.store.countObjects(in: bucket, upTo: 9, facts: fixture.facts) == 0)
                #expect(try await fixture.dueDeletions() == blobKeys(of: [object]))
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aMigratedStoreAnswersPings(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { try await $0.store.ping() }
        }
    }
}
