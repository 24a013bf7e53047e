// SPDX-License-Identifier: Apache-2.0

/// A job to be done.
public struct NewJob: Hashable, Sendable {
    public static let defaultMaxAttempts = 5

    public var kind: JobKind
    /// The bucket whose callers may see the job, and with which it goes. Nil: the server's own.
    public var bucket: BucketID?
    /// What of the bucket the job is about.
    public var subject: String?
    /// A JSON object for the handler.
    public var payload: JSONText
    /// Of the unfinished jobs only one has this key. A job that must not miss a later change names the version of what it is about,
    /// since one that runs already stands in for the new one.
    public var uniqueKey: String?
    /// Nil: at once.
    public var runAfter: Timestamp?
    /// Jobs with more of it go first.
    public var priority: Int
    /// The number of attempts without getting further after which the job is given up; at least 1.
    public var maxAttempts: Int

    public init(
        _ kind: JobKind, bucket: BucketID? = nil, subject: String? = nil, payload: JSONText = .emptyObject,
        uniqueKey: String? = nil, runAfter: Timestamp? = nil, priority: Int = 0, maxAttempts: Int = Self.defaultMaxAttempts
    ) {
        self.kind = kind
        self.bucket = bucket
        self.subject = subject
        self.payload = payload
        self.uniqueKey = uniqueKey
        self.runAfter = runAfter
        self.priority = priority
        self.maxAttempts = maxAttempts
    }
}

/// What became of a wish for a job.
public struct EnqueuedJob: Hashable, Sendable {
    public var job: Job
    /// False for an unfinished job of the same unique key.
    public var isNew: Bool

    public init(job: Job, isNew: Bool) {
        self.job = job
        self.isNew = isNew
    }
}
