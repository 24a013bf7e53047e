// SPDX-License-Identifier: Apache-2.0

import Logging
import MediaCore
import MediaTesting
import Synchronization
import Testing

struct EventDispatcherTests {
    /// Takes what comes, or refuses it.
    private final class Receiver: EventSink {
        private struct State {
            var received: [StorageEvent] = []
            var refuses: @Sendable (StorageEvent) -> Bool = { _ in false }
        }

        private let state = Mutex(State())

        var received: [String] { state.withLock { $0.received.map { "\($0.type.rawValue) \($0.address.key)" } } }

        func refuse(_ which: @escaping @Sendable (StorageEvent) -> Bool) { state.withLock { $0.refuses = which } }

        func deliver(_ event: StorageEvent) async throws {
            try state.withLock { state in
                if state.refuses(event) { throw EventRefused("refused") }
                state.received.append(event)
            }
        }
    }

    private let clock = ManualClock()
    private let receiver = Receiver()
    private let metadata: InMemoryMetadataStore
    private let bucket = BucketID(stored: "b")

    init() async throws {
        let clock = self.clock
        metadata = InMemoryMetadataStore(recordsEvents: true, now: { clock.now() })
        _ = try await metadata.createBucket(Bucket(id: bucket, name: "b", isPublic: false), as: CoreFixture.service)
    }

    private func dispatcher(
        muting: EventMuting = .none, sink: (any EventSink)? = nil,
        _ change: (inout EventDispatcher.Schedule) -> Void = { _ in }
    ) -> EventDispatcher {
        var schedule = EventDispatcher.Schedule()
        change(&schedule)
        return EventDispatcher(
            outbox: metadata, sink: sink ?? receiver, signal: WakeSignal(), muting: muting, schedule: schedule,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    private func put(_ keys: String...) async throws {
        for key in keys {
            let version = ObjectVersion()
            let object = NewObject(
                address: ObjectAddress(bucket: bucket, key: ObjectKey(stored: key)), version: version, ownerID: nil,
                metadata: .emptyObject, userMetadata: nil,
                blob: BlobLocation(backend: .managed, key: BlobKey(version.rawValue), size: 0, md5: nil))
            _ = try await metadata.commitPut(object, mode: .replace, facts: CoreFixture.facts)
        }
    }

    @Test func whatHappenedIsDeliveredOnceAndInOrder() async throws {
        try await put("a", "a", "a")

        #expect(try await dispatcher().deliverDue() == .init(delivered: 3))
        #expect(try await dispatcher().deliverDue() == .init())

        #expect(receiver.received == ["ObjectCreated:Post a", "ObjectCreated:Put a", "ObjectCreated:Put a"])
        #expect(try await metadata.eventCounts() == EventCounts(waiting: 0, dead: 0))
    }

    @Test func moreThanABatchIsDelivered() async throws {
        for index in 0..<100 { try await put("k\(index % 30)") }

        #expect(try await dispatcher { $0.batch = 7 }.deliverDue() == .init(delivered: 100))
    }

    @Test func aRefusedEventKeepsTheLaterOnesOfItsObjectOnly() async throws {
        try await put("a", "a", "b")
        receiver.refuse { $0.address.key.rawValue == "a" }

        #expect(try await dispatcher().deliverDue() == .init(delivered: 1, failed: 1))
        receiver.refuse { _ in false }
        #expect(try await dispatcher().deliverDue() == .init())
        clock.advance(seconds: 2)
        #expect(try await dispatcher().deliverDue() == .init(delivered: 2))

        #expect(receiver.received == ["ObjectCreated:Post b", "ObjectCreated:Post a", "ObjectCreated:Put a"])
    }

    @Test func theWaitGrowsWithEachFailure() async throws {
        try await put("a")
        receiver.refuse { _ in true }
        let dispatcher = dispatcher { $0.backOff = BackOff(first: 100, longest: 1000) }
        let longest: [Int64] = [100, 200, 400, 800, 1000, 1000]

        for most in longest {
            #expect(try await dispatcher.deliverDue() == .init(failed: 1))
            clock.advance(seconds: most / 2 - 1)
            #expect(try await dispatcher.deliverDue() == .init())
            clock.advance(seconds: most - most / 2 + 1)
        }
    }

    @Test func anEventIsGivenUpAfterItsLastAttempt() async throws {
        try await put("a", "a")
        receiver.refuse { $0.type == .createdByPost }
        let dispatcher = dispatcher { $0.attempts = 3 }
        var outcomes: [EventDispatcher.Outcome] = []
        for _ in 0..<3 {
            outcomes.append(try await dispatcher.deliverDue())
            clock.advance(seconds: 3600)
        }

        #expect(outcomes == [.init(failed: 1), .init(failed: 1), .init(delivered: 1, dead: 1)])
        #expect(try await metadata.eventCounts() == EventCounts(waiting: 0, dead: 1))
    }

    @Test func whatWasGivenUpIsForgottenInTheEnd() async throws {
        try await put("a")
        receiver.refuse { _ in true }
        let dispatcher = dispatcher { $0.attempts = 1 }
        try await dispatcher.deliverDue()

        try await dispatcher.keepHouse(now: clock.now().adding(seconds: 13 * 86_400))
        #expect(try await metadata.eventCounts().dead == 1)
        try await dispatcher.keepHouse(now: clock.now().adding(seconds: 15 * 86_400))
        #expect(try await metadata.eventCounts().dead == 0)
    }

    @Test func aReceiverThatIsDownIsNotAskedForEverything() async throws {
        for index in 0..<100 { try await put("k\(index)") }
        receiver.refuse { _ in true }

        #expect(try await dispatcher { $0.batch = 10 }.deliverDue() == .init(failed: 10))
    }

    @Test func mutedEventsAreForgottenUnsent() async throws {
        try await put("a", "a", "b")

        let muting = try EventMuting(parsing: "Webhook:ObjectCreated:Put, Webhook:ObjectCreated:Post:b/b")
        #expect(try await dispatcher(muting: muting).deliverDue() == .init(delivered: 1, muted: 2))

        #expect(receiver.received == ["ObjectCreated:Post a"])
        #expect(try await metadata.eventCounts() == EventCounts(waiting: 0, dead: 0))
    }

    @Test func whatAStoppedServerHadTakenIsDueAtOnce() async throws {
        /// Is under way until it is cancelled.
        struct Slow: EventSink {
            let started: AsyncStream<Void>.Continuation
            func deliver(_ event: StorageEvent) async throws {
                started.yield()
                try await Task.sleep(for: .seconds(3600))
            }
        }
        try await put("a", "a", "b")
        let (starts, started) = AsyncStream.makeStream(of: Void.self)
        let stopped = dispatcher(sink: Slow(started: started))
        let delivery = Task { try await stopped.deliverDue() }
        for await _ in starts.prefix(2) {}
        delivery.cancel()
        _ = await delivery.result

        #expect(try await dispatcher().deliverDue() == .init(delivered: 3))
    }

    @Test(.timeLimit(.minutes(1))) func aWriteWakesTheDispatcher() async throws {
        let core = try await CoreFixture()
        let (looks, looked) = AsyncStream.makeStream(of: Void.self)
        let dispatcher = EventDispatcher(
            outbox: Watched(outbox: metadata, foundNothing: looked), sink: receiver, signal: core.storage.events,
            schedule: .init(interval: .seconds(3600)), logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        let running = Task { await dispatcher.run() }
        defer { running.cancel() }
        var ends = looks.makeAsyncIterator()
        await ends.next()
        try await put("a")
        #expect(receiver.received.isEmpty)

        // Of another object in another store: what counts is that somebody wrote.
        try await core.put("x", at: "b")
        await ends.next()

        #expect(receiver.received == ["ObjectCreated:Post a"])
    }

    /// Tells when there was nothing to deliver.
    private struct Watched: EventOutbox {
        let outbox: InMemoryMetadataStore
        let foundNothing: AsyncStream<Void>.Continuation

        func takeEvents(limit: Int, lease: Int64) async throws -> [StorageEvent] {
            let events = try await outbox.takeEvents(limit: limit, lease: lease)
            if events.isEmpty { foundNothing.yield() }
            return events
        }

        func finishEvents(_ ids: [EventID]) async throws { try await outbox.finishEvents(ids) }
        func postponeEvent(_ id: EventID, bySeconds seconds: Int64, because reason: String) async throws {
            try await outbox.postponeEvent(id, bySeconds: seconds, because: reason)
        }
        func buryEvent(_ id: EventID, because reason: String) async throws { try await outbox.buryEvent(id, because: reason) }
        func releaseEvents(_ ids: [EventID]) async throws { try await outbox.releaseEvents(ids) }
        func forgetDeadEvents(before date: Timestamp) async throws -> Int { try await outbox.forgetDeadEvents(before: date) }
        func eventCounts() async throws -> EventCounts { try await outbox.eventCounts() }
    }
}
