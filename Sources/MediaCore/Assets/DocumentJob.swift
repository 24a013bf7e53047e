// SPDX-License-Identifier: Apache-2.0

import Logging

/// Makes images or drawings of a document: each kind of job does one of them.
///
/// What it made is kept under ids that follow from the document and the page, so doing it again replaces what is there.
struct DocumentJob: JobHandler {
    let kind: JobKind
    let assets: Assets

    var bucketLimit: Int? { assets.configuration.documentJobs }

    /// The derivation of the first page. See `Derivation.type`.
    static let firstPage = "page-1"

    private struct Checkpoint: Codable {
        /// How many pages are done.
        var pages: Int
        /// What those that were kept take, in bytes.
        var bytes: Int64?
    }

    func run(_ job: JobContext) async throws {
        guard let converter = assets.converter else {
            throw JobFailure("Documents are not converted on this server")
        }
        guard let document = try await assets.document(of: job) else { return }
        do {
            try await converter.withWorkspace(for: ConversionOrder(bucket: document.asset.address.bucket, isPatient: true)) {
                workspace in
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
        let checkpoint = job.checkpoint(as: Checkpoint.self)
        let done = checkpoint?.pages ?? 0
        var kept = KeptBytes(limit: assets.configuration.limits.derived, bytes: checkpoint?.bytes ?? 0)
        let count = try await workspace.pageCount(ofEPS: file)
        let failed = min(job.job.progress.failed, Int64(done))
        try job.advance {
            $0 = JobProgress(total: Int64(count), processed: Int64(done), succeeded: Int64(done) - failed, failed: failed)
        }
        let limit = min(
            assets.configuration.limits.page,
            assets.objects.limits.maxBytes(for: document.object.record.address.key, in: document.object.bucket))
        for number in 1...max(count, 1) where number > done {
            do {
                let page = try await workspace.page(number, ofEPS: file, atMost: limit)
                let body = try await workspace.contents(of: page.file)
                let media = Assets.DerivedMedia(body, page, isThumbnail: number == 1)
                try kept.add(try await keep(media, of: document))
                try await workspace.discard(page.file)
                try job.advance { $0.count(succeeded: true) }
            } catch let failure as ConversionFailure where Self.isOfOnePage(failure) {
                // The others may fit. What a former version had in its place is none of it.
                try await assets.removeDerived(of: document.asset, where: { $0 == "page-\(number)" }, facts: .jobs)
                job.note(JobError(subject: "page \(number)", message: failure.message))
                try job.advance { $0.count(succeeded: false) }
                if job.progress.succeeded == 0, number == count { throw failure }
            }
            try await job.save(checkpoint: Checkpoint(pages: number, bytes: kept.bytes))
        }
        try await removeBeyond(count, "page-", of: document, job)
    }

    private static func isOfOnePage(_ failure: ConversionFailure) -> Bool {
        failure.reason == .outputTooLarge || failure.reason == .tooManyPixels
    }

    private func split(
        _ file: WorkFile, of document: AssetDocument, _ workspace: any ConversionWorkspace, _ job: JobContext
    ) async throws {
        let page = try await workspace.page(1, ofEPS: file)
        let areas = try await workspace.designs(on: page)
        var kept = KeptBytes(limit: assets.configuration.limits.derived)
        try job.advance { $0 = JobProgress(total: Int64(areas.count)) }
        for (index, area) in areas.enumerated() {
            let cutout = try await workspace.cutout(area, of: page)
            var facts = AssetFacts(.png, size: cutout.size)
            (facts.width, facts.height) = (area.width, area.height)
            let media = Assets.DerivedMedia(
                body: try await workspace.contents(of: cutout), kind: .png, type: "split-\(index + 1)", facts: facts)
            try kept.add(try await keep(media, of: document))
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
        var kept = KeptBytes(limit: assets.configuration.limits.derived)
        try job.advance { $0 = JobProgress(total: Int64(designs.count + 1)) }
        for (index, area) in ([nil] + designs.map(Optional.some)).enumerated() {
            let drawing = try await workspace.drawing(ofEPS: file, area: area)
            let media = Assets.DerivedMedia(
                body: try await workspace.contents(of: drawing), kind: .svg, type: index == 0 ? "svg" : "svg-\(index)")
            try kept.add(try await keep(media, of: document))
            try await workspace.discard(drawing)
            try job.advance { $0.count(succeeded: true) }
        }
        try await removeBeyond(designs.count, "svg-", of: document, job)
    }

    /// - Returns: its size, in bytes.
    private func keep(_ media: Assets.DerivedMedia, of document: AssetDocument) async throws -> Int64 {
        guard let asset = try await assets.store(media, of: document.asset, facts: .jobs) else {
            throw JobFailure("The document was deleted")
        }
        return asset.facts.size
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

/// What was kept of one document so far.
private struct KeptBytes {
    let limit: Int64
    private(set) var bytes: Int64

    init(limit: Int64, bytes: Int64 = 0) {
        self.limit = limit
        self.bytes = bytes
    }

    mutating func add(_ more: Int64) throws(JobFailure) {
        bytes += more
        guard bytes <= limit else { throw JobFailure("What is made of the document takes more than the \(limit) bytes allowed") }
    }
}

extension Assets.DerivedMedia {
    fileprivate init(_ body: ByteStream, _ page: DocumentPage, isThumbnail: Bool) {
        var facts = AssetFacts(.png, size: page.file.size)
        (facts.width, facts.height) = (page.width, page.height)
        self.init(body: body, kind: .png, type: "page-\(page.number)", isThumbnail: isThumbnail, facts: facts)
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
