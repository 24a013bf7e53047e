// SPDX-License-Identifier: Apache-2.0

public import MediaCore
public import NIOCore
import Synchronization

extension InMemoryMetadataStore {
    /// The rows of a bucket's images' settings.
    struct StoredImageSettings {
        var settings = ImageSettings.none
        var pictures: [String: ByteBuffer] = [:]
        var sealedSecret: [UInt8]?
    }

    public func imageSettings(_ id: BucketID, facts: RequestFacts) async throws -> ImageSettings {
        try state.withLock { state in
            guard state.buckets[id] != nil else { throw StorageError.bucketNotFound(id) }
            return state.images[id]?.settings ?? .none
        }
    }

    public func putPreset(_ preset: NamedTransform, in id: BucketID, as caller: Caller) async throws {
        try configureImages(of: id, as: caller) { $0.settings.presets[preset.name] = preset }
    }

    public func deletePreset(_ name: String, in id: BucketID, as caller: Caller) async throws -> Bool {
        try configureImages(of: id, as: caller) { $0.settings.presets.removeValue(forKey: name) != nil }
    }

    public func putWatermark(
        _ watermark: WatermarkPicture, body: ByteBuffer, in id: BucketID, as caller: Caller
    ) async throws -> Bool {
        try configureImages(of: id, as: caller) { stored in
            stored.pictures[watermark.id] = body
            return stored.settings.watermarks.updateValue(watermark, forKey: watermark.id) == nil
        }
    }

    public func deleteWatermark(_ watermark: String, in id: BucketID, as caller: Caller) async throws -> Bool {
        try configureImages(of: id, as: caller) { stored in
            stored.pictures[watermark] = nil
            return stored.settings.watermarks.removeValue(forKey: watermark) != nil
        }
    }

    public func watermark(
        _ watermark: String, digest: String, in id: BucketID, facts: RequestFacts
    ) async throws -> ByteBuffer? {
        state.withLock { state in
            guard let stored = state.images[id], stored.settings.watermarks[watermark]?.digest == digest else { return nil }
            return stored.pictures[watermark]
        }
    }

    public func setPlugin(_ plugin: Plugin, isActive: Bool, in id: BucketID, as caller: Caller) async throws {
        try configureImages(of: id, as: caller) { stored in
            if isActive { stored.settings.plugins.insert(plugin) } else { stored.settings.plugins.remove(plugin) }
        }
    }

    public func setOriginalsSecret(_ sealed: [UInt8]?, in id: BucketID, as caller: Caller) async throws {
        try configureImages(of: id, as: caller) { stored in
            stored.sealedSecret = sealed
            stored.settings.signsOriginals = sealed != nil
        }
    }

    public func originalsSecret(of id: BucketID, facts: RequestFacts) async throws -> [UInt8]? {
        state.withLock { $0.images[id]?.sealedSecret }
    }

    private func configureImages<Value: Sendable>(
        of id: BucketID, as caller: Caller, _ change: (inout StoredImageSettings) -> Value
    ) throws -> Value {
        try transaction(as: caller) { state, security in
            guard let bucket = state.buckets[id], security.sees(bucket) else { throw StorageError.bucketNotFound(id) }
            guard security.allows(.update, .bucket(bucket)) else {
                throw security.refused(.update, .bucket(bucket), "Access denied")
            }
            let value = change(&state.images[id, default: StoredImageSettings()])
            state.report(.bucket(id))
            return value
        }
    }
}
