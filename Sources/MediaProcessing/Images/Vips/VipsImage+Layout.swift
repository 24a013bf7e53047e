// SPDX-License-Identifier: Apache-2.0

import VipsShim

/// Operations that move pixels.
extension VipsImage {
    func cut(_ part: PixelRectangle) throws(VipsFailure) -> VipsImage {
        guard part != PixelRectangle(all: size) else { return self }
        return try VipsOperation(
            "extract_area",
            [
                "input": .image(self), "left": .integer(part.x), "top": .integer(part.y), "width": .integer(part.width),
                "height": .integer(part.height),
            ]
        ).image()
    }

    /// Puts it into a larger canvas, which is transparent black around it.
    func placed(x: Int, y: Int, in canvas: PixelSize) throws(VipsFailure) -> VipsImage {
        try VipsOperation(
            "embed",
            [
                "in": .image(self), "x": .integer(x), "y": .integer(y), "width": .integer(canvas.width),
                "height": .integer(canvas.height), "extend": .choice("black"),
            ]
        ).image()
    }

    /// To exactly this size, with a Lanczos kernel.
    func resized(to target: PixelSize) throws(VipsFailure) -> VipsImage {
        guard target != size else { return self }
        guard canBeNarrowed(to: target.width) else { return try scaled(to: target) }
        // Fewer lines first: then fewer are to be narrowed.
        return try scaled(to: PixelSize(width: width, height: target.height)).narrowed(to: target.width)
    }

    /// Whether `narrowed` takes it: see `vs_image_can_narrow`.
    func canBeNarrowed(to width: Int) -> Bool { vs_image_can_narrow(pointer, Int32(clamping: width)) }

    /// Makes it less wide and leaves its height, faster than libvips does.
    func narrowed(to width: Int) throws(VipsFailure) -> VipsImage {
        try VipsImage(owning: vs_image_narrow(pointer, Int32(clamping: width)))
    }

    /// By libvips alone.
    private func scaled(to target: PixelSize) throws(VipsFailure) -> VipsImage {
        guard target != size else { return self }
        return try VipsOperation(
            "resize",
            [
                "in": .image(self), "scale": .number(Double(target.width) / Double(width)),
                "vscale": .number(Double(target.height) / Double(height)),
            ]
        ).image()
    }

    /// Needs to be in memory for everything but mirroring.
    func laidDown(_ orientation: Orientation) throws(VipsFailure) -> VipsImage {
        var image = self
        if orientation.isMirrored {
            image = try VipsOperation("flip", ["in": .image(image), "direction": .choice("horizontal")]).image()
        }
        guard orientation.quarterTurns > 0 else { return image }
        return try VipsOperation("rot", ["in": .image(image), "angle": .choice("d\(orientation.quarterTurns * 90)")]).image()
    }

    /// Turned clockwise, on a transparent ground as large as it takes. Needs premultiplied samples.
    func turned(byDegrees degrees: Double) throws(VipsFailure) -> VipsImage {
        try VipsOperation("similarity", ["in": .image(self), "angle": .number(degrees)]).image()
    }

    /// Side by side and one below the other.
    func repeated(across: Int, down: Int) throws(VipsFailure) -> VipsImage {
        try VipsOperation("replicate", ["in": .image(self), "across": .integer(across), "down": .integer(down)]).image()
    }

    /// All one below the other.
    static func stacked(_ images: [VipsImage]) throws(VipsFailure) -> VipsImage {
        try VipsOperation("arrayjoin", ["in": .images(images), "across": 1]).image()
    }
}
