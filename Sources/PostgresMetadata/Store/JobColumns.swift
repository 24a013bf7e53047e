// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore

/// The columns of a job, for a table that the statement calls `j`, and how they are read.
enum JobColumns {
    static let count = 21
    static let list = """
        j.id, j.kind, j.bucket_id, j.subject, j.payload, j.checkpoint, j.status, j.total, j.processed, j.succeeded, j.failed, \
        j.recent_errors, j.priority, j.attempts, j.max_attempts, (extract(epoch FROM j.run_after) * 1000000)::bigint, \
        (extract(epoch FROM j.created_at) * 1000000)::bigint, (extract(epoch FROM j.started_at) * 1000000)::bigint, \
        (extract(epoch FROM j.completed_at) * 1000000)::bigint, j.failure, j.cancel_requested
        """

    static func read(_ row: Row) throws(PostgresError) -> Job {
        guard let status = JobStatus(rawValue: try row.string(6)) else {
            throw PostgresError(.unexpectedResult, "column 6 is not a status of jobs")
        }
        var job = Job(
            id: JobID(stored: try row.string(0)), kind: JobKind(try row.string(1)),
            bucket: try row.optionalString(2).map { BucketID(stored: $0) }, subject: try row.optionalString(3),
            payload: try row.json(4), priority: try row.int(12), maxAttempts: try row.int(14), runAfter: try row.timestamp(15),
            createdAt: try row.timestamp(16))
        job.checkpoint = try row.optionalJSON(5)
        job.status = status
        job.progress = JobProgress(
            total: try row.optionalInt64(7), processed: try row.int64(8), succeeded: try row.int64(9), failed: try row.int64(10))
        job.recentErrors = StoredJobErrors.read(try row.json(11))
        job.attempts = try row.int(13)
        job.startedAt = try row.optionalTimestamp(17)
        job.completedAt = try row.optionalTimestamp(18)
        job.failure = try row.optionalString(19)
        job.isCancelRequested = try row.bool(20)
        return job
    }
}

/// What failed within a job, as `magpie.jobs.recent_errors` holds it.
enum StoredJobErrors {
    private struct Entry: Decodable {
        var subject: String?
        var key: String?
        var message: String
        var at: String
    }

    /// What somebody else wrote there is left out.
    static func read(_ json: JSONText) -> [JobError] {
        guard let entries = try? JSONDecoder().decode([Entry].self, from: Data(json.rawValue.utf8)) else { return [] }
        return entries.compactMap { entry in
            Timestamp(iso8601: entry.at).map {
                JobError(subject: entry.subject, key: entry.key, message: entry.message, date: $0)
            }
        }
    }

    static func json(_ errors: [JobError]) -> JSONText {
        var writer = JSONWriter()
        writer.array(errors.suffix(JobReport.maxErrors)) { writer, error in
            writer.object { writer in
                if let subject = error.subject { writer.field("subject", StoredText.clean(subject)) }
                if let key = error.key { writer.field("key", StoredText.clean(key)) }
                writer.field("message", StoredText.clean(error.message))
                writer.field("at", error.date)
            }
        }
        return JSONText(trusted: writer.text)
    }
}

/// Text about what went wrong, as a column can hold it.
enum StoredText {
    private static let maxLength = 1000

    /// Postgres holds no NUL character.
    static func clean(_ text: String) -> String { String(text.replacing("\0", with: "").prefix(maxLength)) }
}
