// SPDX-License-Identifier: Apache-2.0

/// One step of a transform: an image in, another one out. Steps are values, made of the transform before any pixel is there.
///
/// All but the first ones (`Resize`, `Colours`) get three or four samples of 8 bits in sRGB, the fourth being the transparency.
protocol Step {
    func apply(_ image: VipsImage, in stage: Stage) throws -> VipsImage
}

/// What the steps of one rendering share. It stays on one thread.
final class Stage {
    private let watch: RenderWatch
    private let watched: WatchedImages

    init(_ watch: RenderWatch) {
        self.watch = watch
        self.watched = WatchedImages(watch)
    }

    func run(_ steps: [any Step], on image: VipsImage) throws -> VipsImage {
        var image = image
        for step in steps {
            try watch.check()
            image = try step.apply(image, in: self)
        }
        return image
    }

    /// Runs something that is over with its result: what it decoded is given back at once.
    func apart<Value>(_ body: (Stage) throws -> Value) rethrows -> Value { try body(Stage(watch)) }

    /// Lets the deadline stop the computing of an image.
    func watching(_ image: VipsImage) -> VipsImage { watched.add(image) }

    /// For steps that read pixels in another order than from the top, or more than once.
    func inMemory(_ image: VipsImage) throws -> VipsImage { watched.add(try image.inMemory()) }

    /// Computes one of several frames on a stage of its own: what steps keep in memory for it is dropped before the next one.
    func computed(_ frame: (Stage) throws -> VipsImage) throws -> VipsImage {
        let stage = Stage(watch)
        return try withExtendedLifetime(stage) { try frame(stage).inMemory() }
    }
}
