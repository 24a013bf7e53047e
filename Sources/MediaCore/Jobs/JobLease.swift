// SPDX-License-Identifier: Apache-2.0

/// The right to run a job until the lease ends. Whoever has it renews it; a worker that dies loses it.
public struct JobLease: Hashable, Sendable {
    public var job: JobID
    /// How often the job had been taken by then: what is written under an older lease is refused.
    public var fence: Int64

    public init(job: JobID, fence: Int64) {
        self.job = job
        self.fence = fence
    }
}

/// A job that a worker took.
public struct TakenJob: Hashable, Sendable {
    public var job: Job
    public var lease: JobLease

    public init(job: Job, lease: JobLease) {
        self.job = job
        self.lease = lease
    }
}

/// What became of a lease that was to be renewed.
public enum JobRenewal: Hashable, Sendable {
    /// It holds, and what came with it is written.
    case renewed
    /// Nothing is written: the job is to end.
    case cancelRequested
    /// Nothing is written: somebody else has the job, or it is gone.
    case lost
}

/// How an attempt ended.
public enum JobEnding: Hashable, Sendable {
    /// All of it is done.
    case completed
    /// What could be done is done; `JobReport` counts what failed.
    case completedWithErrors
    /// For ever. The reason is for people: no secret, no path of this machine.
    case failed(String)
    case cancelled
    /// Again after so many seconds, if there are attempts left; the reason is for people.
    case retry(afterSeconds: Int64, String)
    /// The worker stops: somebody else goes on at once, and the attempt does not count.
    case released
}
