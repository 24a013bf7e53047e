// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore

/// Writes an image.
struct Encoder {
    var format: ImageFormat
    /// 1...100. Nil: the format's default. PNG and GIF have none.
    var quality: Int?
    /// Whether no metadata is written.
    var isStripped: Bool

    private static let mostPixelsWithEffort = 2_000_000

    /// One copy of the encoder's bytes. Computes the pixels, if they are not yet.
    func encode(_ image: VipsImage) throws -> ByteBuffer {
        try operation(image).withBytes { ByteBuffer(bytes: $0) }
    }

    private func operation(_ image: VipsImage) throws -> VipsOperation {
        let (source, strip) = (VipsOperation.Argument.image(image), VipsOperation.Argument.flag(isStripped))
        func quality(or standard: Int) -> VipsOperation.Argument { .integer(min(max(self.quality ?? standard, 1), 100)) }
        switch format {
        case .jpeg:
            return try VipsOperation(
                "jpegsave_buffer", ["in": source, "strip": strip, "Q": quality(or: 80), "optimize-coding": true])
        case .png: return try VipsOperation("pngsave_buffer", ["in": source, "strip": strip, "compression": 6])
        case .webp:
            // Effort 4, the library's own, takes a third more time and makes photographs 2 to 3 % smaller.
            return try VipsOperation("webpsave_buffer", ["in": source, "strip": strip, "Q": quality(or: 79), "effort": 2])
        case .avif:
            // Noise at full quality takes 0.8 s for a million pixels with effort 2, and 0.4 s without any.
            let effort = image.size.pixels > Self.mostPixelsWithEffort ? 0 : 2
            return try VipsOperation(
                "heifsave_buffer",
                [
                    "in": source, "strip": strip, "Q": quality(or: 63), "effort": .integer(effort), "compression": .choice("av1"),
                    "bitdepth": 8,
                ])
        case .gif: return try VipsOperation("gifsave_buffer", ["in": source, "strip": strip, "effort": 2])
        case .jxl:
            return try VipsOperation("jxlsave_buffer", ["in": source, "strip": strip, "Q": quality(or: 80), "effort": 3])
        case .svg: throw StorageError(.unreadableImage, "Only an SVG image can be delivered as SVG")
        }
    }
}
