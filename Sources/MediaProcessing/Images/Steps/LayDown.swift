// SPDX-License-Identifier: Apache-2.0

/// Mirrors and turns the image.
struct LayDown: Step {
    var orientation: Orientation

    func apply(_ image: VipsImage, in stage: Stage) throws -> VipsImage {
        let turns = orientation.quarterTurns > 0
        return try (turns ? try stage.inMemory(image) : image).laidDown(orientation)
    }
}
