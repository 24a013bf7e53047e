// SPDX-License-Identifier: Apache-2.0

/// Runs the jobs of one kind.
///
/// A job may be run again from its last checkpoint at any time, after a crash also from the one before: whatever a handler does it must be
/// able to do twice. It must end soon after its task is cancelled, which is how it learns of a cancelled job, of a lost lease and of
/// a worker that stops.
///
/// Returning completes the job, with errors where `JobProgress.failed` counts some. `JobFailure` fails it for good; a `StorageError`
/// that is no passing trouble does too, with its message. Anything else is tried again a little later until the attempts are used up.
public protocol JobHandler: Sendable {
    var kind: JobKind { get }

    /// How many of the kind a worker runs at a time. Nil: as many as it runs of all kinds together.
    var limit: Int? { get }

    /// How many jobs of this kind and others that have such a limit a worker runs at a time for one bucket. Nil: any number. Meanwhile it
    /// takes those of other buckets.
    var bucketLimit: Int? { get }

    func run(_ job: JobContext) async throws
}

extension JobHandler {
    public var limit: Int? { nil }
    public var bucketLimit: Int? { nil }
}

/// A job can't be done, now or later.
public struct JobFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// For people: what is wrong and what to do. No secret and no path of this machine.
    public var reason: String

    public init(_ reason: String) { self.reason = reason }

    public var description: String { reason }
}
