// SPDX-License-Identifier: Apache-2.0

public import MediaCore
import Synchronization

extension InMemoryMetadataStore {
    /// A row of `magpie.jobs`.
    struct StoredJob {
        var job: Job
        var uniqueKey: String?
        var fence: Int64 = 0
    }

    public func enqueueJob(_ new: NewJob, facts: RequestFacts) async throws -> EnqueuedJob {
        let time = now()
        return try state.withLock { state in
            if let bucket = new.bucket, state.buckets[bucket] == nil {
                throw StorageError(.relatedResourceMissing, "The related resource does not exist")
            }
            let (id, isNew) = state.enqueue(new, at: time)
            return EnqueuedJob(job: try state.requireJob(id), isNew: isNew)
        }
    }

    public func takeJob(
        of kinds: Set<JobKind>, sparing spared: SparedJobs, worker: String, lease: Int64
    ) async throws -> TakenJob? {
        let time = now()
        return state.withLock { state in
            let due = state.jobs.values.filter {
                !$0.job.status.isFinal && $0.job.runAfter <= time && kinds.contains($0.job.kind)
                    && !spared.contains($0.job)
            }
            for var stored in due.sorted(by: Self.goesFirst) {
                let isTaken = stored.take(until: time.adding(seconds: lease), at: time)
                state.jobs[stored.job.id] = stored
                if isTaken { return TakenJob(job: stored.job, lease: JobLease(job: stored.job.id, fence: stored.fence)) }
            }
            return nil
        }
    }

    public func renewJob(
        _ lease: JobLease, forSeconds seconds: Int64, report: JobReport, checkpoint: JSONText?
    ) async throws -> JobRenewal {
        let end = now().adding(seconds: seconds)
        return state.withLock { state in
            guard var stored = state.jobs[lease.job], stored.isHeld(by: lease) else { return .lost }
            guard !stored.job.isCancelRequested else { return .cancelRequested }
            stored.job.runAfter = end
            stored.job.status = report.isDiscovering ? .discovering : .running
            stored.write(report)
            if let checkpoint, checkpoint != stored.job.checkpoint {
                stored.job.checkpoint = checkpoint
                stored.job.attempts = 1
            }
            state.jobs[lease.job] = stored
            return .renewed
        }
    }

    public func finishJob(_ lease: JobLease, _ ending: JobEnding, report: JobReport) async throws -> JobStatus? {
        let time = now()
        return state.withLock { state in
            guard var stored = state.jobs[lease.job], stored.isHeld(by: lease) else { return nil }
            stored.write(report)
            stored.end(ending, at: time)
            state.jobs[lease.job] = stored
            if stored.job.status == .pending, stored.job.runAfter <= time { state.report(.jobs) }
            return stored.job.status
        }
    }

    public func job(_ id: JobID) async throws -> Job? { state.withLock { $0.jobs[id]?.job } }

    public func jobs(matching query: JobQuery) async throws -> JobPage { state.withLock { $0.jobPage(query) } }

    public func cancelJob(_ id: JobID) async throws -> Job? {
        let time = now()
        return state.withLock { $0.cancelJob(id, at: time) }
    }

    public func forgetJobs(endedForSeconds age: Int64, limit: Int) async throws -> Int {
        let date = now().adding(seconds: -age)
        return state.withLock { state in
            let old = state.jobs.values.filter { $0.job.completedAt.map { $0 <= date } ?? false }.prefix(max(0, limit))
            for stored in old { state.jobs[stored.job.id] = nil }
            return old.count
        }
    }

    public func jobCounts() async throws -> [JobCount] {
        state.withLock { state in
            let kinds = Dictionary(grouping: state.jobs.values.map(\.job).filter { !$0.status.isFinal }, by: \.kind)
            return kinds.map { kind, jobs in
                let pending = jobs.count { $0.status == .pending }
                return JobCount(kind: kind, pending: pending, running: jobs.count - pending)
            }
            .sorted { $0.kind.rawValue < $1.kind.rawValue }
        }
    }

    // MARK: As caller

    public func job(_ id: JobID, in bucket: BucketID, as caller: Caller) async throws -> Job? {
        try withJobs(of: bucket, as: caller) { state in state.jobs[id].map(\.job).flatMap { $0.bucket == bucket ? $0 : nil } }
    }

    public func jobs(matching query: JobQuery, in bucket: BucketID, as caller: Caller) async throws -> JobPage {
        var query = query
        query.bucket = bucket
        return try withJobs(of: bucket, as: caller) { [query] state in state.jobPage(query) }
    }

    public func cancelJob(_ id: JobID, in bucket: BucketID, as caller: Caller) async throws -> Job? {
        let time = now()
        return try withJobs(of: bucket, as: caller) { state in
            guard state.jobs[id]?.job.bucket == bucket else { return nil }
            return state.cancelJob(id, at: time)
        }
    }

    private func withJobs<Value: Sendable>(
        of id: BucketID, as caller: Caller, _ body: (inout State) -> Value
    ) throws -> Value {
        try transaction(as: caller) { state, security in
            guard let bucket = state.buckets[id], security.sees(bucket) else { throw StorageError.bucketNotFound(id) }
            guard security.allows(.update, .bucket(bucket)) else {
                throw security.refused(.update, .bucket(bucket), "Access denied")
            }
            return body(&state)
        }
    }

    private static func goesFirst(_ a: StoredJob, _ b: StoredJob) -> Bool {
        guard a.job.priority == b.job.priority else { return a.job.priority > b.job.priority }
        return (a.job.runAfter, a.job.id.rawValue) < (b.job.runAfter, b.job.id.rawValue)
    }
}

extension InMemoryMetadataStore.StoredJob {
    func isHeld(by lease: JobLease) -> Bool {
        fence == lease.fence && (job.status == .running || job.status == .discovering)
    }

    /// A pending job becomes what is asked for now.
    fileprivate mutating func replace(by new: NewJob, at time: Timestamp) {
        guard job.status == .pending else { return }
        if job.payload != new.payload {
            job.attempts = 0
            job.checkpoint = nil
            job.failure = nil
        }
        job.kind = new.kind
        job.bucket = new.bucket
        job.subject = new.subject
        job.payload = new.payload
        job.priority = max(job.priority, new.priority)
        job.maxAttempts = new.maxAttempts
        job.runAfter = min(job.runAfter, new.runAfter ?? time)
    }

    /// - Returns: false when it ended instead.
    fileprivate mutating func take(until end: Timestamp, at time: Timestamp) -> Bool {
        fence += 1
        if job.status != .pending, job.isCancelRequested || job.attempts >= job.maxAttempts {
            job.failure = job.isCancelRequested ? job.failure : Job.workerDied
            close(job.isCancelRequested ? .cancelled : .failed, at: time)
            return false
        }
        job.status = .running
        job.attempts += 1
        job.runAfter = end
        job.startedAt = job.startedAt ?? time
        return true
    }

    fileprivate mutating func write(_ report: JobReport) {
        job.progress = report.progress
        job.recentErrors = report.recentErrors.suffix(JobReport.maxErrors)
    }

    fileprivate mutating func end(_ ending: JobEnding, at time: Timestamp) {
        switch ending {
        case .completed: settle(.completed, at: time)
        case .completedWithErrors: settle(.completedWithErrors, at: time)
        case .cancelled: settle(.cancelled, at: time)
        case .failed(let reason):
            job.failure = reason.replacing("\0", with: "")
            close(.failed, at: time)
        case .retry, .released:
            if case .released = ending { job.attempts = max(0, job.attempts - 1) }
            if job.isCancelRequested { settle(.cancelled, at: time) } else { returnToQueue(ending, at: time) }
        }
    }

    private mutating func returnToQueue(_ ending: JobEnding, at time: Timestamp) {
        job.status = .pending
        job.runAfter = time
        if case .retry(let seconds, let reason) = ending {
            job.failure = reason.replacing("\0", with: "")
            if job.attempts >= job.maxAttempts { return close(.failed, at: time) }
            job.runAfter = time.adding(seconds: seconds)
        }
    }

    private mutating func settle(_ status: JobStatus, at time: Timestamp) {
        job.failure = nil
        close(status, at: time)
    }

    fileprivate mutating func close(_ status: JobStatus, at time: Timestamp) {
        job.status = status
        job.completedAt = time
    }
}

extension InMemoryMetadataStore.State {
    /// - Returns: the job, or the unfinished one of the same unique key, which has the new payload where that is not too late.
    mutating func enqueue(_ new: NewJob, at time: Timestamp) -> (id: JobID, isNew: Bool) {
        let known = new.uniqueKey.flatMap { unfinishedJob(withKey: $0) }
        let id = known ?? JobID()
        if known != nil {
            jobs[id]?.replace(by: new, at: time)
        } else {
            let job = Job(
                id: id, kind: new.kind, bucket: new.bucket, subject: new.subject, payload: new.payload,
                priority: new.priority, maxAttempts: new.maxAttempts, runAfter: new.runAfter ?? time, createdAt: time)
            jobs[id] = InMemoryMetadataStore.StoredJob(job: job, uniqueKey: new.uniqueKey)
        }
        if let job = jobs[id]?.job, job.status == .pending, job.runAfter <= time { report(.jobs) }
        return (id, known == nil)
    }

    fileprivate func unfinishedJob(withKey key: String) -> JobID? {
        jobs.values.first { $0.uniqueKey == key && !$0.job.status.isFinal }?.job.id
    }

    fileprivate func requireJob(_ id: JobID) throws -> Job {
        guard let stored = jobs[id] else { throw StorageError(.internal, "The job was not written") }
        return stored.job
    }

    fileprivate mutating func cancelJob(_ id: JobID, at time: Timestamp) -> Job? {
        guard var stored = jobs[id] else { return nil }
        if !stored.job.status.isFinal {
            stored.job.isCancelRequested = true
            if stored.job.status == .pending { stored.close(.cancelled, at: time) }
            jobs[id] = stored
        }
        return stored.job
    }

    fileprivate func jobPage(_ query: JobQuery) -> JobPage {
        let found = jobs.values.map(\.job).filter { job in
            (query.bucket == nil || job.bucket == query.bucket) && (query.subject == nil || job.subject == query.subject)
                && (query.kinds?.contains(job.kind) ?? true) && (query.statuses?.contains(job.status) ?? true)
                && query.after.map { (job.createdAt, job.id.rawValue) < ($0.createdAt, $0.id.rawValue) } ?? true
        }
        .sorted { ($0.createdAt, $0.id.rawValue) > ($1.createdAt, $1.id.rawValue) }
        let limit = min(max(0, query.limit), JobQuery.maxLimit)
        let page = Array(found.prefix(limit))
        return JobPage(jobs: page, next: found.count > limit ? page.last.map { JobCursor($0) } : nil)
    }
}
