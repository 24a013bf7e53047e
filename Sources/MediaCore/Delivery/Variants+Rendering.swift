// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore

/// Where the bytes of a variant come from: memory, a store, or the processor.
extension Variants {
    struct Found {
        var variant: KeptVariant
        var isCached: Bool
        /// What the cache holds of it.
        var body: CachedBody?
    }

    /// What a request means for an object as it is now.
    /// - Throws: what `open` throws of presets and plugins; `.blobMissing` for a row that Magpie was never told the bytes of.
    func resolve(
        _ request: TransformRequest, of source: Delivery.Source, accepted: AcceptedFormats, facts: RequestFacts
    ) async throws -> WantedVariant {
        guard let version = source.object.record.version, source.object.blob != nil else { throw source.missing }
        let bucket = source.object.record.address.bucket
        let settings = try await delivery.cache.imageSettings.settings(of: bucket, in: delivery.metadata, facts: facts)
        let offered = accepted.offered(for: source.details.mimetype, request.transform, jxl: configuration.offersJXL)
        let transform = try request.resolved(
            by: settings, project: bucket.rawValue, accepted: offered, limits: configuration.limits)
        return WantedVariant(
            name: VariantName(version: version, fingerprint: transform.fingerprint(revision: revision(for: source))),
            transform: transform, source: source, watermark: transform.watermarkPicture(of: settings), facts: facts,
            variesByAccept: (request.transform.format ?? .accepted) == .accepted)
    }

    /// Of everything that decides what becomes of a source.
    private func revision(for source: Delivery.Source) -> String {
        guard let converter = engine.converter, Self.conversion(of: source.details.mimetype, by: converter) != nil else {
            return engine.processor.revision
        }
        return "\(engine.processor.revision)-\(converter.revision)"
    }

    /// The variant, from the nearest place that has it.
    func find(_ wanted: WantedVariant, by deadline: NIODeadline) async throws -> Found {
        while true {
            if let cached = delivery.cache.variant(wanted.name), let bytes = cached.body.bytes {
                engine.metrics.delivered(from: .memory)
                let variant = KeptVariant(content: BlobContent(bytes), mediaType: cached.mediaType)
                return Found(variant: variant, isCached: true, body: cached.body)
            }
            if let kept = await kept(wanted.name) {
                engine.metrics.delivered(from: .disk)
                return Found(variant: kept, isCached: true, body: keepInMemory(kept, wanted))
            }
            // Nothing was rendered where another rendering was kept since the look above: that one is found now.
            guard let image = try await engine.renderings.value(of: wanted.name, by: deadline, rendering(of: wanted)) else {
                continue
            }
            engine.metrics.delivered(from: .rendered)
            let variant = KeptVariant(content: BlobContent(image.body), mediaType: image.mediaType)
            return Found(variant: variant, isCached: false, body: keepInMemory(variant, wanted))
        }
    }

    /// What the store has of a name. A store that does not work costs a rendering, and no more.
    func kept(_ name: VariantName) async -> KeptVariant? {
        do {
            return try await engine.store?.open(name)
        } catch {
            logger.warning("a kept variant can't be read", metadata: ["error": "\(error)"])
            return nil
        }
    }

    /// With the cached object that it was made of, where there is one: who may see that one may see this.
    private func keepInMemory(_ variant: KeptVariant, _ wanted: WantedVariant) -> CachedBody? {
        guard let cached = wanted.source.cached, case .buffer(let bytes) = variant.content.source,
            bytes.readableBytes <= delivery.cache.maxBodyBytes
        else { return nil }
        let kept = CachedVariant(name: wanted.name, mediaType: variant.mediaType, body: bytes)
        return delivery.cache.keep(kept, of: cached) ? kept.body : nil
    }

    private func rendering(of wanted: WantedVariant) -> SharedWork<VariantName, RenderedImage?>.Work {
        SharedWork.Work(
            make: { patience in
                // From here on whoever wants it waits for this work. Who looked before and came here after the last one ended would render
                // once more.
                if await kept(wanted.name) != nil { return nil }
                do {
                    let image = try await rendered(wanted, by: patience)
                    engine.metrics.ended(.done)
                    engine.usage.rendered(for: wanted.source.object.record.address.bucket)
                    return image
                } catch {
                    engine.metrics.ended(with: error)
                    throw error
                }
            },
            afterwards: { image in
                guard let image, let store = engine.store else { return }
                do {
                    try await store.keep(image, as: wanted.name)
                    engine.metrics.keeps(bytes: store.keptBytes)
                } catch {
                    engine.metrics.failedToKeep()
                    logger.warning("a variant was delivered and not kept", metadata: ["error": "\(error)"])
                }
            })
    }
}

extension Variants {
    /// Lays a picture on an image, as small as possible: on itself.
    /// - Throws: `StorageError` with `.unreadableImage` for one that can't be decoded, `.imageTooLarge`, `.overloaded`, `.renderTimedOut`.
    func tryWatermark(_ picture: ByteBuffer) async throws {
        var transform = Transform()
        transform.width = 1
        transform.format = .fixed(.png)
        transform.watermark = Watermark(.picture(digest: ""))
        let recipe = ImageRecipe(transform, overlay: picture, deadline: .now() + configuration.timeout)
        let line = MediaKind(picture.readableBytesView) == .svg ? engine.drawings : engine.gate
        _ = try await line.run { try await engine.processor.render(picture, recipe) }
    }

    /// The picture that is laid on, where there is one.
    /// - Throws: `StorageError` with `.locked` when it was replaced since the project's settings were read: they are on their way.
    func overlay(of wanted: WantedVariant) async throws -> ByteBuffer? {
        guard case .picture(let digest)? = wanted.transform.watermark?.mark else { return nil }
        let bucket = wanted.source.object.record.address.bucket
        if let picture = wanted.watermark,
            let bytes = try await delivery.metadata.watermark(picture.id, digest: digest, in: bucket, facts: wanted.facts)
        {
            return bytes
        }
        delivery.cache.imageSettings.invalidate(bucket)
        throw StorageError(.locked, "The watermark is being replaced, please retry", resource: "watermark", isRetryable: true)
    }
}

extension Transform {
    fileprivate func watermarkPicture(of settings: ImageSettings) -> WatermarkPicture? {
        guard case .picture(let digest)? = watermark?.mark else { return nil }
        return settings.watermarks.values.first { $0.digest == digest }
    }
}

extension BlobContent {
    /// All of a blob that is in memory.
    fileprivate init(_ bytes: ByteBuffer) {
        let size = Int64(bytes.readableBytes)
        self.init(source: .buffer(bytes), size: size, range: 0..<size)
    }
}
