// SPDX-License-Identifier: Apache-2.0

/// A Gaussian blur.
struct Blur: Step {
    /// In pixels.
    var sigma: Double

    /// The cost grows with sigma, so a strong blur is made of a smaller image: what is lost could not be seen any more.
    private static let strong = 8.0

    func apply(_ image: VipsImage, in stage: Stage) throws -> VipsImage {
        guard sigma > 0 else { return image }
        return try image.mixingPixels { (image) throws(VipsFailure) in
            guard sigma > Self.strong else { return try blurred(image, sigma) }
            let small = try image.resized(to: image.size.scaled(by: Self.strong / sigma))
            let factor = Double(max(small.width, small.height)) / Double(max(image.width, image.height))
            return try blurred(small, sigma * factor).resized(to: image.size)
        }
    }

    private func blurred(_ image: VipsImage, _ sigma: Double) throws(VipsFailure) -> VipsImage {
        try VipsOperation("gaussblur", ["in": .image(image), "sigma": .number(sigma)]).image()
    }
}
