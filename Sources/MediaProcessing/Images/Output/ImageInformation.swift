// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import MediaCore
import NIOCore

/// What is known of an image, as JSON: its facts, its main colour, and a few bytes that a page can show until the image is there.
struct ImageInformation: Encodable {
    var width: Int
    var height: Int
    var format: String
    var hasAlpha: Bool
    var frames: Int
    var orientation: Int
    /// `#rrggbb`.
    var dominantColor: String
    /// ThumbHash, in Base64.
    var thumbhash: String

    /// As large as a ThumbHash may be made of.
    private static let side = 100

    /// Decodes a small version of the source, as it is shown.
    init(of source: ImageSource, in stage: Stage) throws {
        let facts = source.facts
        (width, height, format) = (facts.width, facts.height, facts.format)
        (hasAlpha, frames, orientation) = (facts.hasAlpha, facts.frames, facts.orientation)
        let stored = source.size
        let target = stored.scaled(by: min(Double(Self.side) / Double(max(stored.width, stored.height)), 1))
        let steps: [any Step] = [
            Resize(target: target), Colours(), LayDown(orientation: Orientation(exif: source.orientation)),
        ]
        let decoded = stage.watching(
            try source.open(factor: Double(max(target.width, target.height)) / Double(max(stored.width, stored.height))))
        let small = try stage.run(steps, on: decoded).withAlpha()
        let pixels = try small.samples()
        dominantColor = "#\(DominantColor.of(pixels))"
        thumbhash = Data(ThumbHash(pixels, width: small.width, height: small.height).bytes).base64EncodedString()
    }

    func rendered() throws -> RenderedImage {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return RenderedImage(body: ByteBuffer(bytes: try encoder.encode(self)), mediaType: "application/json")
    }
}
