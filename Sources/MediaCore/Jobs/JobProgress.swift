// SPDX-License-Identifier: Apache-2.0

/// How much of a job is done, in whatever the job counts: pages, assets.
public struct JobProgress: Hashable, Sendable {
    /// Nil while nobody knows.
    public var total: Int64?
    public var processed: Int64
    /// Of those processed.
    public var succeeded: Int64
    /// Of those processed.
    public var failed: Int64

    public init(total: Int64? = nil, processed: Int64 = 0, succeeded: Int64 = 0, failed: Int64 = 0) {
        self.total = total
        self.processed = processed
        self.succeeded = succeeded
        self.failed = failed
    }

    /// Counts one more that is done.
    public mutating func count(succeeded isSuccess: Bool) {
        processed += 1
        if isSuccess { succeeded += 1 } else { failed += 1 }
    }
}

/// Something that failed within a job that went on.
public struct JobError: Hashable, Sendable {
    /// The id of what failed.
    public var subject: String?
    /// The key of the object that it is about.
    public var key: String?
    /// For people: no secret and no path of this machine.
    public var message: String
    public var date: Timestamp

    public init(subject: String? = nil, key: String? = nil, message: String, date: Timestamp = .now()) {
        self.subject = subject
        self.key = key
        self.message = message
        self.date = date
    }
}

/// What a handler has to say of the job it runs.
public struct JobReport: Hashable, Sendable {
    /// The most errors that are kept.
    public static let maxErrors = 20

    public var progress: JobProgress
    /// Whether it still looks for what there is to do.
    public var isDiscovering: Bool
    /// The latest `maxErrors`, the oldest first.
    public var recentErrors: [JobError]

    public init(progress: JobProgress = JobProgress(), isDiscovering: Bool = false, recentErrors: [JobError] = []) {
        self.progress = progress
        self.isDiscovering = isDiscovering
        self.recentErrors = recentErrors
    }

    /// Adds an error, and drops the oldest where there are too many.
    public mutating func note(_ error: JobError) {
        recentErrors.append(error)
        if recentErrors.count > Self.maxErrors { recentErrors.removeFirst(recentErrors.count - Self.maxErrors) }
    }
}
