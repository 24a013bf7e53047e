// SPDX-License-Identifier: Apache-2.0

/// The durable queue: jobs that wait, those that workers run, and what became of them.
///
/// Only the database's clock counts. SQL enqueues too, in whatever transaction it likes: `magpie.enqueue_job`.
public protocol JobStore: Sendable {
    // MARK: As system

    /// Writes a job down and wakes the workers. Where an unfinished job has the same unique key, that one is returned instead, with the
    /// new payload if it is still pending: it is then new work that has made no attempt, unless the payload is the same.
    /// - Throws: `.relatedResourceMissing` when the bucket does not exist.
    func enqueueJob(_ job: NewJob, facts: RequestFacts) async throws -> EnqueuedJob

    /// Takes the job of these kinds that is due first: by priority, then by the date. A job whose lease ran out is due too; where it is to
    /// be cancelled, or has made all its attempts, it ends instead.
    /// - Parameters:
    ///   - spared: what of these kinds is left alone.
    ///   - worker: who takes it, for whoever looks at the table.
    ///   - lease: in seconds.
    func takeJob(of kinds: Set<JobKind>, sparing spared: SparedJobs, worker: String, lease: Int64) async throws -> TakenJob?

    /// Prolongs a lease to so many seconds from now and writes what came with it, or nothing at all of that.
    /// - Parameter checkpoint: nil leaves the one that is there. Another than that one makes the attempts count anew.
    func renewJob(_ lease: JobLease, forSeconds seconds: Int64, report: JobReport, checkpoint: JSONText?) async throws
        -> JobRenewal

    /// Ends an attempt. `.retry` of a job without attempts left fails it; `.retry` and `.released` of one to be cancelled cancel it.
    /// - Returns: what the job is then. Nil: the lease was lost, and nothing is written.
    func finishJob(_ lease: JobLease, _ ending: JobEnding, report: JobReport) async throws -> JobStatus?

    /// Nil when there is none.
    func job(_ id: JobID) async throws -> Job?

    /// Jobs of any bucket.
    func jobs(matching query: JobQuery) async throws -> JobPage

    /// A pending job is cancelled at once, one that runs is told to end, one that ended stays as it is.
    /// - Returns: the job after that. Nil when there is none.
    func cancelJob(_ id: JobID) async throws -> Job?

    /// Forgets up to `limit` jobs that ended longer ago than so many seconds. - Returns: how many.
    func forgetJobs(endedForSeconds age: Int64, limit: Int) async throws -> Int

    /// How many unfinished jobs there are, by kind.
    func jobCounts() async throws -> [JobCount]

    // MARK: As caller: who may update a bucket may see and cancel its jobs

    /// Nil when there is none in the bucket. - Throws: `.bucketNotFound` when the caller does not see the bucket; `.accessDenied` with
    /// a refusal when it may not update it.
    func job(_ id: JobID, in bucket: BucketID, as caller: Caller) async throws -> Job?

    /// Jobs of the bucket, whatever bucket the query names. - Throws: as `job(_:in:as:)`.
    func jobs(matching query: JobQuery, in bucket: BucketID, as caller: Caller) async throws -> JobPage

    /// As `cancelJob(_:)`. Nil when there is none in the bucket. - Throws: as `job(_:in:as:)`.
    func cancelJob(_ id: JobID, in bucket: BucketID, as caller: Caller) async throws -> Job?
}

/// Jobs that a worker leaves alone for now: those of some kinds in buckets that it does enough for.
public struct SparedJobs: Hashable, Sendable {
    public var kinds: Set<JobKind>
    public var buckets: Set<BucketID>

    /// None, where nothing is said.
    public init(of kinds: Set<JobKind> = [], in buckets: Set<BucketID> = []) {
        self.kinds = kinds
        self.buckets = buckets
    }

    /// Whether a job is one of them.
    public func contains(_ job: Job) -> Bool {
        kinds.contains(job.kind) && job.bucket.map(buckets.contains) ?? false
    }
}

extension JobStore {
    /// The newest job about something of a bucket. Nil when there is none. - Throws: as `job(_:in:as:)`.
    public func latestJob(
        about subject: String, kinds: Set<JobKind>? = nil, in bucket: BucketID, as caller: Caller
    ) async throws -> Job? {
        let query = JobQuery(in: bucket, subject: subject, kinds: kinds, limit: 1)
        return try await jobs(matching: query, in: bucket, as: caller).jobs.first
    }

    /// As system, for a front-end that has asked in another way whether its caller may know.
    public func latestJob(about subject: String, kinds: Set<JobKind>? = nil, in bucket: BucketID) async throws -> Job? {
        try await jobs(matching: JobQuery(in: bucket, subject: subject, kinds: kinds, limit: 1)).jobs.first
    }
}
