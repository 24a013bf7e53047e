// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaProcessing
import NIOCore

extension ServerConfiguration {
    /// What may be spent on images.
    struct Images: Sendable {
        var variants: Variants.Configuration
        /// The most that variants take of the disk, in bytes. 0: none are kept there.
        var cache: Int64
        /// How many are rendered at a time. Nil: as many as there are processors.
        var workers: Int?
        /// What drawing an SVG image may cost.
        var drawings: SVGPainter.Limits
    }
}

extension ServerConfiguration.Images {
    /// Nil: images are only delivered as they are.
    init?(_ settings: Settings) throws {
        guard try settings.choice("IMAGES", of: Switch.self) == .on else { return nil }
        cache = try settings.bytes("VARIANT_CACHE")
        workers = try settings.text("RENDER_WORKERS").map { _ in try settings.integer("RENDER_WORKERS", in: 1...1024) }
        let timeout = try settings.duration("RENDER_TIMEOUT")
        drawings = SVGPainter.Limits(
            timeout: min(try settings.duration("SVG_TIMEOUT"), timeout / 2), memory: try settings.bytes("SVG_MEMORY"),
            places: try settings.integer("SVG_PLACES", in: 1...64))
        guard drawings.memory >= 1 << 26, drawings.memory <= 1 << 40 else {
            throw ConfigurationError("MAGPIE_SVG_MEMORY must be from 64MiB to 1TiB")
        }
        variants = Variants.Configuration(
            limits: try ImageLimits(settings), timeout: TimeAmount(timeout),
            queue: try settings.integer("RENDER_QUEUE", in: 0...100_000), drawings: drawings.places,
            drawingQueue: try settings.integer("SVG_QUEUE", in: 0...10_000),
            offersJXL: try settings.choice("IMAGE_JXL", of: Switch.self) == .on,
            deliveriesPerSecond: try settings.integer("DELIVERY_RATE", in: 0...1_000_000),
            conversions: try ServerConfiguration.Conversions.tools(settings),
            conversionQueue: try ServerConfiguration.Conversions.queue(settings))
    }
}

extension ImageLimits {
    fileprivate init(_ settings: Settings) throws {
        self.init()
        sourceBytes = Int(clamping: try settings.bytes("IMAGE_SOURCE_LIMIT"))
        guard sourceBytes <= Self.mostSourceBytes else {
            throw ConfigurationError("MAGPIE_IMAGE_SOURCE_LIMIT must be at most 1GiB: an image is read into memory")
        }
        sourcePixels = try settings.integer("IMAGE_PIXELS", in: 1...10_000_000_000)
        frames = try settings.integer("IMAGE_FRAMES", in: 1...100_000)
        resultSide = try settings.integer("IMAGE_RESULT_SIDE", in: 1...16_383)
        slowPixels = try settings.integer("IMAGE_SLOW_PIXELS", in: 1...1_000_000_000)
        avifPixels = try settings.integer("IMAGE_AVIF_PIXELS", in: 0...1_000_000_000)
    }

    private static let mostSourceBytes = 1 << 30
}
