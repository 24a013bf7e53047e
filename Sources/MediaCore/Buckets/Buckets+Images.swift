// SPDX-License-Identifier: Apache-2.0

import Crypto
public import NIOCore
import WireFormats

/// What projects configure of their images. Who sees a bucket may read it, who may update the bucket may change it.
extension Buckets {
    private static let maxPresets = 500
    private static let maxWatermarks = 100

    /// - Throws: `StorageError` with `.bucketNotFound`, also when hidden.
    public func imageSettings(of id: BucketID, as caller: Caller) async throws -> ImageSettings {
        _ = try await metadata.bucket(id, as: caller)
        return try await cache.imageSettings.settings(of: id, in: metadata, facts: caller.facts)
    }

    /// Creates or replaces a preset.
    /// - Throws: what `ImageSettingsStore.putPreset` throws; `StorageError` with `.invalidParameter` for a name that is none, a plugin's
    ///   value that means nothing, and one preset too many.
    public func putPreset(_ preset: NamedTransform, in id: BucketID, as caller: Caller) async throws {
        guard NamedTransform.isName(preset.name) else {
            throw StorageError(
                .invalidParameter,
                "A transform's name is 1 to 32 lower-case letters, digits and hyphens, the first no hyphen", resource: "name")
        }
        if let mark = preset.request.watermark?.id, !WatermarkPicture.isID(mark) { throw Self.invalidWatermarkID }
        for call in preset.request.plugins { try call.check() }
        let presets = try await imageSettings(of: id, as: caller).presets
        guard presets[preset.name] != nil || presets.count < Self.maxPresets else {
            throw StorageError(.invalidParameter, "There can be no more than \(Self.maxPresets) transforms", resource: "name")
        }
        defer { cache.invalidate(id) }
        try await runToEnd { try await metadata.putPreset(preset, in: id, as: caller) }
    }

    /// - Returns: whether there was one. - Throws: what `ImageSettingsStore.deletePreset` throws.
    public func deletePreset(_ name: String, in id: BucketID, as caller: Caller) async throws -> Bool {
        guard NamedTransform.isName(name) else { return false }
        defer { cache.invalidate(id) }
        return try await runToEnd { try await metadata.deletePreset(name, in: id, as: caller) }
    }

    /// Creates or replaces a watermark. Its kind is told by its bytes, whatever anybody says of them, and it is laid on once before it
    /// is kept: one that can't be would break every image that is to have it.
    /// - Throws: what `ImageSettingsStore.putWatermark` throws; `StorageError` with `.mediaTypeNotAllowed` for bytes of another kind;
    ///   `.invalidParameter` for an id that is none, and for one watermark too many; what `Variants.tryWatermark` throws.
    public func putWatermark(
        _ watermark: String, body: ByteBuffer, in id: BucketID, as caller: Caller
    ) async throws -> (picture: WatermarkPicture, isNew: Bool) {
        guard WatermarkPicture.isID(watermark) else { throw Self.invalidWatermarkID }
        guard let mediaType = WatermarkPicture.mediaType(of: body.readableBytesView) else {
            throw StorageError(.mediaTypeNotAllowed, "A watermark is a PNG, a WebP, an SVG or a JPEG", resource: watermark)
        }
        let watermarks = try await imageSettings(of: id, as: caller).watermarks
        guard watermarks[watermark] != nil || watermarks.count < Self.maxWatermarks else {
            throw StorageError(.invalidParameter, "There can be no more than \(Self.maxWatermarks) watermarks", resource: "id")
        }
        try await variants?.tryWatermark(body)
        var hash = SHA256()
        body.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
        let picture = WatermarkPicture(
            id: watermark, digest: Hexadecimal.encode(hash.finalize()), mediaType: mediaType,
            size: body.readableBytes, updatedAt: .now())
        defer { cache.invalidate(id) }
        let isNew = try await runToEnd { try await metadata.putWatermark(picture, body: body, in: id, as: caller) }
        return (picture, isNew)
    }

    /// - Returns: whether there was one. - Throws: what `ImageSettingsStore.deleteWatermark` throws.
    public func deleteWatermark(_ watermark: String, in id: BucketID, as caller: Caller) async throws -> Bool {
        guard WatermarkPicture.isID(watermark) else { return false }
        defer { cache.invalidate(id) }
        return try await runToEnd { try await metadata.deleteWatermark(watermark, in: id, as: caller) }
    }

    /// Lets URLs name a plugin, or no longer.
    /// - Throws: what `ImageSettingsStore.setPlugin` throws.
    public func setPlugin(_ plugin: Plugin, isActive: Bool, in id: BucketID, as caller: Caller) async throws {
        defer { cache.invalidate(id) }
        try await runToEnd { try await metadata.setPlugin(plugin, isActive: isActive, in: id, as: caller) }
    }

    private static var invalidWatermarkID: StorageError {
        StorageError(
            .invalidParameter,
            """
            A watermark's id is 1 to 64 lower-case letters, digits, hyphens and underscores, the first a letter or digit; it does \
            not begin with pos_ or opacity_
            """,
            resource: "watermarkId")
    }
}
