// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// Makes transparent what has the colour of a corner and hangs together with it: the same colour inside of the motif stays.
///
/// It runs on the resized image, whose corners have the same colours.
struct RemoveBackground: Step {
    var removal: Transform.BackgroundRemoval

    /// How far a sample may be from that of the corner. A low threshold takes much away, so it is the other way round.
    private var tolerance: Double {
        switch removal {
        case .automatic: 24
        case .threshold(let threshold): Double(256 - min(max(threshold, 1), 255)) / 2
        }
    }

    func apply(_ image: VipsImage, in stage: Stage) throws -> VipsImage {
        let image = try stage.inMemory(try image.withAlpha())
        let colours = try image.bands(0, count: 3)
        let (right, bottom) = (image.width - 1, image.height - 1)
        var kept: VipsImage?
        for (x, y) in [(0, 0), (right, 0), (0, bottom), (right, bottom)] {
            let mask = try stage.inMemory(try similarity(of: colours, to: try colours.pixel(x: x, y: y)))
            try flood(mask, x: x, y: y)
            // Filled: 128. Alike elsewhere: 255. Unlike: 0.
            let stays = try VipsOperation(
                "relational_const", ["in": .image(mask), "relational": .choice("noteq"), "c": .numbers([128])]
            ).image()
            kept = try kept.map { try both($0, stays) } ?? stays
        }
        guard let kept else { return image }
        let soft = try VipsOperation("gaussblur", ["in": .image(kept), "sigma": 0.6]).image()
        return try image.masked(by: soft)
    }

    /// 255 where every sample is near enough to that of a colour.
    private func similarity(of image: VipsImage, to colour: [Double]) throws -> VipsImage {
        let far = try VipsOperation(
            "abs",
            [
                "in": .image(
                    try VipsOperation(
                        "linear", ["in": .image(image), "a": .numbers([1, 1, 1]), "b": .numbers(colour.map { -$0 })]
                    ).image())
            ]
        ).image()
        let near = try VipsOperation(
            "relational_const", ["in": .image(far), "relational": .choice("lesseq"), "c": .numbers([tolerance])]
        ).image()
        return try VipsOperation("bandbool", ["in": .image(near), "boolean": .choice("and")]).image()
    }

    /// Changes the image, which nobody else has.
    private func flood(_ mask: VipsImage, x: Int, y: Int) throws {
        _ = try VipsOperation(
            "draw_flood",
            ["image": .image(mask), "ink": .numbers([128]), "x": .integer(x), "y": .integer(y), "equal": true])
    }

    private func both(_ left: VipsImage, _ right: VipsImage) throws -> VipsImage {
        try VipsOperation(
            "boolean", ["left": .image(left), "right": .image(right), "boolean": .choice("and")]
        ).image()
    }
}
