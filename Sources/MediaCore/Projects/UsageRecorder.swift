// SPDX-License-Identifier: Apache-2.0

public import Logging

/// Brings what was counted to the database now and then, and at the end.
public struct UsageRecorder: Sendable {
    /// How often.
    public struct Schedule: Sendable {
        /// A crash loses what was counted in less than this.
        public var flushInterval: Duration
        /// How often the storage of the day is noted; the last of a day counts.
        public var snapshotInterval: Duration

        public init(flushInterval: Duration = .seconds(10), snapshotInterval: Duration = .seconds(3600)) {
            self.flushInterval = flushInterval
            self.snapshotInterval = snapshotInterval
        }
    }

    private let meter: UsageMeter
    private let metadata: any MetadataStore
    private let schedule: Schedule
    private let now: @Sendable () -> Timestamp
    private let work: RecurringWork

    public init(
        storage: Storage, metadata: any MetadataStore, schedule: Schedule = Schedule(), logger: Logger,
        now: @escaping @Sendable () -> Timestamp = Timestamp.now
    ) {
        self.meter = storage.usage
        self.metadata = metadata
        self.schedule = schedule
        self.now = now
        self.work = RecurringWork(name: "usage", logger: logger)
    }

    /// Works until cancelled, and brings the rest home then.
    public func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await work.every(schedule.flushInterval) { await work.attempt("flush") { try await flush() } }
            }
            group.addTask {
                await work.every(schedule.snapshotInterval) { await work.attempt("snapshot") { try await recordStorage() } }
            }
        }
        await work.attempt("flush") { try await flush() }
    }

    /// Adds what was counted to what the database knows.
    public func flush() async throws { try await meter.flush(to: metadata) }

    /// Notes what projects hold today.
    public func recordStorage() async throws {
        let day = UsageDay(now())
        try await runToEnd { try await metadata.recordStorage(on: day) }
    }
}
