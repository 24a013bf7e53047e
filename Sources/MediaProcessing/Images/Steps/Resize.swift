// SPDX-License-Identifier: Apache-2.0

/// Gives the image its size, in the orientation that it is stored in.
struct Resize: Step {
    var target: PixelSize

    func apply(_ image: VipsImage, in stage: Stage) throws -> VipsImage {
        guard image.size != target else { return image }
        return try image.mixingPixels { (image) throws(VipsFailure) in try image.resized(to: target) }
    }
}
