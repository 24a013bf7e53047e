// SPDX-License-Identifier: Apache-2.0

/// Which jobs to list, the newest first.
public struct JobQuery: Hashable, Sendable {
    /// The most jobs of a page.
    public static let maxLimit = 1000

    /// Nil: any.
    public var bucket: BucketID?
    /// Nil: any.
    public var subject: String?
    /// Nil: any.
    public var kinds: Set<JobKind>?
    /// Nil: any.
    public var statuses: Set<JobStatus>?
    /// Only older ones. Nil: from the newest.
    public var after: JobCursor?
    public var limit: Int

    public init(
        in bucket: BucketID? = nil, subject: String? = nil, kinds: Set<JobKind>? = nil, statuses: Set<JobStatus>? = nil,
        after: JobCursor? = nil, limit: Int = 100
    ) {
        self.bucket = bucket
        self.subject = subject
        self.kinds = kinds
        self.statuses = statuses
        self.after = after
        self.limit = limit
    }
}

/// A place in a list of jobs: behind this one.
public struct JobCursor: Hashable, Sendable {
    public var createdAt: Timestamp
    public var id: JobID

    public init(createdAt: Timestamp, id: JobID) {
        self.createdAt = createdAt
        self.id = id
    }

    public init(_ job: Job) { self.init(createdAt: job.createdAt, id: job.id) }
}

/// Jobs, the newest first.
public struct JobPage: Hashable, Sendable {
    public var jobs: [Job]
    /// Nil: there are no more.
    public var next: JobCursor?

    public init(jobs: [Job], next: JobCursor?) {
        self.jobs = jobs
        self.next = next
    }
}

/// How many unfinished jobs of a kind there are.
public struct JobCount: Hashable, Sendable {
    public var kind: JobKind
    public var pending: Int
    public var running: Int

    public init(kind: JobKind, pending: Int, running: Int) {
        self.kind = kind
        self.pending = pending
        self.running = running
    }
}
