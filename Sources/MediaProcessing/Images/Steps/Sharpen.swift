// SPDX-License-Identifier: Apache-2.0

/// Sharpens the lightness and leaves the colours.
struct Sharpen: Step {
    /// Of the Gaussian that is subtracted, in pixels; at most 10.
    var sigma: Double

    func apply(_ image: VipsImage, in stage: Stage) throws -> VipsImage {
        guard sigma > 0 else { return image }
        return try image.changingColours { (image) throws(VipsFailure) in
            try VipsOperation("sharpen", ["in": .image(image), "sigma": .number(min(sigma, 10))]).image().asBytes()
        }
    }
}
