// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore

/// Reads the header of an image, on the calling thread.
struct Inspection {
    var limits: ImageLimits
    var cleanSVG: VipsImageProcessor.SVGCleaning?

    /// - Throws: as `ImageProcessor.inspect`.
    func facts(of bytes: ByteBuffer) throws -> ImageFacts {
        try bytes.withUnsafeReadableBytes { raw in
            let format = try ImageSource.format(of: raw, limits: limits)
            guard format == .svg else { return try ImageSource(raw, format: format, limits: limits, readsEXIF: true).facts }
            guard let cleanSVG else { throw StorageError(.unreadableImage, "SVG images are not read here") }
            return ImageSource(try SVGRoot(try cleanSVG(bytes)), as: .source, in: Drawings(), limits: limits).facts
        }
    }
}
