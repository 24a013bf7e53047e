// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    @Suite struct Outbox {
        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aTakenEventIsHiddenWithTheLaterOnesOfItsObject(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withEvents { fixture in
                try await fixture.makeBucket()
                try await fixture.put(all: ["a", "a", "b"])

                let first = try await fixture.takeEvents(limit: 1)
                let rest = try await fixture.takeEvents()

                #expect(first.map(\.address.key.rawValue) == ["a"])
                #expect(rest.map(\.address.key.rawValue) == ["b"])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aLeaseThatRanOutIsSomebodyElses(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withEvents { fixture in
                try await fixture.makeBucket()
                try await fixture.put("a")

                let first = try await fixture.store.takeEvents(limit: 9, lease: 0)
                let second = try await fixture.store.takeEvents(limit: 9, lease: 0)

                #expect(first.count == 1 && first == second)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func concurrentTakersShareTheEvents(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withEvents { fixture in
                try await fixture.makeBucket()
                try await fixture.put(all: (0..<20).flatMap { ["k\($0)", "k\($0)"] })

                let taken = try await withThrowingTaskGroup(of: [StorageEvent].self) { group in
                    for _ in 0..<8 { group.addTask { try await fixture.takeEvents(limit: 7) } }
                    return try await group.reduce(into: [[StorageEvent]]()) { $0.append($1) }
                }

                let ids = taken.joined().map(\.id)
                #expect(Set(ids).count == ids.count)
                // Whoever has a later event of an object has the earlier one too.
                for events in taken {
                    for event in events where event.type == .createdByPut {
                        #expect(events.contains { $0.type == .createdByPost && $0.address == event.address })
                    }
                }
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aFinishedEventIsForgotten(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withEvents { fixture in
                try await fixture.makeBucket()
                try await fixture.put(all: ["a", "b"])
                let events = try await fixture.store.takeEvents(limit: 9, lease: 0)

                try await fixture.store.finishEvents([events[0].id])

                #expect(try await fixture.takeEvents().map(\.id) == [events[1].id])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aPostponedEventWaitsAndTheLaterOnesOfItsObjectWithIt(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withEvents { fixture in
                try await fixture.makeBucket()
                try await fixture.put(all: ["a", "a", "b"])
                let events = try await fixture.store.takeEvents(limit: 9, lease: 0)

                try await fixture.store.postponeEvent(events[0].id, bySeconds: 600, because: "no\0answer")
                try await fixture.put("a")

                #expect(try await fixture.takeEvents().map(\.address.key.rawValue) == ["b"])
                #expect(try await fixture.store.eventCounts() == EventCounts(waiting: 4, dead: 0))
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aPostponedEventCountsItsFailuresAndKeepsItsPlace(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withEvents { fixture in
                try await fixture.makeBucket()
                try await fixture.put(all: ["a", "a"])
                let events = try await fixture.store.takeEvents(limit: 9, lease: 600)

                try await fixture.store.postponeEvent(events[0].id, bySeconds: 0, because: "no answer")

                let again = try await fixture.takeEvents()
                #expect(again.map(\.id) == events.map(\.id))
                #expect(again.map(\.attempts) == [1, 0])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func anEventThatIsGivenUpKeepsNoOther(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withEvents { fixture in
                try await fixture.makeBucket()
                try await fixture.put(all: ["a", "a"])
                let events = try await fixture.store.takeEvents(limit: 9, lease: 0)

                try await fixture.store.buryEvent(events[0].id, because: "never an answer")

                #expect(try await fixture.takeEvents().map(\.id) == [events[1].id])
                #expect(try await fixture.store.eventCounts() == EventCounts(waiting: 1, dead: 1))
                #expect(try await fixture.store.forgetDeadEvents(before: Timestamp.now().adding(seconds: -3600)) == 0)
                #expect(try await fixture.store.forgetDeadEvents(before: Timestamp.now().adding(seconds: 3600)) == 1)
                #expect(try await fixture.store.eventCounts() == EventCounts(waiting: 1, dead: 0))
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aReleasedEventIsDueAgain(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withEvents { fixture in
                try await fixture.makeBucket()
                try await fixture.put(all: ["a", "a"])
                let events = try await fixture.takeEvents()

                try await fixture.store.releaseEvents(events.map(\.id))

                #expect(try await fixture.takeEvents() == events)
            }
        }
    }
}

extension StoreFixture {
    func takeEvents(limit: Int = 1000) async throws -> [StorageEvent] { try await store.takeEvents(limit: limit, lease: 600) }

    /// Forgets what has happened so far.
    func forgetEvents() async throws { try await store.finishEvents(takeEvents().map(\.id)) }
}
