// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore

/// Looks at an object of a project that came by a dialect which knows nothing of assets, and has made what belongs to it.
struct InspectJob: JobHandler {
    let kind = JobKind.inspectAsset
    let assets: Assets

    func run(_ job: JobContext) async throws {
        guard let document = try await assets.document(of: job), let version = document.object.record.version else { return }
        // The upload of assets looks itself, and may have been faster.
        guard document.asset.inspectedVersion != version else { return }
        var content = try await assets.content(of: document)
        let findings = try await findings(of: &content, document, job)
        var changes = AssetChanges()
        if document.asset.exif.isEmpty { changes = changes.completed(by: findings.exif) }
        let record = AssetRecord(
            address: document.object.record.address, version: version, facts: findings.facts, exif: findings.exif,
            changes: changes)
        guard let asset = try await assets.metadata.recordAsset(record, facts: .jobs) else { return }
        // These bytes may have taken the place of something else, of which more was made.
        try await assets.removeDerived(of: asset, where: { !asset.facts.kind.isSource(ofType: $0) }, facts: .jobs)
        _ = try await assets.derive(asset, version: version, poster: findings.poster, .jobs)
    }

    /// What can't be read stays an object that is no media: it was stored by a dialect that promises to keep anything.
    private func findings(
        of content: inout BlobContent, _ document: AssetDocument, _ job: JobContext
    ) async throws -> MediaExaminer.Findings {
        let details = ObjectMetadata(parsing: document.object.record.metadata)
        let unknown = MediaExaminer.Findings(
            facts: AssetFacts(kind: .other, mediaType: details.mimetype ?? "application/octet-stream", size: content.size))
        let head = try await content.readHead(MediaKind.headLength)
        guard let kind = MediaKind(head.readableBytesView), content.size <= assets.configuration.limits.bytes(of: kind) else {
            return unknown
        }
        do {
            let order = ConversionOrder(bucket: document.asset.address.bucket, isPatient: true)
            return try await assets.examiner.examine(content, as: kind, for: order)
        } catch let error as StorageError where !error.isRetryable && Self.isAboutTheBytes(error) {
            job.logger.info("an object is no media", metadata: ["error": "\(error)"])
            return unknown
        }
    }

    private static func isAboutTheBytes(_ error: StorageError) -> Bool {
        switch error.code {
        case .unreadableImage, .imageTooLarge, .renderTimedOut, .invalidRequest, .tooLarge: true
        default: false
        }
    }
}

extension AssetKind {
    /// Whether what is derived in this way is made of media of this kind. See `Derivation.type`.
    fileprivate func isSource(ofType type: String) -> Bool {
        switch self {
        case .video: type == "poster"
        case .document: type != "poster"
        case .image, .other: false
        }
    }
}
