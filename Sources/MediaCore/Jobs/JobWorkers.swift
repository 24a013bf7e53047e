// SPDX-License-Identifier: Apache-2.0

public import Logging
import Synchronization

/// Runs the jobs of a queue: as many at a time as it is told to, beside any number of other workers on the same database.
///
/// While a job runs its lease is renewed every few seconds; that is also how a worker learns that a job was cancelled or is somebody
/// else's by now. `docs/decisions/0018` says what that leaves to handlers.
public final class JobWorkers: Sendable {
    /// How hard it works.
    public struct Schedule: Sendable {
        /// The most jobs at a time.
        public var concurrency: Int
        /// How often it looks without being asked: for jobs of others, and for those that wait until a date.
        public var interval: Duration
        /// In seconds. After a crash the jobs that were running wait for this long.
        public var lease: Int64
        /// How often leases are renewed and progress is written down. Several times within a lease.
        public var heartbeat: Duration
        public var backOff: BackOff
        /// In seconds: how long a job that ended is kept.
        public var retention: Int64

        public init(
            concurrency: Int = 2, interval: Duration = .seconds(1), lease: Int64 = 15, heartbeat: Duration = .seconds(3),
            backOff: BackOff = BackOff(first: 5, longest: 900), retention: Int64 = 14 * 86_400
        ) {
            self.concurrency = concurrency
            self.interval = interval
            self.lease = lease
            self.heartbeat = heartbeat
            self.backOff = backOff
            self.retention = retention
        }
    }

    private struct State {
        var running: [JobKind: Int] = [:]
        /// Those that are limited by bucket.
        var runningEach: [BucketID: Int] = [:]
        var isStopping = false
    }

    let store: any JobStore
    let schedule: Schedule
    let metrics: JobMetrics
    let logger: Logger
    private let handlers: [JobKind: any JobHandler]
    private let wake: WakeSignal
    private let name: String
    private let state = Mutex(State())

    /// - Parameters:
    ///   - handlers: one a kind; jobs of other kinds are left to other workers.
    ///   - wake: to be signalled when a job may be due.
    ///   - name: who this is, for whoever looks at the table.
    public init(
        store: any JobStore, handlers: [any JobHandler], wake: WakeSignal, name: String, schedule: Schedule = Schedule(),
        logger: Logger
    ) {
        self.store = store
        self.handlers = Dictionary(uniqueKeysWithValues: handlers.map { ($0.kind, $0) })
        self.metrics = JobMetrics(kinds: handlers.map(\.kind))
        self.wake = wake
        self.name = name
        self.schedule = schedule
        self.logger = logger
    }

    /// Works until `stop()`, and then until the jobs under way have ended. When it is cancelled they are cut off and somebody else goes on
    /// with them at once.
    public func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [self] in await work.every(schedule.interval) { wake.signal() } }
            group.addTask { [self] in await keepHouse() }
            await runWhenAsked()
            group.cancelAll()
        }
    }

    /// No further job is begun.
    public func stop() {
        state.withLock { $0.isStopping = true }
        wake.signal()
    }

    private func runWhenAsked() async {
        await withDiscardingTaskGroup { group in
            for await _ in wake.wakes {
                if Task.isCancelled || isStopping { return }
                await work.attempt("taking") {
                    while let attempt = try await next() {
                        group.addTask { [self] in
                            await attempt.run()
                            end(attempt.job)
                            wake.signal()
                        }
                    }
                }
            }
        }
    }

    /// Takes a job, if there is room for one. Called by one task.
    private func next() async throws -> JobAttempt? {
        let (kinds, spared) = free
        guard !kinds.isEmpty else { return nil }
        let start = ContinuousClock.now
        // To its end: a job that was taken and forgotten waits for its lease to run out.
        let taken = try await runToEnd { [self] in
            try await store.takeJob(of: kinds, sparing: spared, worker: name, lease: schedule.lease)
        }
        guard let taken, let handler = handlers[taken.job.kind] else { return nil }
        let isWanted = state.withLock { state in
            guard !state.isStopping else { return false }
            state.running[taken.job.kind, default: 0] += 1
            if handler.bucketLimit != nil, let bucket = taken.job.bucket { state.runningEach[bucket, default: 0] += 1 }
            return true
        }
        guard isWanted else {
            try await giveBack(taken)
            return nil
        }
        return JobAttempt(taken, by: handler, of: self, since: start)
    }

    /// It was taken while the worker was told to stop.
    private func giveBack(_ taken: TakenJob) async throws {
        let report = JobReport(progress: taken.job.progress, recentErrors: taken.job.recentErrors)
        _ = try await runToEnd { [store] in try await store.finishJob(taken.lease, .released, report: report) }
    }

    private func end(_ job: Job) {
        state.withLock { state in
            state.running[job.kind, default: 1] -= 1
            guard handlers[job.kind]?.bucketLimit != nil, let bucket = job.bucket else { return }
            let rest = state.runningEach[bucket, default: 1] - 1
            state.runningEach[bucket] = rest > 0 ? rest : nil
        }
    }

    /// The kinds that there is room for, and of which buckets there is none.
    private var free: (kinds: Set<JobKind>, spared: SparedJobs) {
        state.withLock { state in
            guard !state.isStopping, state.running.values.reduce(0, +) < schedule.concurrency else { return ([], SparedJobs()) }
            let kinds = Set(
                handlers.values.filter { handler in handler.limit.map { state.running[handler.kind, default: 0] < $0 } ?? true }
                    .map(\.kind))
            let limited = handlers.values.filter { $0.bucketLimit != nil }
            let most = limited.compactMap(\.bucketLimit).min() ?? .max
            let full = Set(state.runningEach.filter { $0.value >= most }.keys)
            return (kinds, full.isEmpty ? SparedJobs() : SparedJobs(of: Set(limited.map(\.kind)), in: full))
        }
    }

    private var isStopping: Bool { state.withLock { $0.isStopping } }
    private var work: RecurringWork { RecurringWork(name: "jobs", logger: logger) }
}

extension JobWorkers {
    private static let housekeepingInterval = Duration.seconds(15)
    private static let batch = 1000

    /// Counts what is left and forgets what ended long ago, until cancelled.
    private func keepHouse() async {
        let recurring = work
        await recurring.every(Self.housekeepingInterval) {
            await recurring.attempt("counting") { metrics.record(try await store.jobCounts()) }
            await recurring.attempt("forgetting") { try await forgetOld() }
        }
    }

    private func forgetOld() async throws {
        var count: Int
        repeat {
            try Task.checkCancellation()
            count = try await store.forgetJobs(endedForSeconds: schedule.retention, limit: Self.batch)
        } while count == Self.batch
    }
}
