// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// Cuts off what is over once the image covers its box.
struct CutToFit: Step {
    var canvas: PixelSize
    var gravity: Gravity?

    func apply(_ image: VipsImage, in stage: Stage) throws -> VipsImage {
        guard image.size != canvas else { return image }
        let placement = Placement(outer: image.size, inner: canvas)
        switch gravity {
        case .interest(.attention): return try smart(image, "attention", stage)
        case .interest(.entropy): return try smart(image, "entropy", stage)
        case .interest(.face):
            let image = try stage.inMemory(image)
            guard let centre = try SkinTones(of: image).centre else { return try cut(image, placement.origin(nil)) }
            return try cut(image, placement.origin(centre: centre))
        case .compass, .focalPoint, nil: return try cut(image, placement.origin(gravity))
        }
    }

    private func cut(_ image: VipsImage, _ origin: (x: Int, y: Int)) throws -> VipsImage {
        try image.cut(PixelRectangle(x: origin.x, y: origin.y, width: canvas.width, height: canvas.height))
    }

    private func smart(_ image: VipsImage, _ interest: String, _ stage: Stage) throws -> VipsImage {
        try VipsOperation(
            "smartcrop",
            [
                "input": .image(try stage.inMemory(image)), "width": .integer(canvas.width),
                "height": .integer(canvas.height), "interesting": .choice(interest),
            ]
        ).image()
    }
}
