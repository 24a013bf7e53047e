// SPDX-License-Identifier: Apache-2.0

import Logging

/// Makes images or drawings of a document: each kind of job does one of them.
///
/// What it made is kept under ids that follow from the document and the page, so doing it again replaces what is there.
struct DocumentJob: JobHandler {
    let kind: JobKind
    let assets: Assets

    private struct Checkpoint: Codable {
        /// How many pages are done.
        var pages: Int
    }

    func run(_ job: JobContext) async throws {
        guard let converter = assets.converter else {
            throw JobFailure("Documents are not converted on this server")
        }
        guard let document = try await assets.document(of: job) else { return }
        do {
            try await converter.withWorkspace { workspace in
                let limit = assets.configuration.limits.document
                let content = try await assets.content(of: document)
                let file = try await workspace.receive(content.stream(), limit: max(limit, content.size))
                switch kind {
                case .splitDocument: try await split(file, of: document, workspace, job)
                case .drawDocument: try await draw(file, of: document, workspace, job)
                default: try await rasterise(file, of: document, workspace, job)
                }
            }
        } catch let failure as ConversionFailure where !failure.isRetryable {
            job.logger.notice("a document can't be converted", metadata: ["error": "\(failure)"])
            throw JobFailure(failure.message)
        }
    }

    private func rasterise(
        _ file: WorkFile, of document: AssetDocument, _ workspace: any ConversionWorkspace, _ job: JobContext
    ) async throws {
        let done = job.checkpoint(as: Checkpoint.self)?.pages ?? 0
        let count = try await workspace.pageCount(ofEPS: file)
        try job.advance { $0 = JobProgress(total: Int64(count), processed: Int64(done), succeeded: Int64(done)) }
        try await workspace.pages(ofEPS: file, from: done + 1) { page in
            let body = try await workspace.contents(of: page.file)
            try await keep(body, .png, "page-\(page.number)", isThumbnail: page.number == 1, of: document, job)
            try job.advance { $0.count(succeeded: true) }
            try await job.save(checkpoint: Checkpoint(pages: page.number))
        }
        try await removeBeyond(count, "page-", of: document, job)
    }

    private func split(
        _ file: WorkFile, of document: AssetDocument, _ workspace: any ConversionWorkspace, _ job: JobContext
    ) async throws {
        let page = try await workspace.page(1, ofEPS: file)
        let areas = try await workspace.designs(on: page)
        try job.advance { $0 = JobProgress(total: Int64(areas.count)) }
        for (index, area) in areas.enumerated() {
            let cutout = try await workspace.cutout(area, of: page)
            try await keep(try await workspace.contents(of: cutout), .png, "split-\(index + 1)", of: document, job)
            try await workspace.discard(cutout)
            try job.advance { $0.count(succeeded: true) }
        }
        try await removeBeyond(areas.count, "split-", of: document, job)
    }

    private func draw(
        _ file: WorkFile, of document: AssetDocument, _ workspace: any ConversionWorkspace, _ job: JobContext
    ) async throws {
        let page = try await workspace.page(1, ofEPS: file)
        let areas = try await workspace.designs(on: page)
        // One design is the page once more.
        let designs = areas.count > 1 ? areas : []
        try job.advance { $0 = JobProgress(total: Int64(designs.count + 1)) }
        for (index, area) in ([nil] + designs.map(Optional.some)).enumerated() {
            let drawing = try await workspace.drawing(ofEPS: file, area: area)
            let body = try await workspace.contents(of: drawing)
            try await keep(body, .svg, index == 0 ? "svg" : "svg-\(index)", of: document, job)
            try await workspace.discard(drawing)
            try job.advance { $0.count(succeeded: true) }
        }
        try await removeBeyond(designs.count, "svg-", of: document, job)
    }

    private func keep(
        _ body: ByteStream, _ kind: MediaKind, _ type: String, isThumbnail: Bool = false, of document: AssetDocument,
        _ job: JobContext
    ) async throws {
        let media = Assets.DerivedMedia(body: body, kind: kind, type: type, isThumbnail: isThumbnail)
        guard try await assets.store(media, of: document.asset, facts: .jobs) != nil else {
            throw JobFailure("The document was deleted")
        }
    }

    /// What a former version had more of.
    private func removeBeyond(_ count: Int, _ prefix: String, of document: AssetDocument, _ job: JobContext) async throws {
        try await assets.removeDerived(
            of: document.asset,
            where: { type in
                type.hasPrefix(prefix) && (Int(type.dropFirst(prefix.count)).map { $0 > count } ?? false)
            }, facts: .jobs)
    }
}

/// An asset and the object that it is, as a job found them.
struct AssetDocument: Sendable {
    var asset: Asset
    var object: ReadableObject
}

extension RequestFacts {
    /// The server's own work on assets.
    static let jobs = RequestFacts(operation: Operation("magpie.jobs"))
}

extension Assets {
    /// What a job is about. Nil when it is gone, or is another version by now, for which there is another job.
    func document(of job: JobContext) async throws -> AssetDocument? {
        guard let project = job.job.bucket, let id = job.job.subject else {
            throw JobFailure("The job does not say what it is about")
        }
        let payload = try job.payload(as: AssetJobPayload.self)
        let caller = Caller(principal: service, facts: .jobs)
        do {
            let asset = try await metadata.asset(id, in: project, as: caller)
            let object = try await metadata.visibleObject(at: asset.address, as: caller)
            guard payload.version == nil || object.record.version?.rawValue == payload.version else { return nil }
            return AssetDocument(asset: asset, object: object)
        } catch let error as StorageError where error.code == .objectNotFound || error.code == .bucketNotFound {
            return nil
        }
    }

    /// The bytes of the version that was found.
    func content(of document: AssetDocument) async throws -> BlobContent {
        let details = ObjectMetadata(parsing: document.object.record.metadata)
        let delivered = try await delivery.open(document.object, details, range: nil, ticket: nil)
        guard case .full(let content) = delivered.outcome else {
            throw StorageError(.internal, "Internal Server Error", resource: "a whole object that is a part")
        }
        return content
    }
}
