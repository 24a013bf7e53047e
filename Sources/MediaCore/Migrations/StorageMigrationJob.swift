// SPDX-License-Identifier: Apache-2.0

import Logging

/// How migrations use what they share with everybody else.
public struct MigrationLimits: Hashable, Sendable {
    /// How many originals of a project are copied at a time.
    public var parallelism: Int
    /// How many bytes a second are copied. 0: any number.
    public var bytesPerSecond: Int64
    /// In seconds: how long what was moved stays where it was. Who learned of the place before reads there, on other machines too.
    public var sourceLifetime: Int64

    public init(parallelism: Int = 8, bytesPerSecond: Int64 = 0, sourceLifetime: Int64 = 300) {
        self.parallelism = parallelism
        self.bytesPerSecond = bytesPerSecond
        self.sourceLifetime = sourceLifetime
    }
}

/// Moves all originals of a project, kept versions included, to where its new ones go.
///
/// Each is copied, compared with its checksum on the way, and then its row says in one transaction that it is at the new place, unless the
/// version was superseded or deleted meanwhile. So it is readable at every moment, and what is written meanwhile is right. Doing it again
/// finds less to do: what was moved is no more elsewhere, and a copy that a crash leaves is found by its reservation.
struct StorageMigrationJob: JobHandler {
    private static let batch = 256
    /// After so many failures and no success nothing will be right.
    private static let patience = 100

    let kind = JobKind.storageMigration
    // Long work: the others of a process are for those who wait.
    let limit: Int? = 1
    let metadata: any MetadataStore
    let placement: BlobPlacement
    let cache: ReadCache
    let limits: MigrationLimits

    private struct Checkpoint: Codable {
        var destination: String
        var cursor: MovableBlob.Cursor
    }

    private enum Outcome {
        case moved
        /// It was deleted or superseded.
        case gone
        case failed(any Error)
    }

    func run(_ job: JobContext) async throws {
        guard let project = job.job.bucket else { return }
        let destination = try await destination(of: project)
        var cursor = MovableBlob.Cursor.start
        if let checkpoint = job.checkpoint(as: Checkpoint.self) {
            guard checkpoint.destination == destination.rawValue else { throw Self.changed }
            cursor = checkpoint.cursor
        } else {
            // From here on it goes there, or nowhere.
            try await job.save(checkpoint: Checkpoint(destination: destination.rawValue, cursor: cursor))
        }
        let rest = try await discover(job, of: project, destination)
        try job.advance { $0 = JobProgress(total: $0.succeeded + rest, processed: $0.succeeded, succeeded: $0.succeeded) }
        var pass = Pass(
            project: project, destination: destination, rate: TransferRate(bytesPerSecond: limits.bytesPerSecond),
            namesakes: try await namesakes(of: destination, project))
        // What was being uploaded when the destination changed still goes to the former place, and what failed may fare better
        // later: so it is looked for until there is nothing but what failed twice.
        repeat {
            pass.found = 0
            pass.suspects = pass.failures
            try await run(&pass, from: cursor, job)
            cursor = .start
        } while pass.found > 0
    }

    /// One way through all that is elsewhere.
    private struct Pass {
        let project: BucketID
        let destination: BackendID
        let rate: TransferRate
        /// The stores that may be the destination under another name.
        let namesakes: Set<BackendID>
        /// What failed, once or more.
        var failures: Set<ObjectVersion> = []
        /// Of those: what failed before this way.
        var suspects: Set<ObjectVersion> = []
        /// What failed for good.
        var lost: Set<ObjectVersion> = []
        var found = 0
        var hasMoved = false
    }

    private func run(_ pass: inout Pass, from start: MovableBlob.Cursor, _ job: JobContext) async throws {
        var cursor: MovableBlob.Cursor? = start
        while let place = cursor {
            let page = try await metadata.movableBlobs(
                of: pass.project, to: pass.destination, after: place, limit: Self.batch)
            let blobs = page.blobs.filter { [lost = pass.lost] in !lost.contains($0.version) }
            pass.found += blobs.count
            let bucket = try await bucket(pass.project, goingTo: pass.destination)
            let outcomes = try await move(blobs, in: bucket, pass) { outcome in try count(outcome, job) }
            for (blob, outcome) in outcomes { try take(outcome, of: blob, into: &pass, job) }
            cursor = page.next
            let next = Checkpoint(destination: pass.destination.rawValue, cursor: page.next ?? .start)
            try await job.save(checkpoint: next)
        }
    }

    private func count(_ outcome: Outcome, _ job: JobContext) throws {
        switch outcome {
        case .moved: try job.advance { $0.count(succeeded: true) }
        case .gone: try job.advance { $0.total = $0.total.map { max(0, $0 - 1) } }
        case .failed: break
        }
    }

    private func take(_ outcome: Outcome, of blob: MovableBlob, into pass: inout Pass, _ job: JobContext) throws {
        guard case .failed(let error) = outcome else {
            if case .moved = outcome { pass.hasMoved = true }
            return
        }
        let message = (error as? StorageError)?.message ?? "The original could not be copied"
        job.logger.warning("an original was not moved", metadata: ["object": "\(blob.address)", "error": "\(error)"])
        guard pass.hasMoved || pass.failures.count < Self.patience else {
            throw JobFailure("None of the first \(Self.patience) originals could be moved: \(message)")
        }
        guard pass.suspects.contains(blob.version) else {
            pass.failures.insert(blob.version)
            return
        }
        pass.lost.insert(blob.version)
        job.note(JobError(subject: blob.address.key.rawValue, key: blob.address.key.rawValue, message: message))
        try job.advance { $0.count(succeeded: false) }
    }

    /// - Returns: what came of each, but for what a store out of reach ends all of.
    private func move(
        _ blobs: [MovableBlob], in bucket: Bucket, _ pass: Pass, _ count: @escaping @Sendable (Outcome) throws -> Void
    ) async throws -> [(MovableBlob, Outcome)] {
        try await withThrowingTaskGroup(of: (MovableBlob, Outcome).self) { group in
            var outcomes: [(MovableBlob, Outcome)] = []
            func settle() async throws {
                guard let result = try await group.next() else { return }
                try count(result.1)
                outcomes.append(result)
            }
            for (index, blob) in blobs.enumerated() {
                if index >= limits.parallelism { try await settle() }
                group.addTask { (blob, try await move(blob, in: bucket, pass)) }
            }
            while outcomes.count < blobs.count { try await settle() }
            return outcomes
        }
    }

    /// - Throws: for what has nothing to do with this one: a store or the database is out of reach, or the job is to end.
    private func move(_ blob: MovableBlob, in bucket: Bucket, _ pass: Pass) async throws -> Outcome {
        try await pass.rate.wait(for: blob.location.size)
        do {
            let place = try await placement.place(
                forMoved: blob.version, of: blob.address, in: bucket,
                besides: pass.namesakes.contains(blob.location.backend) ? blob.location.key : nil)
            let copy = try await placement.copy(blob.location, to: place)
            let isMoved = try await runToEnd { [metadata, limits] in
                try await metadata.moveBlob(
                    blob, to: copy.key, in: copy.backend, keepingSourceFor: limits.sourceLifetime)
            }
            guard isMoved else {
                await placement.discard(copy)
                return .gone
            }
            cache.invalidate(blob.address)
            return .moved
        } catch let error as StorageError where !error.isRetryable && Self.isOfTheOriginal(error) {
            return .failed(error)
        }
    }

    /// Whether others may fare better.
    private static func isOfTheOriginal(_ error: StorageError) -> Bool {
        switch error.code {
        case .blobMissing, .internal, .tooLarge, .lengthMismatch, .digestMismatch, .originUnavailable, .unsupported: true
        default: false
        }
    }

    private func discover(_ job: JobContext, of project: BucketID, _ destination: BackendID) async throws -> Int64 {
        job.setDiscovering(true)
        defer { job.setDiscovering(false) }
        return try await metadata.countMovableBlobs(of: project, to: destination)
    }

    /// Two stores of one service may be one bucket by two names of the service. Then a key of the one is the same key of the other, and what
    /// is removed from the one is gone from both.
    private func namesakes(of destination: BackendID, _ project: BucketID) async throws -> Set<BackendID> {
        let places = try await metadata.backends(of: project).map(\.backend)
        guard let place = places.first(where: { $0.id == destination })?.place else { return [] }
        return Set(places.filter { $0.place.kind == place.kind && $0.place.container == place.container }.map(\.id))
    }

    private func destination(of project: BucketID) async throws -> BackendID {
        try await metadata.bucketRules(project, facts: .jobs).ownStorage?.backend ?? placement.blobs.defaultBackend
    }

    /// The project's rules as they are now.
    /// - Throws: `JobFailure` when its new originals go elsewhere by now.
    private func bucket(_ project: BucketID, goingTo destination: BackendID) async throws -> Bucket {
        let bucket = try await metadata.bucketRules(project, facts: .jobs)
        guard (bucket.ownStorage?.backend ?? placement.blobs.defaultBackend) == destination else { throw Self.changed }
        return bucket
    }

    private static let changed = JobFailure(
        "The project's storage was changed during the migration. Begin another one for what is not at the new place")
}
