// SPDX-License-Identifier: Apache-2.0

/// Brings any colours to sRGB with 8 bits, by the embedded profile where there is one that works.
///
/// It runs on the resized image: fewer pixels, same result to the eye.
struct Colours: Step {
    func apply(_ image: VipsImage, in stage: Stage) throws -> VipsImage {
        var image = profiled(image)
        // Some TIFF files say RGB and hold one sample.
        if image.interpretation == "srgb", image.bands < 3 {
            image = try VipsOperation("copy", ["in": .image(image), "interpretation": .choice("b-w")]).image()
        }
        image = try image.inSpace("srgb").asBytes()
        return image.bands <= 4 ? image : try image.bands(0, count: image.hasAlpha ? 4 : 3)
    }

    /// A broken profile is no reason to refuse an image: without it the colours are a little off.
    private func profiled(_ image: VipsImage) -> VipsImage {
        guard image.hasField("icc-profile-data") else { return image }
        do {
            guard image.hasAlpha, image.sampleFormat == "ushort" else { return try transformed(image) }
            // The operation would cut transparencies of 16 bits off at 255.
            let colours = try transformed(try image.bands(0, count: image.bands - 1))
            return try colours.joined(try image.bands(image.bands - 1, count: 1).linear([1.0 / 257], [0]))
        } catch {
            return image
        }
    }

    private func transformed(_ image: VipsImage) throws(VipsFailure) -> VipsImage {
        try VipsOperation(
            "icc_transform",
            ["in": .image(image), "output-profile": .text("srgb"), "embedded": true, "black-point-compensation": true]
        ).image()
    }
}
