// SPDX-License-Identifier: Apache-2.0

import struct Foundation.UUID

/// The id of a job: a lower-case UUID.
public struct JobID: Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String

    public init() { self.rawValue = UUID().uuidString.lowercased() }

    /// An id from a request. Nil for text that is no UUID.
    public init?(_ text: String) {
        guard let id = UUID(uuidString: text) else { return nil }
        self.rawValue = id.uuidString.lowercased()
    }

    /// An id read from the database.
    public init(stored string: String) { self.rawValue = string }

    public var description: String { rawValue }
}

/// What a job does, and so who can run it. The constants stand beside the handlers.
public struct JobKind: Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String

    public init(_ rawValue: String) { self.rawValue = rawValue }

    public var description: String { rawValue }
}

/// What has become of a job. The raw values are what clients read.
public enum JobStatus: String, Hashable, Sendable, CaseIterable {
    /// Waits to be run, for the first time or again.
    case pending = "Pending"
    /// Runs, and looks for what there is to do.
    case discovering = "Discovering"
    case running = "Running"
    case completed = "Completed"
    /// Did what it could: some of it failed.
    case completedWithErrors = "CompletedWithErrors"
    case failed = "Failed"
    case cancelled = "Cancelled"

    /// Whether nothing will change any more.
    public var isFinal: Bool {
        switch self {
        case .pending, .discovering, .running: false
        case .completed, .completedWithErrors, .failed, .cancelled: true
        }
    }
}

/// Durable work in the background: a row of `magpie.jobs`.
public struct Job: Hashable, Sendable {
    public var id: JobID
    public var kind: JobKind
    /// The bucket whose callers may see the job, and with which it goes. Nil: the server's own.
    public var bucket: BucketID?
    /// What of the bucket the job is about: the id of an asset, for most.
    public var subject: String?
    /// What the handler was told.
    public var payload: JSONText
    /// Where the handler got to, for it to go on from there.
    public var checkpoint: JSONText?
    public var status: JobStatus
    public var progress: JobProgress
    /// The latest of what failed within the job, the oldest first.
    public var recentErrors: [JobError]
    /// Jobs with more of it go first.
    public var priority: Int
    /// How often the job was begun since it last got further.
    public var attempts: Int
    /// The number of attempts without getting further after which the job is given up.
    public var maxAttempts: Int
    /// Pending: when it is due. Taken: when its lease ends.
    public var runAfter: Timestamp
    public var createdAt: Timestamp
    /// When it was begun first.
    public var startedAt: Timestamp?
    public var completedAt: Timestamp?
    /// For people: why it failed, or failed the last time.
    public var failure: String?
    /// Whether it is to end as soon as whoever runs it learns of that.
    public var isCancelRequested: Bool

    /// The failure of a job whose workers died in the middle of it, each of them.
    public static let workerDied = "The worker stopped in the middle of the job, at every attempt"

    public init(
        id: JobID, kind: JobKind, bucket: BucketID? = nil, subject: String? = nil, payload: JSONText = .emptyObject,
        priority: Int = 0, maxAttempts: Int = NewJob.defaultMaxAttempts, runAfter: Timestamp, createdAt: Timestamp
    ) {
        self.id = id
        self.kind = kind
        self.bucket = bucket
        self.subject = subject
        self.payload = payload
        self.status = .pending
        self.progress = JobProgress()
        self.recentErrors = []
        self.priority = priority
        self.attempts = 0
        self.maxAttempts = maxAttempts
        self.runAfter = runAfter
        self.createdAt = createdAt
        self.isCancelRequested = false
    }
}
