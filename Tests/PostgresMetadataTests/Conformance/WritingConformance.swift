// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    @Suite struct Writing {
        @Test(arguments: MetadataStoreUnderTest.allCases)
        func anOverwriteKeepsTheIdentityAndReplacesTheRest(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                let first = try await fixture.put("a", owner: StoreFixture.alice, userMetadata: #"{"k":"1"}"#)

                let second = try await fixture.put("a", owner: "not-a-uuid", userMetadata: #"{"l":"2"}"#)

                #expect(second.id == first.id && second.createdAt == first.createdAt && second.version != first.version)
                #expect(first.owner == StoreFixture.alice && second.owner == nil && second.ownerID == "not-a-uuid")
                #expect(second.userMetadata.map { $0.rawValue.contains("k") } == false)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func anOverwriteRequestsTheDeletionOfWhatItSuperseded(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                let first = try await fixture.put("a")
                try await fixture.put("a")

                #expect(try await fixture.dueDeletions() == blobKeys(of: [first]))
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func overwritingAnAdoptedRowDeletesNothing(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.adopt("a", version: "legacy")
                try await fixture.put("a")

                #expect(try await fixture.dueDeletions().isEmpty)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aTakenKeyIsAConflictForCreate(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                let first = try await fixture.put("a", mode: .create)

                let error = await failure { try await fixture.put("a", mode: .create) }

                #expect(error?.code == .objectExists && error?.message == "The resource already exists")
                let read = try await fixture.store.object(at: fixture.address("a"), access: .policy(fixture.service))
                #expect(read.record == first && read.blob != nil)
                #expect(try await fixture.dueDeletions().isEmpty)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func theServiceIsToldWhatIsInTheWay(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let missing = await failure {
                    try await fixture.store.checkPut(fixture.draft("a", in: "none"), mode: .create, as: fixture.service)
                }
                try await fixture.makeBucket()
                try await fixture.store.checkPut(fixture.draft("a"), mode: .create, as: fixture.service)
                try await fixture.put("a")
                let taken = await failure {
                    try await fixture.store.checkPut(fixture.draft("a"), mode: .create, as: fixture.service)
                }

                #expect(missing?.code == .relatedResourceMissing)
                #expect(taken?.code == .objectExists)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases, [PutMode.create, .replace])
        func anUnknownBucketIsAMissingResource(_ kind: MetadataStoreUnderTest, _ mode: PutMode) async throws {
            try await kind.withStore { fixture in
                try await fixture.allow([.insert, .select, .update])

                let commit = await failure { try await fixture.put("a", in: "none", mode: mode) }
                let check = await failure {
                    try await fixture.store.checkPut(fixture.draft("a", in: "none"), mode: mode, as: fixture.alice)
                }

                #expect(commit?.code == .relatedResourceMissing && commit?.message == "The related resource does not exist")
                #expect(check?.code == .relatedResourceMissing)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func ofFiftyRacingCreatesOneWins(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()

                let winners = try await withThrowingTaskGroup(of: ObjectRecord?.self) { group in
                    for _ in 0..<50 {
                        group.addTask {
                            do {
                                return try await fixture.put("raced", mode: .create)
                            } catch let error as StorageError where error.code == .objectExists {
                                return nil
                            }
                        }
                    }
                    return try await group.reduce(into: [ObjectRecord]()) { if let record = $1 { $0.append(record) } }
                }

                #expect(winners.count == 1)
                let read = try await fixture.store.object(at: fixture.address("raced"), access: .policy(fixture.service))
                #expect(read.record == winners.first && read.blob?.key.rawValue == winners.first?.version?.rawValue)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func racingOverwritesLeaveOneVersionAndRequestTheOthers(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()

                let versions = try await withThrowingTaskGroup(of: ObjectVersion?.self) { group in
                    for _ in 0..<20 { group.addTask { try await fixture.put("raced").version } }
                    return try await group.reduce(into: Set<ObjectVersion>()) { if let version = $1 { $0.insert(version) } }
                }

                let read = try await fixture.store.object(at: fixture.address("raced"), access: .policy(fixture.service))
                let superseded = versions.filter { $0 != read.record.version }
                #expect(superseded.count == 19)
                #expect(try await fixture.dueDeletions() == Set(superseded.map { BlobKey($0.rawValue) }))
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases, [PutMode.create, .replace])
        func aCheckLeavesNothingBehind(_ kind: MetadataStoreUnderTest, _ mode: PutMode) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                try await fixture.allow([.insert, .select, .update])

                try await fixture.store.checkPut(fixture.draft("a"), mode: mode, as: fixture.alice)

                #expect(try await fixture.store.countObjects(in: bucket, upTo: 1, facts: fixture.facts) == 0)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases, [WriteCondition.none, .ifMatch(ObjectMatch())])
        func theRightToInsertIsNoneToReplaceWhatCameMeanwhile(
            _ kind: MetadataStoreUnderTest, _ condition: WriteCondition
        ) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.allow([.insert, .select])
                try await fixture.allow([.update], where: .ownerIsCaller)
                let draft = fixture.draft("a", owner: StoreFixture.bob)
                var late = fixture.newObject("a", owner: StoreFixture.bob, condition: condition)
                late.trial = try await fixture.store.checkPut(draft, mode: .replace, as: fixture.bob)
                let hers = try await fixture.put("a", owner: StoreFixture.alice, mode: .create)

                let error = await failure { try await fixture.store.commitPut(late, mode: .replace, facts: fixture.facts) }

                #expect(error?.code == .accessDenied)
                #expect(error?.refusal == PolicyRefusal(role: "authenticated", command: .update, table: "storage.objects"))
                #expect(try await fixture.store.visibleObject(at: hers.address, as: fixture.alice).record == hers)
                #expect(try await fixture.dueDeletions().isEmpty)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aRowOfTheCallersOwnThatCameMeanwhileIsReplaced(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.allow([.insert, .select])
                try await fixture.allow([.update], where: .ownerIsCaller)
                let draft = fixture.draft("a", owner: StoreFixture.alice)
                var second = fixture.newObject("a", owner: StoreFixture.alice)
                second.trial = try await fixture.store.checkPut(draft, mode: .replace, as: fixture.alice)
                let first = try await fixture.put("a", owner: StoreFixture.alice)

                let written = try await fixture.store.commitPut(second, mode: .replace, facts: fixture.facts)

                #expect(written.id == first.id && written.version == second.version)
                #expect(try await fixture.dueDeletions() == blobKeys(of: [first]))
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aRowThatTheTrialSawIsNotTriedAgain(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.put("a")
                var seen = fixture.newObject("a")
                var unseen = fixture.newObject("a")
                // A caller without any policy: a second trial would refuse.
                seen.trial = PutTrial(
                    draft: fixture.draft("a"), caller: fixture.anon,
                    seen: try await seenByAlice("a", fixture))
                unseen.trial = PutTrial(draft: fixture.draft("a"), caller: fixture.anon, seen: nil)

                _ = try await fixture.store.commitPut(seen, mode: .replace, facts: fixture.facts)
                let error = await failure { try await fixture.store.commitPut(unseen, mode: .replace, facts: fixture.facts) }

                #expect(error?.code == .accessDenied)
            }
        }

        private func seenByAlice(_ key: String, _ fixture: StoreFixture) async throws -> String? {
            try await fixture.allow([.insert, .select, .update])
            return try await fixture.store.checkPut(fixture.draft(key), mode: .replace, as: fixture.alice).seen
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aRowThatOnlyChangedItsOwnerIsAnother(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.allow([.insert, .select, .update])
                let (here, away) = (fixture.address("a"), fixture.address("b"))
                let bobs = try await fixture.put("a", owner: StoreFixture.bob)
                let before = try await fixture.store.checkPut(fixture.draft("a"), mode: .replace, as: fixture.bob)

                _ = try await fixture.store.moveObject(from: here, to: away, as: fixture.alice)
                let alices = try await fixture.store.moveObject(from: away, to: here, as: fixture.alice)
                let after = try await fixture.store.checkPut(fixture.draft("a"), mode: .replace, as: fixture.bob)

                #expect(alices.version == bobs.version && alices.ownerID == StoreFixture.alice)
                #expect(before.seen != nil && after.seen != before.seen)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func theServiceMayPutAnywhere(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.store.checkPut(fixture.draft("a"), mode: .create, as: fixture.service)
                try await fixture.store.checkPut(fixture.draft("a"), mode: .replace, as: fixture.service)
            }
        }

        @Test func aNULInAKeyIsABadParameter() async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                try await fixture.makeBucket()

                #expect(await failure { try await fixture.put("a\0b") }?.code == .invalidParameter)
                let bucket = BucketID(stored: "a\0b")
                #expect(await failure { try await fixture.store.bucket(bucket, as: fixture.service) }?.code == .invalidParameter)
            }
        }
    }
}
