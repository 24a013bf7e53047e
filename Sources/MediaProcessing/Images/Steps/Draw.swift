// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// Draws figures onto the image, one over the other. Outlines are 1/200 of the shorter side wide, at least 2 pixels; a line is one
/// in any case.
struct Draw: Step {
    var drawings: [Drawing]

    func apply(_ image: VipsImage, in stage: Stage) throws -> VipsImage {
        guard !drawings.isEmpty else { return image }
        let size = image.size
        let figures = drawings.reduce(SVGText(size)) { draw($1, onto: $0, size) }
        return try image.under(try stage.drawn(figures.closed))
    }

    private func draw(_ drawing: Drawing, onto text: SVGText, _ size: PixelSize) -> SVGText {
        let stroke = SVGText.Paint.outlined(drawing.color, width: max(min(size.width, size.height) / 200, 2))
        let paint = drawing.isFilled ? .filled(drawing.color) : stroke
        func across(_ length: ImageLength) -> Int { length.bounded(of: size.width) }
        func down(_ length: ImageLength) -> Int { length.bounded(of: size.height) }
        switch drawing.shape {
        case .rectangle(let x, let y, let width, let height):
            guard across(width) > 0, down(height) > 0 else { return text }
            let place = PixelRectangle(x: across(x), y: down(y), width: across(width), height: down(height))
            return text.rectangle(place, radius: 0, paint: paint)
        case .circle(let x, let y, let radius):
            guard across(radius) > 0 else { return text }
            return text.circle(x: across(x), y: down(y), radius: across(radius), paint: paint)
        case .line(let x1, let y1, let x2, let y2):
            return text.line(from: (across(x1), down(y1)), to: (across(x2), down(y2)), paint: stroke)
        }
    }
}
