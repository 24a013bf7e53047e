// SPDX-License-Identifier: Apache-2.0

import NIOCore

extension Assets {
    /// Stores media as an asset.
    ///
    /// What it is is told by its bytes. They are looked at before they become an object: what can't be decoded is never there. What people
    /// say of the asset follows in a second transaction; a crash between the two leaves an asset that nobody was told of.
    /// - Throws: what `Objects.put` throws; `StorageError` with `.mediaTypeNotAllowed`, `.tooLarge`, `.invalidRequest` for PostScript
    ///   that lacks what is needed, `.unreadableImage`, `.imageTooLarge`, `.invalidParameter`, `.overloaded`.
    public func upload(_ upload: AssetUpload, in project: BucketID, as caller: Caller) async throws -> UploadedAsset {
        try upload.options.changes.check()
        let (head, body) = try await upload.body.withHead(MediaKind.headLength)
        let kind = try Self.kind(head)
        let named = try await replaced(by: upload, upload.options, kind, in: project, as: caller)
        let target = try named?.address ?? Self.newAddress(upload.id ?? AssetID(AssetID.Prefix(kind)), in: project)
        let review = Review(kind: kind, upload: upload, project: project, assets: self)
        let record = try await objects.put(
            Upload(
                body: body,
                options: UploadOptions(
                    mode: named == nil ? .create : .replace, contentType: kind.mediaType, cacheControl: "max-age=3600",
                    maxBytes: configuration.limits.bytes(of: kind)),
                review: { try await review.run($0) }),
            at: target, access: .policy(caller))
        guard let (options, findings) = review.result else {
            throw StorageError(.internal, "Internal Server Error", resource: "an upload that was not looked at")
        }
        // The wish to replace may stand behind the file.
        if named == nil, let late = try await replaced(by: upload, options, kind, in: project, as: caller) {
            let moved = try await takeOver(record.address, to: late.address, as: caller)
            return try await finish(moved, upload, options, findings, caller)
        }
        return try await finish(record, upload, options, findings, caller)
    }

    /// Takes down what was found and said, and has made what belongs to it.
    private func finish(
        _ object: ObjectRecord, _ upload: AssetUpload, _ options: AssetOptions, _ findings: MediaExaminer.Findings,
        _ caller: Caller
    ) async throws -> UploadedAsset {
        guard let version = object.version else { throw StorageError.objectNotFound(object.address) }
        let record = AssetRecord(
            address: object.address, version: version, facts: findings.facts, exif: findings.exif,
            originalFileName: upload.fileName, changes: options.changes.completed(by: findings.exif),
            publicID: upload.publicID(options))
        guard let asset = try await runToEnd({ try await metadata.recordAsset(record, facts: caller.facts) }) else {
            // Replaced or deleted already, by somebody who came later.
            throw StorageError.objectNotFound(object.address)
        }
        return try await derive(asset, version: version, poster: findings.poster, caller.facts)
    }

    private static func kind(_ head: ByteBuffer) throws(StorageError) -> MediaKind {
        let bytes = head.readableBytesView
        // Said more exactly than "no media": they are PostScript, and people can do something about it.
        if bytes.starts(with: [0xC5, 0xD0, 0xD3, 0xC6]) { _ = try MediaExaminer.header(head) }
        guard let kind = MediaKind(bytes), allowed.contains(kind) else {
            throw StorageError(
                .mediaTypeNotAllowed, "This is no JPEG, PNG, WebP, AVIF, GIF, SVG, EPS, MP4, WebM or MOV file", resource: "file")
        }
        if kind == .eps { _ = try MediaExaminer.header(head) }
        return kind
    }

    static let allowed: Set<MediaKind> = [.jpeg, .png, .webp, .avif, .gif, .svg, .eps, .mp4, .webm, .mov]

    private static func newAddress(_ id: AssetID, in project: BucketID) throws -> ObjectAddress {
        ObjectAddress(bucket: project, key: try ObjectKey(id.rawValue))
    }

    /// The asset that gets the new bytes.
    /// - Throws: `StorageError` with `.objectExists` for one of another sort, whose id would lie.
    private func replaced(
        by upload: AssetUpload, _ options: AssetOptions, _ kind: MediaKind, in project: BucketID, as caller: Caller
    ) async throws -> Asset? {
        guard options.replaces, let name = upload.publicID(options) else { return nil }
        do {
            let asset = try await metadata.asset(name, in: project, as: caller)
            guard asset.facts.kind == AssetFacts(kind, size: 0).kind else {
                throw StorageError(
                    .objectExists, "'\(name)' is a \(asset.facts.kind.rawValue), and can only be replaced by another one",
                    resource: name)
            }
            return asset
        } catch let error as StorageError where error.code == .objectNotFound {
            return nil
        }
    }
}

/// Looks at an upload once its bytes are there, with everything that was said of it.
private final class Review: Sendable {
    private let kind: MediaKind
    private let upload: AssetUpload
    private let project: BucketID
    private let assets: Assets
    private let found = SetOnce<(options: AssetOptions, findings: MediaExaminer.Findings)>()

    init(kind: MediaKind, upload: AssetUpload, project: BucketID, assets: Assets) {
        self.kind = kind
        self.upload = upload
        self.project = project
        self.assets = assets
    }

    var result: (options: AssetOptions, findings: MediaExaminer.Findings)? { found.value }

    /// - Returns: what is to be stored instead.
    func run(_ content: BlobContent) async throws -> ByteBuffer? {
        let options = try upload.lateOptions?() ?? upload.options
        try options.changes.check()
        guard kind != .svg else {
            let (findings, document) = try await assets.examiner.sanitized(content)
            found.set((options, findings))
            return document
        }
        // Looked at first, and then written anew.
        let content = kind.isImage && options.stripsMetadata ? try await content.inMemory() : content
        var findings = try await assets.examiner.examine(content, as: kind, for: ConversionOrder(bucket: project))
        guard kind.isImage, options.stripsMetadata else {
            found.set((options, findings))
            return nil
        }
        let stripped = try await assets.stripped(content, kind, in: project)
        findings.facts.size = Int64(stripped.readableBytes)
        findings.exif = [:]
        found.set((options, findings))
        return stripped
    }
}

extension AssetChanges {
    /// With date and place as EXIF says, where nothing else is said.
    func completed(by exif: [String: String]) -> AssetChanges {
        var changes = self
        let fields = ExifFields(tags: exif)
        changes.dateCreated = changes.dateCreated ?? fields.dateCreated
        changes.latitude = changes.latitude ?? fields.latitude
        changes.longitude = changes.longitude ?? fields.longitude
        return changes
    }
}
