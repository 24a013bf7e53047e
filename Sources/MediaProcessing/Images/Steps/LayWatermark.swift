// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// Lays a picture or a text over the image.
///
/// Its own size counts, up to a quarter of the image's width. In corners it keeps 2 % of the shorter side from the edges, at least 8
/// pixels; tiles are half their size apart.
struct LayWatermark: Step {
    var watermark: Watermark
    /// The decoded picture of a watermark that is one.
    var picture: VipsImage?

    func apply(_ image: VipsImage, in stage: Stage) throws -> VipsImage {
        if case .text(let text) = watermark.mark, !TextMark.shows(text) { return image }
        let mark = try stage.inMemory(try faded(try mark(for: image, in: stage)))
        switch watermark.position {
        case .tile: return try image.under(try tiles(of: mark, covering: image.size))
        case .diagonal:
            let turned = try mark.mixingPixels { (mark) throws(VipsFailure) in try mark.turned(byDegrees: -45) }
            return try image.under(try tiles(of: try stage.inMemory(turned), covering: image.size))
        case .topLeft: return try lay(mark, on: image, .northWest)
        case .topRight: return try lay(mark, on: image, .northEast)
        case .bottomLeft: return try lay(mark, on: image, .southWest)
        case .bottomRight: return try lay(mark, on: image, .southEast)
        case .centre: return try lay(mark, on: image, .centre)
        }
    }

    private func lay(_ mark: VipsImage, on image: VipsImage, _ point: Gravity.Compass) throws -> VipsImage {
        let margin = point == .centre ? 0 : max(min(image.width, image.height) / 50, 8)
        let origin = Placement(outer: image.size, inner: mark.size)
            .origin(.compass(point, x: .pixels(margin), y: .pixels(margin)))
        return try image.under(mark, x: origin.x, y: origin.y)
    }

    private func mark(for image: VipsImage, in stage: Stage) throws -> VipsImage {
        let width = max(image.width / 4, 1)
        switch watermark.mark {
        case .text(let text): return try TextMark(text: text, width: width, height: image.height).drawn()
        case .picture:
            guard let picture else { throw StorageError(.internal, "The picture of the watermark is missing") }
            let factor = min(Double(width) / Double(picture.width), Double(image.height) / Double(picture.height), 1)
            return try Resize(target: picture.size.scaled(by: factor)).apply(picture, in: stage)
        }
    }

    private func faded(_ mark: VipsImage) throws -> VipsImage {
        try mark.withAlpha().linear([1, 1, 1, Double(watermark.opacity) / 100], [0, 0, 0, 0])
    }

    private func tiles(of mark: VipsImage, covering size: PixelSize) throws -> VipsImage {
        let cell = mark.size.scaled(by: 1.5)
        let tile = try mark.placed(x: (cell.width - mark.width) / 2, y: (cell.height - mark.height) / 2, in: cell)
        return try tile.repeated(across: size.width / cell.width + 1, down: size.height / cell.height + 1)
            .cut(PixelRectangle(all: size))
    }
}

/// White letters with a dark edge, so that they show on any picture.
private struct TextMark {
    var text: String
    /// Where lines break.
    var width: Int
    var height: Int

    func drawn() throws -> VipsImage {
        let points = min(max(width / 8, 9), 96)
        let letters = try VipsOperation(
            "text",
            [
                "text": .text(escaped), "font": .text("sans bold \(points)"), "width": .integer(width),
                "wrap": .choice("word-char"), "align": .choice("centre"),
            ]
        ).image()
        let edge = max(Double(points) / 16, 1)
        let room = Int(edge.rounded(.up)) * 2
        let size = PixelSize(width: letters.width + 2 * room, height: letters.height + 2 * room)
        let shape = try letters.placed(x: room, y: room, in: size).inMemory()
        let halo = try VipsOperation("gaussblur", ["in": .image(shape), "sigma": .number(edge)]).image().linear([2], [0])
        let dark = try VipsImage.filled(size, with: 0).joined(halo)
        let mark = try dark.under(try VipsImage.filled(size, with: 255).joined(shape))
        let factor = min(Double(width) / Double(size.width), Double(height) / Double(size.height), 1)
        return try mark.mixingPixels { (mark) throws(VipsFailure) in try mark.resized(to: size.scaled(by: factor)) }
    }

    /// Pango reads markup. What it could not read anyhow, zero bytes among it, goes.
    private var escaped: String {
        var escaped = ""
        for scalar in text.unicodeScalars.prefix(200) where scalar.value >= 0x20 && scalar.value != 0x7F {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// Whether there is anything to draw: Pango refuses what is only space.
    static func shows(_ text: String) -> Bool {
        text.unicodeScalars.contains {
            !$0.properties.isWhitespace && !$0.properties.isDefaultIgnorableCodePoint && $0.properties.generalCategory != .control
        }
    }
}

extension VipsImage {
    /// Three bands of one value.
    fileprivate static func filled(_ size: PixelSize, with value: UInt8) throws(VipsFailure) -> VipsImage {
        let black = try VipsOperation(
            "black", ["width": .integer(size.width), "height": .integer(size.height), "bands": 3]
        ).image()
        let filled = try black.linear([0], [Double(value)])
        return try VipsOperation("copy", ["in": .image(filled), "interpretation": .choice("srgb")]).image()
    }
}
