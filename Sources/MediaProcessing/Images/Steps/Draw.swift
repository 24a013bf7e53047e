// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// Draws figures onto the image, one over the other. Outlines are 1/200 of the shorter side wide, at least 2 pixels; a line is one
/// in any case.
struct Draw: Step {
    var drawings: [Drawing]

    func apply(_ image: VipsImage, in stage: Stage) throws -> VipsImage {
        guard !drawings.isEmpty else { return image }
        let size = image.size
        let figures = drawings.reduce(Figures(size)) { draw($1, onto: $0, size) }
        return try image.under(try figures.image())
    }

    private func draw(_ drawing: Drawing, onto figures: Figures, _ size: PixelSize) -> Figures {
        let stroke = Figures.Paint.outlined(drawing.color, width: max(min(size.width, size.height) / 200, 2))
        let paint = drawing.isFilled ? .filled(drawing.color) : stroke
        func across(_ length: ImageLength) -> Int { length.bounded(of: size.width) }
        func down(_ length: ImageLength) -> Int { length.bounded(of: size.height) }
        switch drawing.shape {
        case .rectangle(let x, let y, let width, let height):
            guard across(width) > 0, down(height) > 0 else { return figures }
            let place = PixelRectangle(x: across(x), y: down(y), width: across(width), height: down(height))
            return figures.rectangle(place, radius: 0, paint: paint)
        case .circle(let x, let y, let radius):
            guard across(radius) > 0 else { return figures }
            return figures.circle(x: across(x), y: down(y), radius: across(radius), paint: paint)
        case .line(let x1, let y1, let x2, let y2):
            return figures.line(from: (across(x1), down(y1)), to: (across(x2), down(y2)), paint: stroke)
        }
    }
}
