// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    @Suite struct Events {
        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aFirstUploadIsAPostAndTheNextAPut(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withEvents { fixture in
                try await fixture.makeBucket()
                let first = try await fixture.put("a")
                let second = try await fixture.put("a")

                let events = try await fixture.takeEvents()

                #expect(events.map(\.type) == [.createdByPost, .createdByPut])
                #expect(events.map(\.version) == [first.version, second.version])
                #expect(events.allSatisfy { $0.address == first.address && $0.uploadType == .standard && $0.attempts == 0 })
                #expect(ObjectMetadata(parsing: events[0].metadata).size == 3)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func anEventNamesItsRequest(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withEvents { fixture in
                try await fixture.makeBucket()
                let facts = RequestFacts(
                    operation: Operation("storage.tus.upload.part"), headers: [("sb-request-id", "theirs")], requestID: "ours")
                _ = try await fixture.store.commitPut(fixture.newObject("a"), mode: .create, facts: facts)

                let event = try #require(try await fixture.takeEvents().first)

                #expect(event.requestID == "ours" && event.callerRequestID == "theirs" && event.uploadType == .resumable)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func whatIsCopiedIsTold(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withEvents { fixture in
                try await fixture.makeBucket()
                for mode in [PutMode.create, .replace] {
                    var copy = fixture.newObject("a")
                    copy.origin = .copy
                    _ = try await fixture.store.commitPut(copy, mode: mode, facts: fixture.facts)
                }
                try await fixture.put("b")

                #expect(try await fixture.takeEvents().map(\.type) == [.createdByCopy, .createdByCopy, .createdByPost])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aMoveIsToldOfBothAddresses(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withEvents { fixture in
                try await fixture.makeBucket()
                try await fixture.makeBucket("other")
                let record = try await fixture.put("a")
                try await fixture.forgetEvents()
                _ = try await fixture.store.moveObject(
                    from: record.address, to: fixture.address("b", in: "other"), as: fixture.service)

                let events = try await fixture.takeEvents()

                #expect(events.map(\.type) == [.removedByMove, .createdByMove])
                #expect(events.map(\.address) == [record.address, fixture.address("b", in: "other")])
                #expect(events.map(\.movedFrom) == [nil, record.address])
                #expect(events.allSatisfy { $0.version == record.version })
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func everyWayToDeleteIsTold(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withEvents { fixture in
                let bucket = try await fixture.makeBucket()
                try await fixture.put(all: ["a", "b", "c", "d", "e"])
                let lost = try await fixture.put("f")
                let blob = try #require(try await fixture.blob(of: lost))
                try await fixture.forgetEvents()

                _ = try await fixture.store.deleteObject(at: fixture.address("a"), as: fixture.service)
                _ = try await fixture.store.deleteObjects(
                    ["b", "c"].map { ObjectKey(stored: $0) }, in: bucket, as: fixture.service)
                try await fixture.delete("d")
                _ = try await fixture.store.dropLostObject(lost.id, version: lost.version, at: blob)
                _ = try await fixture.store.deleteObjects(
                    in: bucket, createdBefore: Timestamp.now().adding(seconds: 60), limit: 9, facts: fixture.facts)

                let events = try await fixture.takeEvents()
                #expect(events.map(\.address.key.rawValue).sorted() == ["a", "b", "c", "d", "e", "f"])
                #expect(events.allSatisfy { $0.type == .removedByDelete && $0.uploadType == nil && $0.version != nil })
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func newTagsUpdateTheMetadata(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withEvents { fixture in
                try await fixture.makeBucket()
                let record = try await fixture.put("a")
                try await fixture.forgetEvents()
                let tags = try TagSet([TagSet.Pair(name: "k", value: "v")], limit: .object)
                for _ in 0..<2 {
                    _ = try await fixture.store.replaceTags(tags, of: record.address, version: nil, as: fixture.service)
                }

                let events = try await fixture.takeEvents()

                #expect(events.map(\.type) == [.updatedMetadata])
                #expect(ObjectMetadata(parsing: events.first?.metadata).tags == tags)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aVersionThatBecomesCurrentAgainIsTold(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withEvents { fixture in
                try await fixture.makeVersionedBucket()
                let first = try await fixture.put("a")
                let second = try await fixture.put("a")
                try await fixture.forgetEvents()
                try await fixture.delete("a", version: second.version.map(VersionID.id))

                let events = try await fixture.takeEvents()

                #expect(events.map(\.type) == [.removedByDelete, .createdByPost])
                #expect(events.map(\.version) == [second.version, first.version])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func whatIsNotCurrentGoesUntold(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withEvents { fixture in
                try await fixture.makeVersionedBucket()
                let first = try await fixture.put("a")
                try await fixture.put("a")
                try await fixture.forgetEvents()
                try await fixture.delete("a", version: first.version.map(VersionID.id))
                try await fixture.delete("never there")

                #expect(try await fixture.takeEvents().isEmpty)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func whatWasRefusedOrOnlyTriedGoesUntold(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withEvents { fixture in
                try await fixture.makeBucket()
                try await fixture.allow([.insert, .select, .update], where: .keyStartsWith("mine"))
                try await fixture.put("taken")
                try await fixture.put("mine/a", owner: StoreFixture.alice)
                try await fixture.forgetEvents()

                try await fixture.store.checkPut(fixture.draft("mine/new"), mode: .create, as: fixture.alice)
                try await fixture.store.checkPut(fixture.draft("mine/a"), mode: .replace, as: fixture.alice)
                let refusals = [
                    await failure { try await fixture.put("taken", mode: .create) }?.code,
                    await failure { try await fixture.store.deleteObject(at: fixture.address("taken"), as: fixture.alice) }?.code,
                    await failure {
                        try await fixture.store.moveObject(
                            from: fixture.address("mine/a"), to: fixture.address("yours"), as: fixture.alice)
                    }?.code,
                ]

                #expect(refusals == [.objectExists, .accessDenied, .accessDenied])
                #expect(try await fixture.takeEvents().isEmpty)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func whoPoliciesBindCausesEventsAsWell(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withEvents { fixture in
                try await fixture.makeBucket()
                try await fixture.allow([.select, .delete])
                try await fixture.put("a")
                try await fixture.forgetEvents()
                _ = try await fixture.store.deleteObject(at: fixture.address("a"), as: fixture.alice)

                #expect(try await fixture.takeEvents().map(\.type) == [.removedByDelete])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func withoutAWebhookNothingIsWritten(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                let record = try await fixture.put("a")
                _ = try await fixture.store.moveObject(
                    from: record.address, to: fixture.address("b"), as: fixture.service)
                try await fixture.delete("b")

                #expect(try await fixture.store.eventCounts() == EventCounts(waiting: 0, dead: 0))
            }
        }
    }
}
