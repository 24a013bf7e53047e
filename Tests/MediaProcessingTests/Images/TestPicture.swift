// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore
import Testing

@testable import MediaProcessing

/// A picture that a test makes, pixel by pixel.
struct TestPicture {
    typealias Pixel = [UInt8]

    static let red: Pixel = [220, 30, 30]
    static let green: Pixel = [30, 200, 30]
    static let blue: Pixel = [30, 30, 220]
    static let white: Pixel = [240, 240, 240]

    var size: PixelSize
    var bands: Int
    var samples: [UInt8]

    /// - Parameter pixel: gives all samples of the pixel at x and y.
    init(_ width: Int, _ height: Int, _ pixel: (Int, Int) -> Pixel) {
        size = PixelSize(width: width, height: height)
        samples = []
        for y in 0..<height { for x in 0..<width { samples += pixel(x, y) } }
        bands = samples.count / (width * height)
    }

    /// Red and green above, blue and white below.
    static func quarters(_ width: Int, _ height: Int) -> TestPicture {
        TestPicture(width, height) { x, y in
            switch (x * 2 < width, y * 2 < height) {
            case (true, true): red
            case (false, true): green
            case (true, false): blue
            case (false, false): white
            }
        }
    }

    static func plain(_ width: Int, _ height: Int, _ pixel: Pixel) -> TestPicture { TestPicture(width, height) { _, _ in pixel } }

    func image(_ interpretation: String = "srgb") throws -> VipsImage {
        _ = try VipsRuntime.version.get()
        let image = try VipsImage(bytes: samples, size: size, bands: bands)
        return try VipsOperation("copy", ["in": .image(image), "interpretation": .choice(interpretation)]).image()
    }

    /// Without loss for PNG and GIF, with little for the others.
    func encoded(_ format: ImageFormat = .png, fields: (inout VipsImage.FieldChanges) -> Void = { _ in }) throws -> ByteBuffer {
        try Encoder(format: format, quality: 98, isStripped: false).encode(try image().withFields(fields))
    }
}

/// A result, looked at.
struct Looked {
    let image: VipsImage
    let samples: [UInt8]

    init(_ rendered: RenderedImage) throws {
        let loaders = [
            "jpeg": "jpegload", "png": "pngload", "webp": "webpload", "avif": "heifload", "gif": "gifload", "jxl": "jxlload",
        ]
        let name = rendered.mediaType.split(separator: "/").last.map(String.init) ?? ""
        let loader = loaders[name] ?? name
        var moving: [Int] = []
        (image, samples) = try rendered.body.withUnsafeReadableBytes { raw in
            let first = try VipsOperation("\(loader)_buffer", ["buffer": .bytes(raw)]).image()
            let all =
                name == "gif" || name == "webp"
                ? try VipsOperation("\(loader)_buffer", ["buffer": .bytes(raw), "n": -1]).image() : first
            moving = all.integers("delay") ?? []
            // The encoded bytes are only lent.
            let image = try all.inMemory()
            return (image, try image.samples())
        }
        delays = moving
    }

    let delays: [Int]
    var width: Int { image.width }
    var height: Int { image.height }
    var frameHeight: Int { image.integer("page-height") ?? image.height }

    subscript(x: Int, y: Int) -> [UInt8] {
        let start = (y * image.width + x) * image.bands
        return Array(samples[start..<start + image.bands])
    }

    /// The pixel at fractions of width and height.
    func at(_ x: Double, _ y: Double) -> [UInt8] {
        self[min(Int(x * Double(width)), width - 1), min(Int(y * Double(height)), height - 1)]
    }
}

/// Whether no sample is further away than so much.
func near(_ left: [UInt8], _ right: [UInt8], within tolerance: Int = 8) -> Bool {
    left.count == right.count && zip(left, right).allSatisfy { abs(Int($0) - Int($1)) <= tolerance }
}

/// The engine as tests run it. Where there is something to draw, in a sandbox.
struct Engine {
    let processor: VipsImageProcessor
    private let drawing: @Sendable (SVGPainter) throws -> VipsImageProcessor

    init(limits: ImageLimits = ImageLimits(), threads: Int = 2, cleanSVG: VipsImageProcessor.SVGCleaning? = { $0 }) throws {
        processor = try VipsImageProcessor(limits: limits, parallelism: threads, cleanSVG: cleanSVG)
        drawing = { try VipsImageProcessor(limits: limits, parallelism: threads, cleanSVG: cleanSVG, painter: $0) }
    }

    func render(
        _ bytes: ByteBuffer, overlay: ByteBuffer? = nil, timeout: TimeAmount = .seconds(60),
        _ change: (inout Transform) -> Void = { _ in }
    ) async throws -> RenderedImage {
        var transform = Transform()
        transform.format = .fixed(.png)
        change(&transform)
        let isDrawn = [bytes, overlay].contains { $0.map { MediaKind($0.readableBytesView) == .svg } ?? false }
        let recipe = ImageRecipe(transform, overlay: overlay, deadline: .now() + timeout)
        guard isDrawn else { return try await Self.render(bytes, recipe, with: processor) }
        try await processor.shutDown()
        return try await Converting.alone { converter in
            try await Self.render(bytes, recipe, with: try drawing(try #require(try converter.painter())))
        }
    }

    /// Shuts the processor down.
    private static func render(
        _ bytes: ByteBuffer, _ recipe: ImageRecipe, with processor: VipsImageProcessor
    ) async throws -> RenderedImage {
        let image: RenderedImage
        do {
            image = try await processor.render(bytes, recipe)
        } catch {
            try await processor.shutDown()
            throw error
        }
        try await processor.shutDown()
        return image
    }

    func look(_ picture: TestPicture, overlay: ByteBuffer? = nil, _ change: (inout Transform) -> Void = { _ in }) async throws
        -> Looked
    {
        try Looked(try await render(try picture.encoded(), overlay: overlay, change))
    }
}

/// The code of the error that is thrown. Nil for none.
func code(_ body: () async throws -> some Any) async throws -> StorageError.Code? {
    do {
        _ = try await body()
        return nil
    } catch let error as StorageError {
        return error.code
    }
}
