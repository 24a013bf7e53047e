// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore

/// Looking at single files, and taking them in.
extension BucketImport {
    /// What uploads of images take, too.
    private static let kinds: Set<MediaKind> = [.jpeg, .png, .webp, .avif, .gif, .svg]

    private var caller: Caller { Caller(principal: assets.service, facts: .jobs) }

    /// - Throws: what ends the attempt: the store or the database can't be used now, the project is full or gone, or the job is to end.
    func outcome(of file: ImportCandidate) async throws -> Outcome {
        do {
            return try await file.isKnown ? settle(file) : take(file)
        } catch let error as StorageError {
            switch error.code {
            // Somebody else was faster, or its owner removed it.
            case .objectExists, .blobMissing: return .known
            case .unreadableImage, .imageTooLarge, .renderTimedOut, .tooLarge, .mediaTypeNotAllowed, .rangeNotSatisfiable:
                return failure(of: file, error)
            case .originUnavailable where !error.isRetryable:
                // Refused: this one alone, or is it the store that can't be used?
                _ = try await store.list(prefix: file.blob.key.rawValue, after: nil, limit: 1)
                return failure(of: file, error)
            default: throw error
            }
        }
    }

    private func failure(of file: ImportCandidate, _ error: StorageError) -> Outcome {
        job.logger.notice(
            "a file in a project's storage was not imported", metadata: ["key": "\(file.blob.key)", "error": "\(error)"])
        return .failed(
            JobError(
                subject: file.isInPlace ? file.address.key.rawValue : nil, key: file.blob.key.rawValue, message: error.message))
    }

    private func take(_ file: ImportCandidate) async throws -> Outcome {
        // An asset keeps its id when its object is moved to another key.
        let id = file.address.key.rawValue
        guard try await assets.metadata.assetAddress(id, in: project, facts: .jobs) == nil else { return .known }
        guard let image = try await look(at: file) else { return .skipped }
        guard !order.isDryRun else { return .imported }
        let object = try await assets.objects.newObject(
            of: ImportedBytes(
                location: BlobLocation(backend: backend.id, key: file.blob.key, size: image.size, md5: nil),
                mediaType: image.kind.mediaType, isInPlace: file.isInPlace), at: file.address, as: caller)
        // Both or none, but for a crash.
        return try await runToEnd {
            let record = try await assets.objects.commit(object, mode: .create, facts: .jobs)
            try await describe(record, file, image)
            return .imported
        }
    }

    /// An asset that was there already: an attempt before this one may have made it, and not have come to the end of it.
    private func settle(_ file: ImportCandidate) async throws -> Outcome {
        let object: ReadableObject
        do {
            object = try await assets.metadata.visibleObject(at: file.address, as: caller)
        } catch let error as StorageError where error.code == .objectNotFound {
            return .known
        }
        // What was uploaded has a digest.
        guard !order.isDryRun, object.blob?.md5 == nil, let date = object.record.createdAt, date >= job.job.createdAt else {
            return .known
        }
        let asset = try await assets.metadata.asset(file.address.key.rawValue, in: project, as: caller)
        // A copy is called as its source, which counts for both.
        if file.isInPlace, let name = asset.originalFileName, name != file.fileName { return .known }
        if asset.originalFileName == nil, let image = try await look(at: file) {
            try await describe(object.record, file, image)
        }
        return .imported
    }

    /// What its beginning says of a file. Nil: it is no image.
    private func look(at file: ImportCandidate) async throws -> FoundImage? {
        let range = ByteRange.closed(0...Int64(MediaKind.headLength - 1))
        let content = try await store.get(file.blob.key, range: range)
        let head = try await content.stream().withHead(MediaKind.headLength).head
        guard let kind = MediaKind(head.readableBytesView), Self.kinds.contains(kind) else { return nil }
        guard content.size <= assets.configuration.limits.bytes(of: kind) else { throw StorageError.tooLarge("image") }
        let glance = try await assets.examiner.glance(at: head, of: kind, size: content.size)
        return FoundImage(kind: kind, size: content.size, findings: glance.findings, isComplete: glance.isComplete)
    }

    /// Takes down what is known of an asset. What is not yet is found out by the job that every new object has.
    private func describe(_ object: ObjectRecord, _ file: ImportCandidate, _ image: FoundImage) async throws {
        guard let version = object.version else { return }
        var changes = AssetChanges()
        changes.folder = try order.folder.map { path throws(StorageError) in try FolderPath(path) }
        if image.isComplete { changes = changes.completed(by: image.findings.exif) }
        let name = file.fileName
        let stem = name.flatMap { name in name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name }
        let publicID = file.isInPlace ? nil : stem.flatMap { PublicID.slug($0, isParameters: isReservedName) }
        _ = try await assets.metadata.recordAsset(
            AssetRecord(
                address: object.address, version: version, facts: image.findings.facts, exif: image.findings.exif,
                originalFileName: name, changes: changes, publicID: publicID, isInspected: image.isComplete), facts: .jobs)
    }
}

/// An image of which the beginning was seen.
private struct FoundImage: Sendable {
    var kind: MediaKind
    /// Of the file, in bytes.
    var size: Int64
    var findings: MediaExaminer.Findings
    /// Whether nothing more would be found in the rest.
    var isComplete: Bool
}
