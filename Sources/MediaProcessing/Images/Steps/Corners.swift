// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// Makes the corners round.
struct Corners: Step {
    var radius: Transform.CornerRadius

    func apply(_ image: VipsImage, in stage: Stage) throws -> VipsImage {
        let most = min(image.width, image.height)
        let pixels =
            switch radius {
            case .pixels(let count): Double(min(count, most / 2))
            case .full: Double(most) / 2
            }
        guard pixels > 0 else { return image }
        let shape = Figures(image.size).rectangle(PixelRectangle(all: image.size), radius: pixels, paint: .filled(.white))
        return try image.masked(by: try shape.image().bands(3, count: 1))
    }
}
