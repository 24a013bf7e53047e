// SPDX-License-Identifier: Apache-2.0

public import MediaCore

/// The durable queue. Migration 17 says what a row is.
extension PostgresMetadataStore {
    public func enqueueJob(_ job: NewJob, facts: RequestFacts) async throws -> EnqueuedJob {
        let id = JobID()
        let enqueue = Step.run(
            Self.enqueueJob, job.kind.rawValue, job.bucket?.rawValue, job.subject, Parameter.json(job.payload), job.uniqueKey,
            Parameter.timestamp(job.runAfter), Parameter.int(job.priority), Parameter.int(job.maxAttempts), id.rawValue)
        return try await transaction([.scope(announcing(system(facts))), enqueue]) { results in
            let job = try JobColumns.read(results[0].onlyRow())
            return EnqueuedJob(job: job, isNew: job.id == id)
        }
    }

    public func takeJob(
        of kinds: Set<JobKind>, sparing spared: SparedJobs, worker: String, lease: Int64
    ) async throws -> TakenJob? {
        let list = Parameter.strings(kinds.map(\.rawValue))
        let sparedKinds = Parameter.strings(spared.kinds.map(\.rawValue))
        let sparedBuckets = Parameter.strings(spared.buckets.map(\.rawValue))
        while true {
            let taken = try await transaction([
                .scope(system(.upkeep)),
                .run(Self.takeJob, list, StoredText.clean(worker), Parameter.int(lease), sparedKinds, sparedBuckets),
            ]) { results -> TakenJob? in
                guard let row = try results[0].optionalRow() else { return nil }
                let job = try JobColumns.read(row)
                return TakenJob(job: job, lease: JobLease(job: job.id, fence: try row.int64(JobColumns.count)))
            }
            // One whose worker died for the last time has ended by that, and the next one is due.
            guard let taken, taken.job.status.isFinal else { return taken }
        }
    }

    public func renewJob(
        _ lease: JobLease, forSeconds seconds: Int64, report: JobReport, checkpoint: JSONText?
    ) async throws -> JobRenewal {
        let status: JobStatus = report.isDiscovering ? .discovering : .running
        let renew = Step.statement(
            Statement(
                Self.renewJob,
                [
                    lease.job.rawValue, Parameter.int(lease.fence), Parameter.int(seconds), status.rawValue,
                    Parameter.json(checkpoint),
                ] + Self.parameters(report)))
        let ask = Step.run(Self.askForCancel, lease.job.rawValue, Parameter.int(lease.fence))
        return try await transaction([.scope(system(.upkeep)), renew, ask]) { results in
            if try results[0].optionalRow() != nil { return .renewed }
            return try results[1].optionalRow()?.bool(0) == true ? .cancelRequested : .lost
        }
    }

    public func finishJob(_ lease: JobLease, _ ending: JobEnding, report: JobReport) async throws -> JobStatus? {
        let end = StoredJobEnding(ending)
        let finish = Step.statement(
            Statement(
                Self.finishJob,
                [
                    lease.job.rawValue, Parameter.int(lease.fence), end.word, end.reason.map(StoredText.clean),
                    Parameter.int(end.seconds),
                ] + Self.parameters(report)))
        return try await transaction([.scope(announcing(system(.upkeep))), finish]) { results in
            try results[0].optionalRow().flatMap { JobStatus(rawValue: try $0.string(0)) }
        }
    }

    public func job(_ id: JobID) async throws -> Job? {
        try await transaction([.scope(system(.upkeep)), .run(Self.readJob, id.rawValue, nil)], ending: .rollback) {
            try $0[0].optionalRow().map { try JobColumns.read($0) }
        }
    }

    public func jobs(matching query: JobQuery) async throws -> JobPage {
        let (list, limit) = Self.list(query)
        return try await transaction([.scope(system(.upkeep)), list], ending: .rollback) {
            try Self.page($0[0], limit: limit)
        }
    }

    public func cancelJob(_ id: JobID) async throws -> Job? {
        try await transaction([.scope(system(.upkeep))] + Self.cancel(id, in: nil)) {
            try $0[1].optionalRow().map { try JobColumns.read($0) }
        }
    }

    public func forgetJobs(endedForSeconds age: Int64, limit: Int) async throws -> Int {
        try await transaction([.scope(system(.upkeep)), .run(Self.forgetJobs, Parameter.int(age), Parameter.int(limit))]) {
            $0[0].affected
        }
    }

    public func jobCounts() async throws -> [JobCount] {
        try await transaction([.scope(system(.upkeep)), .run(Self.countJobs)], ending: .rollback) { results in
            try results[0].rows.map {
                JobCount(kind: JobKind(try $0.string(0)), pending: try $0.int(1), running: try $0.int(2))
            }
        }
    }

    // MARK: As caller

    public func job(_ id: JobID, in bucket: BucketID, as caller: Caller) async throws -> Job? {
        let read = Step.run(Self.readJob, id.rawValue, bucket.rawValue)
        return try await withJobs(of: bucket, as: caller, [read], ending: .rollback) {
            try $0[0].optionalRow().map { try JobColumns.read($0) }
        }
    }

    public func jobs(matching query: JobQuery, in bucket: BucketID, as caller: Caller) async throws -> JobPage {
        var query = query
        query.bucket = bucket
        let (list, limit) = Self.list(query)
        return try await withJobs(of: bucket, as: caller, [list], ending: .rollback) { try Self.page($0[0], limit: limit) }
    }

    public func cancelJob(_ id: JobID, in bucket: BucketID, as caller: Caller) async throws -> Job? {
        try await withJobs(of: bucket, as: caller, Self.cancel(id, in: bucket), ending: .commit) {
            try $0[1].optionalRow().map { try JobColumns.read($0) }
        }
    }

    /// Runs steps as system under a lock on the bucket that only those get who may update it. The lock is in nobody's way who does not
    /// delete the bucket.
    private func withJobs<Value: Sendable>(
        of id: BucketID, as caller: Caller, _ steps: [Step], ending: TransactionEnd, _ read: ([ResultSet]) throws -> Value
    ) async throws -> Value {
        try await mappingErrors {
            let results = try await client.withTransaction(ending: ending) { transaction in
                let results = try await transaction.run([
                    .scope(scope(caller)), .run(Self.lockBucket, id.rawValue), .run(Self.findBucket, id.rawValue),
                ])
                guard try results[0].optionalRow() != nil else {
                    guard try results[1].optionalRow() != nil else { throw StorageError.bucketNotFound(id) }
                    throw StorageError(.accessDenied, "Access denied", resource: id.rawValue)
                        .refused(.update, on: .buckets, caller)
                }
                return try await transaction.finish(with: [.scope(lockingSystem(caller.facts))] + steps)
            }
            return try read(results)
        }
    }

    // MARK: Statements' parameters

    private static func parameters(_ report: JobReport) -> [String?] {
        let progress = report.progress
        return [
            Parameter.int(progress.total), Parameter.int(progress.processed), Parameter.int(progress.succeeded),
            Parameter.int(progress.failed), Parameter.json(StoredJobErrors.json(report.recentErrors)),
        ]
    }

    private static func cancel(_ id: JobID, in bucket: BucketID?) -> [Step] {
        [.run(cancelJob, id.rawValue, bucket?.rawValue), .run(readJob, id.rawValue, bucket?.rawValue)]
    }

    /// Asks for one more than wanted, which tells whether there are more.
    private static func list(_ query: JobQuery) -> (step: Step, limit: Int) {
        let limit = min(max(0, query.limit), JobQuery.maxLimit)
        let step = Step.run(
            listJobs, query.bucket?.rawValue, query.subject, Parameter.strings(query.kinds?.map(\.rawValue)),
            Parameter.strings(query.statuses?.map(\.rawValue)), Parameter.timestamp(query.after?.createdAt),
            query.after?.id.rawValue, Parameter.int(limit + 1))
        return (step, limit)
    }

    private static func page(_ results: ResultSet, limit: Int) throws -> JobPage {
        let jobs = try results.rows.prefix(limit).map { try JobColumns.read($0) }
        return JobPage(jobs: jobs, next: results.rows.count > limit ? jobs.last.map { JobCursor($0) } : nil)
    }
}

/// An ending in the words of the statement.
private struct StoredJobEnding {
    var word: String
    var reason: String?
    var seconds: Int64 = 0

    init(_ ending: JobEnding) {
        switch ending {
        case .completed: word = JobStatus.completed.rawValue
        case .completedWithErrors: word = JobStatus.completedWithErrors.rawValue
        case .cancelled: word = JobStatus.cancelled.rawValue
        case .failed(let reason): (word, self.reason) = (JobStatus.failed.rawValue, reason)
        case .retry(let seconds, let reason): (word, self.reason, self.seconds) = ("retry", reason, seconds)
        case .released: word = "release"
        }
    }
}

extension PostgresMetadataStore {
    private static let lockBucket = SQL(
        "jobs_lock_bucket", "SELECT b.id FROM storage.buckets AS b WHERE b.id = $1 FOR KEY SHARE")
    private static let findBucket = SQL("jobs_find_bucket", "SELECT b.id FROM storage.buckets AS b WHERE b.id = $1")

    private static let enqueueJob = SQL(
        "job_enqueue",
        """
        SELECT \(JobColumns.list)
        FROM magpie.enqueue_job(
            $1, $2, $3, $4::jsonb, $5, timestamptz 'epoch' + $6::bigint * interval '1 microsecond', $7::int, $8::int, $9::uuid
        ) AS j
        """)

    private static let takeJob = SQL(
        "job_take",
        """
        WITH due AS MATERIALIZED (
            SELECT j.id,
                CASE
                    WHEN j.status = 'Pending' THEN NULL
                    WHEN j.cancel_requested THEN 'Cancelled'
                    WHEN j.attempts >= j.max_attempts THEN 'Failed'
                END AS ending
            FROM magpie.jobs AS j
            WHERE j.completed_at IS NULL AND j.run_after <= now() AND j.kind = ANY ($1::text[])
                AND NOT (j.kind = ANY ($4::text[]) AND coalesce(j.bucket_id = ANY ($5::text[]), false))
            ORDER BY j.priority DESC, j.run_after, j.id
            LIMIT 1
            FOR UPDATE SKIP LOCKED
        )
        UPDATE magpie.jobs AS j
        SET status = coalesce(d.ending, 'Running'), fence = j.fence + 1,
            worker = CASE WHEN d.ending IS NULL THEN $2 ELSE j.worker END,
            attempts = CASE WHEN d.ending IS NULL THEN j.attempts + 1 ELSE j.attempts END,
            run_after = CASE WHEN d.ending IS NULL THEN clock_timestamp() + $3::bigint * interval '1 second' ELSE j.run_after END,
            started_at = coalesce(j.started_at, clock_timestamp()),
            completed_at = CASE WHEN d.ending IS NOT NULL THEN clock_timestamp() END,
            failure = CASE d.ending WHEN 'Failed' THEN '\(Job.workerDied)' ELSE j.failure END
        FROM due AS d
        WHERE j.id = d.id
        RETURNING \(JobColumns.list), j.fence
        """)

    private static let renewJob = SQL(
        "job_renew",
        """
        UPDATE magpie.jobs AS j
        SET run_after = clock_timestamp() + $3::bigint * interval '1 second', status = $4,
            attempts = CASE WHEN $5::jsonb IS NULL OR $5::jsonb = j.checkpoint THEN j.attempts ELSE 1 END,
            checkpoint = coalesce($5::jsonb, j.checkpoint), total = $6::bigint, processed = $7::bigint, succeeded = $8::bigint,
            failed = $9::bigint, recent_errors = $10::jsonb
        WHERE j.id = $1::uuid AND j.fence = $2::bigint AND j.status IN ('Discovering', 'Running') AND NOT j.cancel_requested
        RETURNING true
        """)

    private static let askForCancel = SQL(
        "job_ask",
        """
        SELECT j.cancel_requested
        FROM magpie.jobs AS j
        WHERE j.id = $1::uuid AND j.fence = $2::bigint AND j.status IN ('Discovering', 'Running')
        """)

    private static let finishJob = SQL(
        "job_finish",
        """
        WITH held AS MATERIALIZED (
            SELECT j.id,
                CASE
                    WHEN $3 NOT IN ('retry', 'release') THEN $3
                    WHEN j.cancel_requested THEN 'Cancelled'
                    WHEN $3 = 'retry' AND j.attempts >= j.max_attempts THEN 'Failed'
                    ELSE 'Pending'
                END AS status
            FROM magpie.jobs AS j
            WHERE j.id = $1::uuid AND j.fence = $2::bigint AND j.status IN ('Discovering', 'Running')
            FOR UPDATE
        )
        UPDATE magpie.jobs AS j
        SET status = h.status, completed_at = CASE WHEN h.status <> 'Pending' THEN clock_timestamp() END,
            run_after =
                CASE h.status WHEN 'Pending' THEN clock_timestamp() + $5::bigint * interval '1 second' ELSE j.run_after END,
            attempts = CASE WHEN $3 = 'release' THEN greatest(0, j.attempts - 1) ELSE j.attempts END,
            failure = CASE WHEN h.status IN ('Pending', 'Failed') THEN coalesce($4, j.failure) END,
            total = $6::bigint, processed = $7::bigint, succeeded = $8::bigint, failed = $9::bigint, recent_errors = $10::jsonb
        FROM held AS h
        WHERE j.id = h.id
        RETURNING j.status
        """)

    private static let readJob = SQL(
        "job_read",
        """
        SELECT \(JobColumns.list)
        FROM magpie.jobs AS j
        WHERE j.id = $1::uuid AND ($2::text IS NULL OR j.bucket_id = $2)
        """)

    private static let listJobs = SQL(
        "job_list",
        """
        SELECT \(JobColumns.list)
        FROM magpie.jobs AS j
        WHERE ($1::text IS NULL OR j.bucket_id = $1) AND ($2::text IS NULL OR j.subject = $2)
            AND ($3::text[] IS NULL OR j.kind = ANY ($3)) AND ($4::text[] IS NULL OR j.status = ANY ($4))
            AND ($5::bigint IS NULL
                OR (j.created_at, j.id) < (timestamptz 'epoch' + $5::bigint * interval '1 microsecond', $6::uuid))
        ORDER BY j.created_at DESC, j.id DESC
        LIMIT $7::bigint
        """)

    private static let cancelJob = SQL(
        "job_cancel",
        """
        UPDATE magpie.jobs AS j
        SET cancel_requested = true, status = CASE j.status WHEN 'Pending' THEN 'Cancelled' ELSE j.status END,
            completed_at = CASE j.status WHEN 'Pending' THEN clock_timestamp() END
        WHERE j.id = $1::uuid AND ($2::text IS NULL OR j.bucket_id = $2) AND j.completed_at IS NULL
        """)

    private static let forgetJobs = SQL(
        "jobs_forget",
        """
        WITH old AS MATERIALIZED (
            SELECT j.id
            FROM magpie.jobs AS j
            WHERE j.completed_at <= now() - $1::bigint * interval '1 second'
            LIMIT $2::bigint
            FOR UPDATE SKIP LOCKED
        )
        DELETE FROM magpie.jobs AS j USING old WHERE j.id = old.id
        """)

    private static let countJobs = SQL(
        "jobs_count",
        """
        SELECT j.kind, count(*) FILTER (WHERE j.status = 'Pending'), count(*) FILTER (WHERE j.status <> 'Pending')
        FROM magpie.jobs AS j
        WHERE j.completed_at IS NULL
        GROUP BY j.kind
        ORDER BY j.kind
        """)
}
