// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore

/// The picture of a watermark, as foreign as any source.
struct Overlay {
    var bytes: ByteBuffer
    var limits: ImageLimits
    var cleanSVG: VipsImageProcessor.SVGCleaning?
    var drawings: Drawings

    /// More is more than a watermark is ever shown with.
    private static let mostPixels = 25_000_000

    /// All its pixels, at its own size.
    func decoded(in stage: Stage) throws -> VipsImage {
        var limits = limits
        limits.sourcePixels = min(limits.sourcePixels, Self.mostPixels)
        return try bytes.withUnsafeReadableBytes { raw in
            let format = try ImageSource.format(of: raw, limits: limits)
            let source =
                format == .svg
                ? ImageSource(
                    try drawings.document(.overlay) { try SVGRoot(try cleaned(bytes)) }, as: .overlay, in: drawings,
                    limits: limits)
                : try ImageSource(raw, format: format, limits: limits)
            let image = stage.watching(try source.open())
            let upright = [Colours(), LayDown(orientation: Orientation(exif: source.orientation))] as [any Step]
            // Its bytes are only lent.
            return try stage.inMemory(try stage.run(upright, on: image))
        }
    }

    private func cleaned(_ document: ByteBuffer) throws -> ByteBuffer {
        guard let cleanSVG else { throw StorageError(.unreadableImage, "SVG images are not read here") }
        return try cleanSVG(document)
    }
}
