// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// Figures as SVG, for libvips to draw with smooth edges. Only numbers and colours get into it.
struct SVGText {
    enum Paint {
        case filled(Color)
        /// Along the edge, so many pixels wide.
        case outlined(Color, width: Int)
    }

    private var text: String

    init(_ size: PixelSize) {
        text = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(size.width)\" height=\"\(size.height)\">"
    }

    var closed: String { text + "</svg>" }

    func rectangle(_ place: PixelRectangle, radius: Double, paint: Paint) -> SVGText {
        adding(
            "<rect x=\"\(place.x)\" y=\"\(place.y)\" width=\"\(place.width)\" height=\"\(place.height)\" rx=\"\(radius)\"", paint)
    }

    func circle(x: Int, y: Int, radius: Int, paint: Paint) -> SVGText {
        adding("<circle cx=\"\(x)\" cy=\"\(y)\" r=\"\(radius)\"", paint)
    }

    func line(from: (x: Int, y: Int), to: (x: Int, y: Int), paint: Paint) -> SVGText {
        adding("<line x1=\"\(from.x)\" y1=\"\(from.y)\" x2=\"\(to.x)\" y2=\"\(to.y)\"", paint)
    }

    private func adding(_ figure: String, _ paint: Paint) -> SVGText {
        var longer = self
        switch paint {
        case .filled(let color): longer.text += "\(figure) fill=\"\(color.css)\" fill-opacity=\"\(color.opacity)\"/>"
        case .outlined(let color, let width):
            longer.text +=
                "\(figure) fill=\"none\" stroke=\"\(color.css)\" stroke-opacity=\"\(color.opacity)\" stroke-width=\"\(width)\"/>"
        }
        return longer
    }
}

extension Color {
    fileprivate var css: String { "#\(Color(red: red, green: green, blue: blue))" }
    fileprivate var opacity: Double { Double(alpha) / 255 }
}
