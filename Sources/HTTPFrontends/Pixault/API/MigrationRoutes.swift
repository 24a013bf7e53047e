// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import WireFormats

/// Moving a project's originals to where its new ones go, and making assets of what lies in its owner's bucket: jobs, both of them.
extension PixaultAPICall {
    func answer(
        _ part: PixaultAPIRoute.MigrationPart, of project: BucketID, as caller: Caller
    ) async throws -> Response {
        switch part {
        case .all: try await migrations(of: project, as: caller)
        case .ofStorage: Self.begun(try await backends.migrate(project, as: caller))
        case .ofBucket: try await importBucket(into: project, as: caller)
        case .one(let id): Self.json(try await migration(id, of: project, as: caller).migrationDocument)
        case .cancel(let id): try await cancelMigration(id, of: project, as: caller)
        }
    }

    private func importBucket(into project: BucketID, as caller: Caller) async throws -> Response {
        let backends = try backends
        let order = try ImportOrder(fields: try await fields(upTo: Self.largestOrder, mayBeMissing: true))
        return Self.begun(try await backends.importBucket(order, into: project, as: caller))
    }

    /// More than the longest order, in bytes.
    private static let largestOrder = 64 << 10
    private static let usualPage = 50
    private static let largestPage = 100

    private func migrations(of project: BucketID, as caller: Caller) async throws -> Response {
        let parameters = try queryParameters()
        var query = JobQuery(kinds: JobKind.migrations, limit: Self.usualPage)
        if let limit = try parameters.limit(upTo: Self.largestPage) { query.limit = limit }
        if let text = parameters["cursor"], !text.isEmpty {
            guard let cursor = MigrationCursor.read(text) else { throw PixaultProblem.invalid("cursor", "is none of this list") }
            query.after = cursor
        }
        let page = try await storage.jobs.list(matching: query, in: project, as: caller)
        return Self.json(
            JSONWriter.object { writer in
                writer.key("migrations")
                writer.array(page.jobs) { writer, job in writer.object { job.writeMigration(to: &$0) } }
                writer.field("nextCursor", page.next.map(MigrationCursor.text))
                writer.field("hasMore", page.next != nil)
            })
    }

    /// Other jobs of the project are none of this list.
    private func migration(_ text: String, of project: BucketID, as caller: Caller) async throws -> Job {
        // Who may not ask learns that before whether the id is one.
        let job = try await storage.jobs.job(JobID(text) ?? JobID(), in: project, as: caller)
        guard let job, JobKind.migrations.contains(job.kind) else { throw Self.noMigration(text) }
        return job
    }

    private func cancelMigration(_ text: String, of project: BucketID, as caller: Caller) async throws -> Response {
        let job = try await migration(text, of: project, as: caller)
        guard !job.status.isFinal else { throw Self.ended(job) }
        guard let job = try await storage.jobs.cancel(job.id, in: project, as: caller) else { throw Self.noMigration(text) }
        // It may have ended by itself in between.
        guard !job.status.isFinal || job.status == .cancelled else { throw Self.ended(job) }
        return Self.json(job.migrationDocument, status: .accepted)
    }

    private static func noMigration(_ text: String) -> PixaultProblem {
        PixaultProblem(.notFound, "The project has no migration '\(text.prefix(64))'")
    }

    private static func ended(_ job: Job) -> PixaultProblem {
        PixaultProblem(.conflict, "The migration has ended: \(job.status.rawValue)")
    }
}

extension Job {
    /// As clients read the state of a migration.
    fileprivate var migrationDocument: String { JSONWriter.object { writeMigration(to: &$0) } }

    fileprivate func writeMigration(to writer: inout JSONWriter) {
        writeFields(to: &writer)
        writer.key("recentErrors")
        writer.array(recentErrors.suffix(JobReport.maxErrors)) { writer, error in
            writer.object { writer in
                writer.field("assetId", error.subject)
                writer.field("key", error.key)
                writer.field("message", error.message)
                writer.field("at", error.date)
            }
        }
    }
}

extension ImportOrder {
    /// An order as clients send it; a null says nothing.
    /// - Throws: `PixaultProblem` that names the first field that is wrong.
    fileprivate init(fields: [String: RequestValue]) throws(PixaultProblem) {
        self.init()
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) {
            switch (name, value) {
            case (_, .null): continue
            case ("prefix", .string(let text)): prefix = text
            case ("folder", .string(let text)): folder = text
            case ("prefix", _), ("folder", _): throw .invalid(name, "must be text")
            case ("dryRun", .bool(let value)): isDryRun = value
            case ("dryRun", _): throw .invalid(name, "must be true or false")
            default: throw .invalid("\(name.prefix(64))", "is no field of an import")
            }
        }
    }
}

/// Where a page of migrations ended, as text that says nothing to clients.
enum MigrationCursor {
    /// From 1970 to the year 9999, in microseconds: a database may not count further.
    private static let times: Range<Int64> = 0..<253_402_300_800_000_000

    static func text(_ cursor: JobCursor) -> String {
        Base64URL.encode(Array("\(cursor.createdAt.microseconds) \(cursor.id)".utf8))
    }

    /// Nil for what is no cursor.
    static func read(_ text: String) -> JobCursor? {
        guard text.utf8.count <= 128, let bytes = Base64URL.decode(text),
            let parts = String(validating: bytes, as: UTF8.self)?.split(separator: " ", omittingEmptySubsequences: false),
            parts.count == 2, let time = Int64(parts[0]), times.contains(time), let id = JobID(String(parts[1]))
        else { return nil }
        return JobCursor(createdAt: Timestamp(microseconds: time), id: id)
    }
}
