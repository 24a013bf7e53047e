// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import MediaCore
import MediaTesting
import Synchronization

/// A queue with workers that look at it all the time, and leases that are renewed as often.
struct JobFixture: Sendable {
    static let kind = JobKind("test")

    let clock = ManualClock()
    let queue: InMemoryMetadataStore
    let store: FaultyJobStore
    let wake = WakeSignal()

    init() {
        let clock = self.clock
        queue = InMemoryMetadataStore(now: { clock.now() })
        store = FaultyJobStore(queue)
    }

    func workers(
        concurrency: Int = 2, lease: Int64 = 600, _ handlers: any JobHandler...
    ) -> JobWorkers {
        JobWorkers(
            store: store, handlers: handlers, wake: wake, name: "test",
            schedule: JobWorkers.Schedule(
                concurrency: concurrency, interval: .milliseconds(2), lease: lease, heartbeat: .milliseconds(2),
                backOff: BackOff(first: 64, longest: 900)),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    /// Runs workers while `body` runs, and cancels them behind it.
    func running(_ workers: JobWorkers, _ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await workers.run() }
            try await body()
            group.cancelAll()
        }
    }

    @discardableResult
    func enqueue(_ payload: String = "{}", kind: JobKind = Self.kind) async throws -> JobID {
        let id = try await queue.enqueueJob(NewJob(kind, payload: JSONText(trusted: payload)), facts: CoreFixture.facts).job.id
        wake.signal()
        return id
    }

    /// The job, once it is as wanted. The test's time limit ends the wait.
    func job(_ id: JobID, once isWanted: (Job) -> Bool) async throws -> Job {
        while true {
            if let job = try await queue.job(id), isWanted(job) { return job }
            try Task.checkCancellation()
            await Task.yield()
        }
    }

    func job(_ id: JobID, once status: JobStatus) async throws -> Job { try await job(id) { $0.status == status } }
}

/// Does what a test says.
struct TestHandler: JobHandler {
    var kind = JobFixture.kind
    var limit: Int?
    var bucketLimit: Int?
    var body: @Sendable (JobContext) async throws -> Void

    init(
        kind: JobKind = JobFixture.kind, limit: Int? = nil, bucketLimit: Int? = nil,
        _ body: @escaping @Sendable (JobContext) async throws -> Void
    ) {
        self.kind = kind
        self.limit = limit
        self.bucketLimit = bucketLimit
        self.body = body
    }

    func run(_ job: JobContext) async throws { try await body(job) }
}

/// Something that happens once, or several times.
struct Event: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream() }

    func happen() { continuation.yield() }

    /// Until it has happened so often; or, without throwing, until the task is cancelled.
    func wait(times: Int = 1) async {
        var rest = times
        for await _ in stream {
            rest -= 1
            if rest == 0 { return }
        }
    }
}

/// Until the task is cancelled. - Throws: `CancellationError`, then.
func waitForCancellation() async throws {
    await Event().wait()
    try Task.checkCancellation()
}

/// A queue that can be out of reach.
final class FaultyJobStore: JobStore {
    enum Call: Hashable, Sendable { case renew, finish }

    private let queue: InMemoryMetadataStore
    private let failures = Mutex<[Call: Int]>([:])
    private let hangs = Mutex(false)

    init(_ queue: InMemoryMetadataStore) { self.queue = queue }

    /// The next so many calls fail.
    func fail(_ call: Call, times: Int) { failures.withLock { $0[call] = times } }

    /// Renewals are never answered.
    func hangOnRenewals() { hangs.withLock { $0 = true } }

    func failuresLeft(of call: Call) -> Int { failures.withLock { $0[call, default: 0] } }

    private func check(_ call: Call) throws {
        try failures.withLock { failures in
            guard failures[call, default: 0] > 0 else { return }
            failures[call, default: 0] -= 1
            throw StorageError(.databaseFailure, "database error, code: connection", isRetryable: true)
        }
    }

    func renewJob(
        _ lease: JobLease, forSeconds seconds: Int64, report: JobReport, checkpoint: JSONText?
    ) async throws -> JobRenewal {
        try check(.renew)
        if hangs.withLock({ $0 }) { try await waitForCancellation() }
        return try await queue.renewJob(lease, forSeconds: seconds, report: report, checkpoint: checkpoint)
    }

    func finishJob(_ lease: JobLease, _ ending: JobEnding, report: JobReport) async throws -> JobStatus? {
        try check(.finish)
        return try await queue.finishJob(lease, ending, report: report)
    }

    func enqueueJob(_ job: NewJob, facts: RequestFacts) async throws -> EnqueuedJob {
        try await queue.enqueueJob(job, facts: facts)
    }
    func takeJob(
        of kinds: Set<JobKind>, sparing spared: SparedJobs, worker: String, lease: Int64
    ) async throws -> TakenJob? {
        try await queue.takeJob(of: kinds, sparing: spared, worker: worker, lease: lease)
    }
    func job(_ id: JobID) async throws -> Job? { try await queue.job(id) }
    func jobs(matching query: JobQuery) async throws -> JobPage { try await queue.jobs(matching: query) }
    func cancelJob(_ id: JobID) async throws -> Job? { try await queue.cancelJob(id) }
    func forgetJobs(endedForSeconds age: Int64, limit: Int) async throws -> Int {
        try await queue.forgetJobs(endedForSeconds: age, limit: limit)
    }
    func jobCounts() async throws -> [JobCount] { try await queue.jobCounts() }
    func job(_ id: JobID, in bucket: BucketID, as caller: Caller) async throws -> Job? {
        try await queue.job(id, in: bucket, as: caller)
    }
    func jobs(matching query: JobQuery, in bucket: BucketID, as caller: Caller) async throws -> JobPage {
        try await queue.jobs(matching: query, in: bucket, as: caller)
    }
    func cancelJob(_ id: JobID, in bucket: BucketID, as caller: Caller) async throws -> Job? {
        try await queue.cancelJob(id, in: bucket, as: caller)
    }
}
