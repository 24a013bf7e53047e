// SPDX-License-Identifier: Apache-2.0

import Foundation
public import Logging
import Synchronization

/// A job, as the handler that runs it sees it.
public final class JobContext: Sendable {
    /// As it was taken.
    public let job: Job
    /// Names the job in every line.
    public let logger: Logger

    private let hold: JobHold
    private let state: Mutex<JobReport>

    init(_ job: Job, hold: JobHold, logger: Logger) {
        self.job = job
        self.hold = hold
        self.logger = logger
        self.state = Mutex(JobReport(progress: job.progress, recentErrors: job.recentErrors))
    }

    /// What the handler was told. - Throws: `JobFailure` when it is something else.
    public func payload<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(job.payload.rawValue.utf8))
        } catch {
            logger.error("payload of a job not understood", metadata: ["error": "\(error)"])
            throw JobFailure("The job was written by another version of the server and is not understood")
        }
    }

    /// Where an earlier attempt got to. Nil at the beginning, and where another version of the handler left something else.
    public func checkpoint<Value: Decodable>(as type: Value.Type = Value.self) -> Value? {
        guard let checkpoint = job.checkpoint else { return nil }
        do {
            return try JSONDecoder().decode(type, from: Data(checkpoint.rawValue.utf8))
        } catch {
            logger.warning("checkpoint of a job not understood, beginning anew", metadata: ["error": "\(error)"])
            return nil
        }
    }

    /// Writes down where the job got to, with the progress: a later attempt goes on from there. One at a time.
    /// - Throws: `CancellationError` when the job is to end; what the database throws.
    public func save(checkpoint: some Encodable) async throws {
        let data = try JSONEncoder().encode(checkpoint)
        try await hold.renew(report: report, checkpoint: JSONText(trusted: String(decoding: data, as: UTF8.self)))
        try Task.checkCancellation()
    }

    /// How much is done. Kept in memory, and written every few seconds and with each checkpoint.
    public var progress: JobProgress { state.withLock { $0.progress } }

    /// Changes the progress. - Throws: `CancellationError` when the job is to end.
    public func advance(_ change: (inout JobProgress) -> Void) throws {
        state.withLock { change(&$0.progress) }
        try Task.checkCancellation()
    }

    /// Whether the job looks for what there is to do, as opposed to doing it.
    public func setDiscovering(_ isDiscovering: Bool) { state.withLock { $0.isDiscovering = isDiscovering } }

    /// Shows something that failed, though the job goes on. Does not count it.
    public func note(_ error: JobError) { state.withLock { $0.note(error) } }

    /// Whether the job is to end: it was cancelled, somebody else has it, or the worker stops.
    public var isCancelled: Bool { Task.isCancelled }

    /// What to write down now.
    var report: JobReport { state.withLock { $0 } }
}
