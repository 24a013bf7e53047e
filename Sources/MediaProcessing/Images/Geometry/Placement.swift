// SPDX-License-Identifier: Apache-2.0

import MediaCore

extension Gravity.Compass {
    /// Where the upper left corner of a box lies in an image, or of an image in a larger canvas: 0 is at the left or top, 1 at
    /// the right or bottom.
    fileprivate var anchor: (across: Double, down: Double) {
        switch self {
        case .north: (0.5, 0)
        case .south: (0.5, 1)
        case .east: (1, 0.5)
        case .west: (0, 0.5)
        case .northEast: (1, 0)
        case .northWest: (0, 0)
        case .southEast: (1, 1)
        case .southWest: (0, 1)
        case .centre: (0.5, 0.5)
        }
    }
}

/// Where the smaller one of two sizes lies in the larger one, by a gravity that needs no look at the image.
///
/// Offsets lead away from the side that a compass point names, and right and down from its middle; fractions are of the larger size.
/// A focal point gets into the middle of the part, as far as the image reaches.
struct Placement {
    var outer: PixelSize
    var inner: PixelSize

    func origin(_ gravity: Gravity?) -> (x: Int, y: Int) {
        switch gravity {
        case nil, .interest: origin(.centre, x: 0, y: 0)
        case .compass(let point, let x, let y): origin(point, x: x.bounded(of: outer.width), y: y.bounded(of: outer.height))
        case .focalPoint(let x, let y):
            origin(centre: (x.doubleValue * Double(outer.width), y.doubleValue * Double(outer.height)))
        }
    }

    /// With a point of the outer size as near to the middle as can be.
    func origin(centre: (x: Double, y: Double)) -> (x: Int, y: Int) {
        clamped(x: centre.x - Double(inner.width) / 2, y: centre.y - Double(inner.height) / 2)
    }

    private func origin(_ point: Gravity.Compass, x: Int, y: Int) -> (x: Int, y: Int) {
        let anchor = point.anchor
        return clamped(
            x: Double(outer.width - inner.width) * anchor.across + Double(anchor.across == 1 ? -x : x),
            y: Double(outer.height - inner.height) * anchor.down + Double(anchor.down == 1 ? -y : y))
    }

    private func clamped(x: Double, y: Double) -> (x: Int, y: Int) {
        (
            Int(min(max(x.rounded(.down), 0), Double(max(outer.width - inner.width, 0)))),
            Int(min(max(y.rounded(.down), 0), Double(max(outer.height - inner.height, 0))))
        )
    }
}

extension CropArea {
    /// The part of an image of this size: at least one of its pixels, whatever was asked for.
    func rectangle(in size: PixelSize) -> PixelRectangle {
        PixelRectangle(
            x: x.bounded(of: size.width), y: y.bounded(of: size.height), width: width.bounded(of: size.width),
            height: height.bounded(of: size.height)
        ).clamped(to: size)
    }
}

extension ImageLength {
    /// In pixels of a side, near enough to it to calculate with: lengths come from URLs.
    func bounded(of extent: Int) -> Int { min(max(pixels(of: extent), -1 << 24), 1 << 24) }
}
