// SPDX-License-Identifier: Apache-2.0

extension JobKind {
    /// Looks at an object of a project that came by another dialect.
    public static let inspectAsset = JobKind("inspect")
    /// Makes a picture of each page of a document.
    public static let rasteriseDocument = JobKind("eps")
    /// Makes a picture of each design on a page.
    public static let splitDocument = JobKind("eps-split")
    /// Makes drawings of a document and of each design on it.
    public static let drawDocument = JobKind("eps-svg")
}

/// What a job about an asset is told.
struct AssetJobPayload: Codable, Sendable {
    /// The version that it is about: of another one another job is made.
    var version: String?
}

/// Work on documents.
extension Assets {
    private static let documentJobs: Set<JobKind> = [.rasteriseDocument, .splitDocument, .drawDocument]

    /// The newest job on an asset that the caller sees. Nil when there was none.
    /// - Throws: what `AssetStore.asset` throws.
    public func processing(of name: String, in project: BucketID, as caller: Caller) async throws -> Job? {
        let asset = try await asset(name, in: project, as: caller)
        return try await jobs.latest(about: asset.id.rawValue, kinds: Self.documentJobs, in: project)
    }

    /// Has a picture made of each design on a page, or drawings of them, in the place of those that were made before.
    /// - Parameter kind: `.splitDocument` or `.drawDocument`.
    /// - Throws: what `AssetStore.asset` throws; `StorageError` with `.invalidRequest` for what is no document, `.alreadyRunning`, `.accessDenied`
    ///   for who may not update the asset.
    public func process(_ name: String, _ kind: JobKind, in project: BucketID, as caller: Caller) async throws -> Job {
        // A change of nothing: whoever may make it may have this made.
        let asset = try await metadata.updateAsset(name, changes: AssetChanges(), in: project, as: caller)
        guard asset.facts.kind == .document else {
            throw StorageError(.invalidRequest, "'\(asset.id)' is no EPS", resource: asset.id.rawValue)
        }
        guard let version = asset.inspectedVersion else {
            throw StorageError(
                .locked, "'\(asset.id)' is being looked at, please retry", resource: asset.id.rawValue, isRetryable: true)
        }
        let enqueued = try await enqueue(kind, of: asset, version: version, facts: caller.facts)
        guard enqueued.isNew else {
            throw StorageError(.alreadyRunning, "'\(asset.id)' is being processed already", resource: asset.id.rawValue)
        }
        return enqueued.job
    }

    func enqueue(
        _ kind: JobKind, of asset: Asset, version: ObjectVersion, facts: RequestFacts
    ) async throws -> EnqueuedJob {
        let payload = JSONWriter.object { $0.field("version", version.rawValue) }
        return try await jobs.enqueue(
            NewJob(
                kind, bucket: asset.address.bucket, subject: asset.id.rawValue, payload: JSONText(trusted: payload),
                uniqueKey: "\(kind):\(asset.address.bucket)/\(asset.id):\(version)"),
            facts: facts)
    }
}
