// SPDX-License-Identifier: Apache-2.0

/// Makes assets of the images that lie in a project's own store and that nobody knows of.
///
/// What is at the key that an asset's original would have becomes that asset's, where it is. Of anything else a copy is made at the right key,
/// and its owner's file stays as it is. The id of a copy follows from what it is a copy of, so that nothing is imported twice, however often
/// an import is run or cut short.
struct BucketImportJob: JobHandler {
    let kind = JobKind.bucketImport
    let assets: Assets
    /// Whether a readable name would be taken for something else in URLs.
    let isReservedName: @Sendable (String) -> Bool

    func run(_ job: JobContext) async throws {
        guard let project = job.job.bucket else { throw JobFailure("An import needs a project") }
        let order: ImportOrder = try job.payload()
        let checkpoint: BucketImport.Checkpoint? = job.checkpoint()
        guard let backend = try await assets.metadata.currentBackend(of: project, facts: .jobs) else {
            throw JobFailure("The project has no storage of its own any more")
        }
        if let checkpoint, checkpoint.backend != backend.id.rawValue {
            throw JobFailure("The project's storage was changed during the import: begin another one")
        }
        // The same bucket may be the project's by other rows, of other prefixes.
        let rows = try await assets.metadata.backends(of: project).map(\.backend)
        let run = BucketImport(
            project: project, order: order, backend: backend,
            backends: rows.filter { $0.place.isSameContainer(as: backend.place) }.map(\.id),
            store: try await assets.objects.blobs.store(for: backend.id), assets: assets, isReservedName: isReservedName, job: job
        )
        try await run.run(from: checkpoint)
    }
}

extension Assets {
    /// What runs the imports from projects' own stores.
    /// - Parameter isReservedName: whether a readable name would be taken for something else in URLs.
    public func importHandlers(isReservedName: @escaping @Sendable (String) -> Bool) -> [any JobHandler] {
        [BucketImportJob(assets: self, isReservedName: isReservedName)]
    }
}

/// One attempt at an import.
struct BucketImport: Sendable {
    /// What is listed at a time, and the most that is done anew after a crash.
    private static let page = 500
    /// How many files are looked at at the same time: of each, no more than its beginning is in memory.
    private static let parallelism = 8

    let project: BucketID
    let order: ImportOrder
    let backend: Backend
    /// Those whose keys are keys of the same bucket.
    let backends: [BackendID]
    let store: any BlobStore
    let assets: Assets
    let isReservedName: @Sendable (String) -> Bool
    let job: JobContext

    /// Where an attempt got to, and what it had counted there.
    struct Checkpoint: Codable {
        var backend: String
        /// Everything up to there is done. Nil: nothing is.
        var cursor: String?
        /// What follows up to this key was begun, some of it ended. Empty: nothing was. Nil: all that is left.
        var begun: String?
        var processed: Int64 = 0
        var succeeded: Int64 = 0
        var failed: Int64 = 0
    }

    func run(from checkpoint: Checkpoint?) async throws {
        let resumed = checkpoint ?? Checkpoint(backend: backend.id.rawValue, begun: "")
        job.setDiscovering(order.isDryRun)
        // What an attempt before this one did behind its checkpoint is counted by this one.
        try job.advance { $0 = resumed.progress }
        // Sources first: what is where it belongs may be a copy that was made of one of them.
        try await visit(from: resumed.cursor, upTo: resumed.begun) { blobs in
            try await work(on: candidates(among: blobs).filter { $0.isKnown && !$0.isInPlace })
        }
        var state = resumed
        var isResuming = resumed.begun != ""
        var cursor = resumed.cursor
        repeat {
            let page = try await list(after: cursor)
            let files = try await candidates(among: page.blobs)
            let next = Checkpoint(backend: backend.id.rawValue, cursor: cursor, begun: page.end, job.progress)
            let isPassing = !isResuming || next.reaches(resumed)
            if isPassing {
                // Until all that was begun is counted, the counts are those of its beginning.
                if isResuming { state.begun = next.begun } else { state = next }
                try await job.save(checkpoint: state)
            }
            try await work(on: files.filter { !$0.isKnown || $0.isInPlace && isResuming && resumed.covers($0.blob.key) })
            cursor = page.cursor
            isResuming = isResuming && !isPassing
            if let cursor, !isResuming {
                try await job.save(
                    checkpoint: Checkpoint(backend: backend.id.rawValue, cursor: cursor, begun: "", job.progress))
            }
        } while cursor != nil
        try job.advance { $0.total = $0.processed }
    }

    /// Shows what was begun before, page by page.
    private func visit(from cursor: String?, upTo end: String?, _ body: ([BlobInfo]) async throws -> Void) async throws {
        guard end != "" else { return }
        var next = cursor
        repeat {
            let page = try await list(after: next)
            try await body(page.blobs)
            next = page.cursor
            if let end, let last = page.blobs.last, !last.key.rawValue.precedes(end) { return }
        } while next != nil
    }

    private func list(after cursor: String?) async throws -> BlobPage {
        try await store.list(prefix: order.prefix ?? "", after: cursor, limit: Self.page)
    }

    /// What of a page may have to be imported, and whether its asset is there already.
    private func candidates(among blobs: [BlobInfo]) async throws -> [ImportCandidate] {
        let folder = BlobNaming.folder(of: project, below: backend.place.pathPrefix)
        let files = blobs.filter { $0.size > 0 && !Backends.isSentinel($0.key) }
            .map { ImportCandidate($0, in: backend.place, folder: folder, of: project) }
        guard !files.isEmpty else { return [] }
        let known = try await assets.metadata.knownBlobs(among: files.map(\.blob.key), in: backends)
        let taken = try await assets.metadata.existingKeys(among: files.map(\.address.key), in: project, facts: .jobs)
        return files.compactMap { file in
            // Of what was not copied from here the rows say all there is to say.
            if known.contains(file.blob.key), !file.isInPlace { return nil }
            var file = file
            file.isKnown = known.contains(file.blob.key) || taken.contains(file.address.key)
            return file
        }
    }

    private func work(on files: [ImportCandidate]) async throws {
        try await withThrowingTaskGroup(of: Outcome.self) { group in
            var waiting = files.makeIterator()
            func startNext() {
                guard let next = waiting.next() else { return }
                group.addTask { try await outcome(of: next) }
            }
            for _ in 0..<Self.parallelism { startNext() }
            while let outcome = try await group.next() {
                try count(outcome)
                startNext()
            }
        }
    }

    private func count(_ outcome: Outcome) throws {
        try job.advance { progress in
            switch outcome {
            case .known: break
            case .imported: progress.count(succeeded: true)
            case .failed: progress.count(succeeded: false)
            case .skipped: progress.processed += 1
            }
        }
        if case .failed(let error) = outcome { job.note(error) }
    }

    /// What became of a file.
    enum Outcome: Sendable {
        /// Its asset was there already.
        case known
        /// It is an asset now, or would be.
        case imported
        /// It is no image.
        case skipped
        case failed(JobError)
    }
}

extension BucketImport.Checkpoint {
    init(backend: String, cursor: String?, begun: String?, _ progress: JobProgress) {
        self.init(
            backend: backend, cursor: cursor, begun: begun, processed: progress.processed, succeeded: progress.succeeded,
            failed: progress.failed)
    }

    fileprivate var progress: JobProgress { JobProgress(processed: processed, succeeded: succeeded, failed: failed) }

    /// Whether a file may have been begun before.
    fileprivate func covers(_ key: BlobKey) -> Bool {
        guard let begun else { return true }
        return begun != "" && !begun.precedes(key.rawValue)
    }

    /// Whether what is begun here ends where that of another ends, or behind it.
    fileprivate func reaches(_ other: BucketImport.Checkpoint) -> Bool {
        guard let begun else { return true }
        return other.begun.map { !begun.precedes($0) } ?? false
    }
}

extension BlobPage {
    /// The last key; nil on the last page.
    fileprivate var end: String? { cursor == nil ? nil : blobs.last?.key.rawValue ?? "" }
}

extension String {
    /// By byte order, in which stores list.
    fileprivate func precedes(_ other: String) -> Bool { utf8.lexicographicallyPrecedes(other.utf8) }
}
