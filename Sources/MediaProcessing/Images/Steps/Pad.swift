// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// Puts the image into a larger canvas, which is transparent until `Background`.
struct Pad: Step {
    var canvas: PixelSize
    var gravity: Gravity?

    func apply(_ image: VipsImage, in stage: Stage) throws -> VipsImage {
        guard image.size != canvas else { return image }
        let origin = Placement(outer: canvas, inner: image.size).origin(gravity)
        return try image.withAlpha().placed(x: origin.x, y: origin.y, in: canvas)
    }
}
