// SPDX-License-Identifier: Apache-2.0

/// Looks for borders of one colour: that of the corner that is the upper left one when the picture is shown.
///
/// It reads the source once at its full size, line by line, so that cutting costs time and not memory.
struct TrimSearch {
    /// How far a sample may be from the corner's.
    var tolerance: Int
    var orientation: Orientation

    /// What lies behind transparent pixels: no picture's own border.
    private static let ground: (red: UInt8, green: UInt8, blue: UInt8) = (254, 1, 253)

    /// The part within the borders, in the orientation of the source. All of it where there is nothing but border.
    func part(of source: ImageSource, in stage: Stage) throws -> PixelRectangle {
        let all = PixelRectangle(all: source.size)
        // The search smooths with a window of 3 x 3.
        guard min(all.width, all.height) >= 3 else { return all }
        let corner = orientation.inSource(PixelRectangle(x: 0, y: 0, width: 1, height: 1), of: source.size)
        let colour = try stage.apart { try picture(of: source, in: $0).pixel(x: corner.x, y: corner.y) }
        return try stage.apart { try part(of: source, behind: colour, in: $0) }
    }

    private func part(of source: ImageSource, behind colour: [Double], in stage: Stage) throws -> PixelRectangle {
        let found = try VipsOperation(
            "find_trim",
            [
                "in": .image(try picture(of: source, in: stage)), "threshold": .number(Double(tolerance)),
                "background": .numbers(colour),
            ])
        guard found.integer("width") > 0, found.integer("height") > 0 else {
            return PixelRectangle(all: source.size)
        }
        return PixelRectangle(
            x: found.integer("left"), y: found.integer("top"), width: found.integer("width"), height: found.integer("height"))
    }

    private func picture(of source: ImageSource, in stage: Stage) throws -> VipsImage {
        let ground = Self.ground
        let image = try Colours().apply(stage.watching(try source.open()), in: stage)
        return try image.flattened(red: ground.red, green: ground.green, blue: ground.blue)
    }
}
