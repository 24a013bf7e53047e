// SPDX-License-Identifier: Apache-2.0

/// Width and height of an image, both at least 1.
struct PixelSize: Hashable, Sendable {
    var width: Int
    var height: Int

    init(width: Int, height: Int) {
        self.width = max(width, 1)
        self.height = max(height, 1)
    }

    /// `Int.max` where they are more: sizes come from files and URLs.
    var pixels: Int {
        let (product, overflows) = width.multipliedReportingOverflow(by: height)
        return overflows ? .max : product
    }

    var turned: PixelSize { PixelSize(width: height, height: width) }

    /// By a factor, rounded, never empty and no side longer than `longestSide`.
    func scaled(by factor: Double) -> PixelSize {
        PixelSize(width: Self.side(Double(width) * factor), height: Self.side(Double(height) * factor))
    }

    /// Longer than any image that could be made, and short enough that the pixels of two such sides are a number.
    static let longestSide = 1 << 30

    /// The conversion of a number that is past all integers would be the end of the process.
    private static func side(_ length: Double) -> Int {
        length < Double(longestSide) ? Int(max(length, 1).rounded()) : longestSide
    }
}

/// A part of an image.
struct PixelRectangle: Hashable, Sendable {
    var x: Int
    var y: Int
    var size: PixelSize

    init(x: Int, y: Int, width: Int, height: Int) {
        self.x = x
        self.y = y
        self.size = PixelSize(width: width, height: height)
    }

    init(all size: PixelSize) { self.init(x: 0, y: 0, width: size.width, height: size.height) }

    var width: Int { size.width }
    var height: Int { size.height }

    /// What of it lies in an image: at least one pixel.
    func clamped(to bounds: PixelSize) -> PixelRectangle {
        let left = min(max(x, 0), bounds.width - 1)
        let top = min(max(y, 0), bounds.height - 1)
        let right = min(max(x + width, left + 1), bounds.width)
        let bottom = min(max(y + height, top + 1), bounds.height)
        return PixelRectangle(x: left, y: top, width: right - left, height: bottom - top)
    }
}
