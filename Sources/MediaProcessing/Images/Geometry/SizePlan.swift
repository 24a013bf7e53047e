// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// How large an image becomes, in the orientation it is shown in.
///
/// - A side is never less than one pixel, and is the rounded product where it follows from the other side.
/// - Without `enlarges` no side grows. Where `cover` or `fill` would have to enlarge, the box shrinks instead and keeps its ratio:
///   1000 x 500 into a box of 2000 x 2000 gives 500 x 500. A vector image may always grow: it has no pixels of its own.
/// - `pad` with both sides always gives the box; only the image in it stays as small as it is.
/// - A result past the limits is made smaller, with its ratio kept, instead of being refused.
struct SizePlan: Hashable, Sendable {
    /// What the image is resized to.
    var scaled: PixelSize
    /// What the result is: parts of the image are cut off where it is smaller, and there is something around it where it is larger.
    var canvas: PixelSize

    init(_ transform: Transform, of source: PixelSize, isVector: Bool = false, limits: ResultLimits) {
        var plan = SizePlan(transform, of: source, mayGrow: isVector)
        // What is cut off has to be computed, too, but its sides are nobody's concern.
        let excess = max(
            Double(max(plan.canvas.width, plan.canvas.height)) / Double(limits.side),
            (Double(max(plan.canvas.pixels, plan.scaled.pixels)) / Double(limits.pixels)).squareRoot())
        if excess > 1 {
            plan.scaled = plan.scaled.scaledDown(by: excess)
            plan.canvas = plan.canvas.scaledDown(by: excess)
        }
        self = plan
    }

    private init(_ transform: Transform, of source: PixelSize, mayGrow: Bool) {
        let fit = transform.fit ?? .cover
        let grows = fit != .scaleDown && (transform.enlarges == true || mayGrow)
        switch (transform.width, transform.height) {
        case (nil, nil): self.init(both: source)
        case (let width?, nil):
            let width = grows ? width : min(width, source.width)
            self.init(both: source.scaled(by: Double(width) / Double(source.width)).with(width: width))
        case (nil, let height?):
            let height = grows ? height : min(height, source.height)
            self.init(both: source.scaled(by: Double(height) / Double(source.height)).with(height: height))
        case (let width?, let height?):
            self.init(fit, box: PixelSize(width: width, height: height), of: source, grows: grows)
        }
    }

    private init(_ fit: Transform.Fit, box: PixelSize, of source: PixelSize, grows: Bool) {
        let across = Double(box.width) / Double(source.width)
        let down = Double(box.height) / Double(source.height)
        /// By how much the box is too large for a source that may not grow.
        let excess = grows ? 1 : max(across, down, 1)
        switch fit {
        case .contain, .scaleDown: self.init(both: source.fitted(into: box, grows: grows))
        case .pad:
            self.init(scaled: source.fitted(into: box, grows: grows), canvas: box)
        case .fill:
            let size = box.scaledDown(by: excess)
            self.init(both: size)
        case .outside:
            let factor = grows ? max(across, down) : min(max(across, down), 1)
            self.init(both: source.scaled(by: factor))
        case .cover:
            let canvas = box.scaledDown(by: excess)
            let factor = max(Double(canvas.width) / Double(source.width), Double(canvas.height) / Double(source.height))
            let size = source.scaled(by: factor)
            self.init(
                scaled: PixelSize(width: max(size.width, canvas.width), height: max(size.height, canvas.height)), canvas: canvas)
        }
    }

    private init(both size: PixelSize) { self.init(scaled: size, canvas: size) }

    private init(scaled: PixelSize, canvas: PixelSize) {
        self.scaled = scaled
        self.canvas = canvas
    }
}

/// What a result may be, in pixels.
struct ResultLimits: Hashable, Sendable {
    /// The longest side.
    var side: Int
    /// Of one frame.
    var pixels: Int
}

extension PixelSize {
    fileprivate func with(width: Int) -> PixelSize { PixelSize(width: width, height: height) }
    fileprivate func with(height: Int) -> PixelSize { PixelSize(width: width, height: height) }
    fileprivate func scaledDown(by excess: Double) -> PixelSize {
        guard excess > 1 else { return self }
        return PixelSize(width: Int((Double(width) / excess).rounded()), height: Int((Double(height) / excess).rounded()))
    }

    fileprivate func fitted(into box: PixelSize, grows: Bool) -> PixelSize {
        let factor = min(Double(box.width) / Double(width), Double(box.height) / Double(height))
        let size = scaled(by: grows ? factor : min(factor, 1))
        return PixelSize(width: min(size.width, box.width), height: min(size.height, box.height))
    }
}
