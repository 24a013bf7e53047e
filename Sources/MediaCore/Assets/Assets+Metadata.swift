// SPDX-License-Identifier: Apache-2.0

import NIOCore

extension Assets {
    /// Takes what the file says of camera, date and place out of an image, for good. Its pixels, colours and orientation stay.
    /// - Throws: what `AssetStore.asset` and `Objects.put` throw; `StorageError` with `.invalidRequest` for what is no image, `.notConfigured`.
    public func stripMetadata(of name: String, in project: BucketID, as caller: Caller) async throws -> Asset {
        let asset = try await asset(name, in: project, as: caller)
        let (object, _) = try await delivery.describe(asset.address, access: .policy(caller))
        var content = try await content(of: AssetDocument(asset: asset, object: object))
        let head = try await content.readHead(MediaKind.headLength)
        guard let kind = MediaKind(head.readableBytesView), kind.isImage, content.size <= configuration.limits.image else {
            throw StorageError(.invalidRequest, "'\(asset.id)' is no image", resource: asset.id.rawValue)
        }
        let found = SetOnce<AssetFacts>()
        let record = try await objects.put(
            Upload(
                body: content.stream(),
                options: UploadOptions(mode: .replace, contentType: kind.mediaType, cacheControl: "max-age=3600"),
                review: { content in
                    let content = try await content.inMemory()
                    var facts = try await examiner.examine(content, as: kind, for: ConversionOrder(bucket: project)).facts
                    defer { found.set(facts) }
                    // SVG has none that is told of.
                    guard kind != .svg else { return nil }
                    let replacement = try await stripped(content, kind, in: project)
                    facts.size = Int64(replacement.readableBytes)
                    return replacement
                }),
            at: asset.address, access: .policy(caller))
        guard let version = record.version, let facts = found.value else { throw StorageError.objectNotFound(asset.address) }
        var changes = AssetChanges()
        changes.exif = [:]
        let known = AssetRecord(address: asset.address, version: version, facts: facts, changes: changes)
        guard let result = try await runToEnd({ try await metadata.recordAsset(known, facts: caller.facts) }) else {
            throw StorageError.objectNotFound(asset.address)
        }
        return result
    }

    /// The same image without metadata. It is in memory only behind all waits.
    /// - Throws: `StorageError` with `.notConfigured` where there is nothing that can take it out; `.unreadableImage`; `.overloaded`.
    func stripped(_ image: BlobContent, _ kind: MediaKind, in project: BucketID) async throws -> ByteBuffer {
        guard let converter, converter.abilities.contains(.metadata) else {
            throw StorageError(.notConfigured, "Metadata can't be taken out of images on this server")
        }
        do {
            return try await converter.withWorkspace(for: ConversionOrder(bucket: project)) { workspace in
                let file = try await workspace.receive(image.stream(), limit: image.size)
                let result = try await workspace.stripped(file, kind)
                return try await workspace.contents(of: result).collected(upTo: Int(clamping: image.size) * 2 + 65536)
            }
        } catch let failure as ConversionFailure {
            throw failure.storageError
        }
    }
}
