// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore

/// The picture of a watermark, as foreign as any source.
struct Overlay {
    var bytes: ByteBuffer
    var limits: ImageLimits
    var cleanSVG: VipsImageProcessor.SVGCleaning?

    /// More is more than a watermark is ever shown with.
    private static let mostPixels = 25_000_000

    /// All its pixels, at its own size.
    func decoded(in stage: Stage) throws -> VipsImage {
        var limits = limits
        limits.sourcePixels = min(limits.sourcePixels, Self.mostPixels)
        return try cleaned().withUnsafeReadableBytes { raw in
            let source = try ImageSource(raw, format: try ImageSource.format(of: raw, limits: limits), limits: limits)
            let image = stage.watching(try source.open())
            let upright = [Colours(), LayDown(orientation: Orientation(exif: source.orientation))] as [any Step]
            // Its bytes are only lent.
            return try stage.inMemory(try stage.run(upright, on: image))
        }
    }

    private func cleaned() throws -> ByteBuffer {
        let format = bytes.withUnsafeReadableBytes { SourceFormat($0) }
        guard format == .svg else { return bytes }
        guard let cleanSVG else { throw StorageError(.unreadableImage, "SVG images are not read here") }
        return try cleanSVG(bytes)
    }
}
