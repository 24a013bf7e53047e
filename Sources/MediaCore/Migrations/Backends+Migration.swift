// SPDX-License-Identifier: Apache-2.0

extension JobKind {
    /// Moves the originals of a project to where its new ones go.
    public static let storageMigration = JobKind("storage-migration")
    /// Makes assets of what lies in a project's own store.
    public static let bucketImport = JobKind("bucket-import")

    /// What moves the originals of a project or adds to them: one at a time.
    public static let migrations: Set<JobKind> = [.storageMigration, .bucketImport]
}

extension Backends {
    /// Attempts without getting further until a migration is given up: about a day of a store out of reach.
    private static let attempts = 100

    /// Has all originals of a project, kept versions included, move to where its new ones go. They are used as ever meanwhile.
    /// - Returns: the job that does it.
    /// - Throws: as `current`; `.alreadyRunning` beside another migration or an import; `.unsupported` for a project that never had a store of
    ///   its own, so that all of its originals are where they belong.
    public func migrate(_ project: BucketID, as caller: Caller) async throws -> Job {
        _ = try await requireProject(project, caller)
        guard try await !metadata.backends(of: project).isEmpty else {
            throw StorageError(
                .unsupported, "The project never had other storage than it has now: there is nothing to migrate",
                resource: project.rawValue)
        }
        return try await begin(.storageMigration, .emptyObject, of: project, as: caller)
    }

    /// Has what lies in the project's own store become assets of it.
    /// - Returns: the job that does it.
    /// - Throws: as `current`; `.alreadyRunning` as `migrate`; `.unsupported` for a project without a store of its own;
    ///   `.invalidParameter` for an order that can't be one.
    public func importBucket(_ order: ImportOrder, into project: BucketID, as caller: Caller) async throws -> Job {
        _ = try await requireProject(project, caller)
        guard let backend = try await metadata.currentBackend(of: project, facts: caller.facts) else {
            throw StorageError(
                .unsupported, "The project has no storage of its own to import from", resource: project.rawValue)
        }
        let payload = try order.checked(of: project, in: backend.place).payload
        return try await begin(.bucketImport, payload, of: project, as: caller)
    }

    private func begin(
        _ kind: JobKind, _ payload: JSONText, of project: BucketID, as caller: Caller
    ) async throws -> Job {
        let unfinished = JobQuery(
            in: project, kinds: JobKind.migrations, statuses: Set(JobStatus.allCases.filter { !$0.isFinal }), limit: 1)
        if let running = try await metadata.jobs(matching: unfinished).jobs.first { throw Self.alreadyRunning(running) }
        let order = NewJob(
            kind, bucket: project, payload: payload, uniqueKey: "\(kind)/\(project)", maxAttempts: Self.attempts)
        let begun = try await jobs.enqueue(order, facts: caller.facts)
        guard begun.isNew else { throw Self.alreadyRunning(begun.job) }
        return begun.job
    }

    private static func alreadyRunning(_ job: Job) -> StorageError {
        StorageError(
            .alreadyRunning, "A migration of the project's originals is under way: \(job.id)", resource: job.id.rawValue)
    }
}
