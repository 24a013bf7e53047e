// SPDX-License-Identifier: Apache-2.0

public import Logging
import Metrics

/// Delivers the events of the outbox: each at least once, those of one object in their order.
///
/// It can be stopped at any point and run by several servers at once: an event belongs to who took it until the lease runs out.
public struct EventDispatcher: Sendable {
    /// How hard it tries.
    public struct Schedule: Sendable {
        /// How often it looks without being asked: for events of others, and for those that failed.
        public var interval: Duration
        /// How many events are taken at a time, and how many deliveries run at a time.
        public var batch: Int
        public var concurrency: Int
        /// In seconds. After a crash the events that were being delivered wait for this long.
        public var lease: Int64
        /// The longest that a delivery takes, in seconds.
        public var deliveryTime: Int64
        public var backOff: BackOff
        /// The failures after which an event is given up. As many as Supabase's queue makes.
        public var attempts: Int
        /// In seconds: how long an event that was given up is kept.
        public var deadRetention: Int64

        public init(
            interval: Duration = .seconds(2), batch: Int = 32, concurrency: Int = 8, lease: Int64 = 30, deliveryTime: Int64 = 8,
            backOff: BackOff = BackOff(first: 2, longest: 3600), attempts: Int = 20, deadRetention: Int64 = 14 * 86_400
        ) {
            self.interval = interval
            self.batch = batch
            self.concurrency = concurrency
            self.lease = lease
            self.deliveryTime = deliveryTime
            self.backOff = backOff
            self.attempts = attempts
            self.deadRetention = deadRetention
        }
    }

    /// What became of events.
    public struct Outcome: Hashable, Sendable {
        public var delivered = 0
        public var muted = 0
        public var failed = 0
        public var dead = 0

        public init(delivered: Int = 0, muted: Int = 0, failed: Int = 0, dead: Int = 0) {
            self.delivered = delivered
            self.muted = muted
            self.failed = failed
            self.dead = dead
        }

        static func += (a: inout Outcome, b: Outcome) {
            a.delivered += b.delivered
            a.muted += b.muted
            a.failed += b.failed
            a.dead += b.dead
        }
    }

    private static let housekeepingInterval = Duration.seconds(60)

    private let outbox: any EventOutbox
    private let sink: any EventSink
    private let signal: WakeSignal
    private let muting: EventMuting
    private let schedule: Schedule
    private let logger: Logger
    private let delivered = Counter(label: "magpie_events_delivered_total")
    private let muted = Counter(label: "magpie_events_muted_total")
    private let failures = Counter(label: "magpie_events_delivery_failures_total")
    private let died = Counter(label: "magpie_events_given_up_total")
    private let waitingNow = Gauge(label: "magpie_events_waiting")
    private let deadNow = Gauge(label: "magpie_events_dead")

    public init(
        outbox: any EventOutbox, sink: any EventSink, signal: WakeSignal, muting: EventMuting = .none,
        schedule: Schedule = Schedule(), logger: Logger
    ) {
        self.outbox = outbox
        self.sink = sink
        self.signal = signal
        self.muting = muting
        self.schedule = schedule
        self.logger = logger
    }

    /// Works until cancelled.
    public func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in signal.wakes {
                    if Task.isCancelled { return }
                    await work.attempt("delivery") { try await deliverDue() }
                }
            }
            group.addTask { await work.every(schedule.interval) { signal.signal() } }
            group.addTask {
                await work.every(Self.housekeepingInterval) {
                    await work.attempt("counting") { try await keepHouse() }
                }
            }
        }
    }

    /// Delivers until nothing is due, or nothing gets through any more.
    @discardableResult
    public func deliverDue() async throws -> Outcome {
        var all = Outcome()
        while true {
            try Task.checkCancellation()
            let start = ContinuousClock.now
            let events = try await outbox.takeEvents(limit: schedule.batch, lease: schedule.lease)
            guard !events.isEmpty else { return all }
            let outcome = try await deliver(events, until: start + .seconds(schedule.lease - schedule.deliveryTime))
            all += outcome
            // The receiver is down, most likely: the rest of what is due is not spent on finding that out.
            if outcome.failed + outcome.dead > 0, outcome.delivered + outcome.muted == 0 { return all }
        }
    }

    /// Forgets what was given up long ago, and counts what is left.
    public func keepHouse(now: Timestamp = .now()) async throws {
        _ = try await outbox.forgetDeadEvents(before: now.adding(seconds: -schedule.deadRetention))
        let counts = try await outbox.eventCounts()
        waitingNow.record(counts.waiting)
        deadNow.record(counts.dead)
    }

    /// Delivers events of different objects at the same time, those of one object one after the other.
    private func deliver(_ events: [StorageEvent], until deadline: ContinuousClock.Instant) async throws -> Outcome {
        var outcome = Outcome()
        let unwanted = events.filter(muting.mutes).map(\.id)
        if !unwanted.isEmpty {
            try await outbox.finishEvents(unwanted)
            muted.increment(by: unwanted.count)
            outcome.muted = unwanted.count
        }
        let objects = Dictionary(grouping: events.filter { !muting.mutes($0) }, by: \.address).values
        return try await withThrowingTaskGroup(of: Outcome.self) { [outcome] group in
            var waiting = objects.map { $0.sorted { $0.id < $1.id } }.makeIterator()
            var outcome = outcome
            for _ in 0..<schedule.concurrency {
                guard let next = waiting.next() else { break }
                group.addTask { try await deliverInOrder(next, until: deadline) }
            }
            while let finished = try await group.next() {
                outcome += finished
                if let next = waiting.next() { group.addTask { try await deliverInOrder(next, until: deadline) } }
            }
            return outcome
        }
    }

    /// Delivers the events of one object until one of them has to wait; that one then keeps the later ones.
    private func deliverInOrder(_ events: [StorageEvent], until deadline: ContinuousClock.Instant) async throws -> Outcome {
        var outcome = Outcome()
        for (index, event) in events.enumerated() {
            guard !Task.isCancelled, ContinuousClock.now < deadline else {
                try await release(events[index...])
                return outcome
            }
            do {
                try await sink.deliver(event)
            } catch is CancellationError {
                try await release(events[index...])
                return outcome
            } catch {
                failures.increment()
                if try await putOff(event, because: "\(error)") {
                    outcome.failed += 1
                    return outcome
                }
                outcome.dead += 1
                continue
            }
            // To its end: what was delivered and not forgotten is delivered again.
            try await runToEnd { try await outbox.finishEvents([event.id]) }
            delivered.increment()
            outcome.delivered += 1
        }
        return outcome
    }

    /// - Returns: false when the event is given up.
    private func putOff(_ event: StorageEvent, because reason: String) async throws -> Bool {
        let failures = event.attempts + 1
        let metadata: Logger.Metadata = [
            "event": "\(event.id)", "type": "\(event.type.rawValue)", "object": "\(event.address)", "attempt": "\(failures)",
            "error": "\(reason)",
        ]
        guard failures < schedule.attempts else {
            try await runToEnd { try await outbox.buryEvent(event.id, because: reason) }
            died.increment()
            logger.error("event given up", metadata: metadata)
            return false
        }
        var generator = SystemRandomNumberGenerator()
        let wait = schedule.backOff.wait(after: failures, using: &generator)
        try await runToEnd { try await outbox.postponeEvent(event.id, bySeconds: wait, because: reason) }
        logger.warning("event not delivered, trying again later", metadata: metadata)
        return true
    }

    private func release(_ events: ArraySlice<StorageEvent>) async throws {
        let ids = events.map(\.id)
        try await runToEnd { try await outbox.releaseEvents(ids) }
    }

    private var work: RecurringWork { RecurringWork(name: "events", logger: logger) }
}
