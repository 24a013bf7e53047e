// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// Fills what is transparent.
struct Background: Step {
    var color: Color

    func apply(_ image: VipsImage, in stage: Stage) throws -> VipsImage {
        guard image.hasAlpha else { return image }
        guard color.alpha < 255 else {
            return try image.flattened(red: color.red, green: color.green, blue: color.blue)
        }
        let ground = try Figures(image.size)
            .rectangle(PixelRectangle(all: image.size), radius: 0, paint: .filled(color)).image()
        return try ground.under(image)
    }
}
