// SPDX-License-Identifier: Apache-2.0

import MediaCore
import VipsShim

/// Figures with smooth edges, one over the other, on a transparent ground.
struct Figures {
    enum Paint {
        case filled(Color)
        /// Along the edge, so many pixels wide.
        case outlined(Color, width: Int)
    }

    private let size: PixelSize
    private var figures: [vs_figure] = []

    init(_ size: PixelSize) { self.size = size }

    /// All of them as a picture of four samples a pixel.
    func image() throws(VipsFailure) -> VipsImage {
        try VipsImage(
            owning: vs_image_of_figures(Int32(clamping: size.width), Int32(clamping: size.height), figures, Int32(figures.count)))
    }

    func rectangle(_ place: PixelRectangle, radius: Double, paint: Paint) -> Figures {
        adding(VS_RECTANGLE, x: place.x, y: place.y, width: place.width, height: place.height, radius: radius, paint)
    }

    func circle(x: Int, y: Int, radius: Int, paint: Paint) -> Figures {
        adding(VS_CIRCLE, x: x, y: y, width: 0, height: 0, radius: Double(radius), paint)
    }

    func line(from: (x: Int, y: Int), to: (x: Int, y: Int), paint: Paint) -> Figures {
        adding(VS_LINE, x: from.x, y: from.y, width: to.x - from.x, height: to.y - from.y, radius: 0, paint)
    }

    private func adding(
        _ shape: vs_shape, x: Int, y: Int, width: Int, height: Int, radius: Double, _ paint: Paint
    ) -> Figures {
        let (color, stroke) =
            switch paint {
            case .filled(let color): (color, 0)
            case .outlined(let color, let width): (color, width)
            }
        var longer = self
        longer.figures.append(
            vs_figure(
                shape: shape, x: Double(x), y: Double(y), width: Double(width), height: Double(height), radius: radius,
                stroke: Double(stroke), colour: (color.red, color.green, color.blue, color.alpha)))
        return longer
    }
}
