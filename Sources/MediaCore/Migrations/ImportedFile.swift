// SPDX-License-Identifier: Apache-2.0

import Crypto
import NIOCore

/// A file that is to become an asset, if it is not one yet.
///
/// It is known again by its name, the folder that it goes to and a digest of its bytes, of which the asset's id is made.
public struct ImportedFile: Sendable {
    /// Without folders.
    public var name: String
    public var folder: FolderPath
    public var modifiedAt: Timestamp
    /// What its bytes are. Nil: no media.
    let kind: MediaKind?
    /// Of name, folder and bytes: 10 bytes of it are the random part of the id.
    private let identity: String
    /// In bytes.
    public let size: Int64

    /// Reads all of a file once.
    /// - Throws: what reading throws.
    public init(
        reading content: BlobContent, name: String, folder: FolderPath, modifiedAt: Timestamp
    ) async throws {
        let (head, all) = try await content.stream().withHead(MediaKind.headLength)
        self.name = name
        self.folder = folder
        self.modifiedAt = modifiedAt
        self.size = content.size
        self.kind = MediaKind(head.readableBytesView)
        guard kind != nil else {
            identity = ""
            return
        }
        var digest = SHA256()
        for try await chunk in all.chunks { chunk.withUnsafeReadableBytes { digest.update(bufferPointer: $0) } }
        let hash = digest.finalize().map { String($0, radix: 16) }.joined(separator: ",")
        identity = [folder.rawValue, name, hash].joined(separator: "\u{0}")
    }

    /// Nil for what is no media that becomes an asset.
    func id() -> AssetID? {
        guard let kind else { return nil }
        return AssetID(stored: AssetID.Prefix(kind).rawValue + ULID(deriving: identity, at: modifiedAt).description)
    }
}

extension AssetID.Prefix {
    /// That of media of a kind.
    init(_ kind: MediaKind) { self = kind.isVideo ? .video : kind == .eps ? .document : .image }
}

extension AssetID {
    /// The random part.
    fileprivate var chance: Substring { rawValue.suffix(16) }
}

extension Assets {
    /// What became of a file.
    public enum FileOutcome: Hashable, Sendable {
        /// It is an asset now, or would be.
        case imported
        /// It was before.
        case present
        /// It is no media that becomes an asset.
        case skipped
    }

    /// Stores a file as an asset, unless it is one.
    ///
    /// - Parameters:
    ///   - isReservedName: whether a readable name would be taken for something else in URLs.
    ///   - isDryRun: whether nothing is stored.
    ///   - open: its bytes.
    /// - Throws: what `upload` throws; what `open` throws.
    public func take(
        _ file: ImportedFile, into project: BucketID, isDryRun: Bool = false,
        isReservedName: @escaping @Sendable (String) -> Bool, as caller: Caller, open: () async throws -> BlobContent
    ) async throws -> FileOutcome {
        guard let kind = file.kind, Self.allowed.contains(kind), let id = file.id() else { return .skipped }
        let content = try await open()
        var options = AssetOptions()
        if !file.folder.isRoot { options.changes.folder = file.folder }
        let upload = AssetUpload(
            body: content.stream(), fileName: file.name, options: options, id: id, isReservedName: isReservedName)
        if try await isKnown(id, file, upload, in: project, as: caller, isDryRun: isDryRun) { return .present }
        guard !isDryRun else { return .imported }
        do {
            _ = try await self.upload(upload, in: project, as: caller)
            return .imported
        } catch let error as StorageError where error.code == .objectExists {
            return .present
        }
    }

    /// Whether a file is an asset. One that a crash cut short in the middle is completed.
    private func isKnown(
        _ id: AssetID, _ file: ImportedFile, _ upload: AssetUpload, in project: BucketID, as caller: Caller, isDryRun: Bool
    ) async throws -> Bool {
        do {
            let asset = try await metadata.asset(id.rawValue, in: project, as: caller)
            if asset.originalFileName == nil, !isDryRun { try await complete(asset, upload, caller) }
            return true
        } catch let error as StorageError where error.code == .objectNotFound {
            return try await isKnown(id, file, in: project, as: caller)
        }
    }

    /// Whether there is an asset of the same name and bytes and another date: files are copied without their dates, too.
    private func isKnown(_ id: AssetID, _ file: ImportedFile, in project: BucketID, as caller: Caller) async throws -> Bool {
        var query = AssetQuery(limit: AssetQuery.maxLimit, search: file.name, folder: file.folder)
        while true {
            let page = try await metadata.assets(matching: query, in: project, as: caller)
            if page.assets.contains(where: { $0.id.chance == id.chance }) { return true }
            guard page.hasMore, let last = page.assets.last else { return false }
            query.after = last.id
        }
    }

    /// Takes down what an upload that ended early did not. What its bytes say is found out by the job that every new object has.
    private func complete(_ asset: Asset, _ upload: AssetUpload, _ caller: Caller) async throws {
        let object = try await metadata.visibleObject(at: asset.address, as: caller)
        guard let version = object.record.version else { return }
        let record = AssetRecord(
            address: asset.address, version: version, facts: asset.facts, exif: asset.exif, originalFileName: upload.fileName,
            changes: upload.options.changes, publicID: upload.publicID(upload.options),
            isInspected: asset.inspectedVersion == version)
        _ = try await metadata.recordAsset(record, facts: caller.facts)
    }
}
