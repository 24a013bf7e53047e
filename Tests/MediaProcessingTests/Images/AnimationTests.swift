// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore
import Testing

@testable import MediaProcessing

@Suite struct AnimationTests {
    static let colours: [[UInt8]] = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0]]

    @Test(arguments: [ImageFormat.gif, .webp], [ImageFormat.gif, .webp])
    func everyFrameIsResizedAndKeepsItsTime(_ from: ImageFormat, _ into: ImageFormat) async throws {
        let image = try await Engine().render(try Self.source(from)) { ($0.width, $0.format) = (20, .fixed(into)) }
        #expect(image.mediaType == into.mediaType)
        let looked = try Looked(image)
        #expect(looked.width == 20 && looked.frameHeight == 10 && looked.height == 40)
        #expect(looked.delays == [100, 200, 300, 400])
        #expect(looked.image.integer("loop") == 3)
        for (index, colour) in Self.colours.enumerated() {
            #expect(near(Array(looked[10, index * 10 + 5].prefix(3)), colour, within: 12))
        }
    }

    @Test func everyStepIsDoneToEveryFrame() async throws {
        let image = try await Engine().render(try Self.source(.gif)) {
            ($0.width, $0.height, $0.fit, $0.rotation) = (30, 60, .pad, .quarter)
            $0.background = Color(red: 255, green: 255, blue: 255)
            ($0.filters, $0.format) = ([.invert], .fixed(.webp))
        }
        let looked = try Looked(image)
        #expect(looked.width == 30 && looked.frameHeight == 60 && looked.height == 240)
        for (index, colour) in Self.colours.enumerated() {
            #expect(near(Array(looked[15, index * 60 + 30].prefix(3)), colour.map { 255 - $0 }, within: 12))
        }
    }

    @Test func withoutMotionOnlyTheFirstFrameCounts() async throws {
        for (animated, format) in [
            (false, FormatChoice.fixed(.gif)), (nil, .fixed(.png)), (nil, .fixed(.jpeg)), (false, .fixed(.webp)),
        ] {
            let image = try await Engine().render(try Self.source(.gif)) { ($0.animated, $0.format) = (animated, format) }
            let looked = try Looked(image)
            #expect(looked.height == 20 && looked.delays.count < 2)
            #expect(near(Array(looked[20, 10].prefix(3)), [255, 0, 0], within: 12))
        }
    }

    @Test func framesPastTheLimitAreLeftOut() async throws {
        let image = try await Engine(limits: ImageLimits(frames: 2)).render(try Self.source(.gif)) { $0.format = .source }
        let looked = try Looked(image)
        #expect(looked.height == 40 && looked.delays == [100, 200])
    }

    @Test func thePixelsOfAllFramesCount() async throws {
        let limits = ImageLimits(sourcePixels: 40 * 20 * 3)
        let moving = try await code { try await Engine(limits: limits).render(try Self.source(.gif)) { $0.format = .source } }
        #expect(moving == .imageTooLarge)
        let still = try await code { try await Engine(limits: limits).render(try Self.source(.gif)) { $0.format = .fixed(.png) } }
        #expect(still == nil)
    }

    @Test func theResultOfAllFramesStaysWithinItsLimit() async throws {
        let image = try await Engine(limits: ImageLimits(resultPixels: 800)).render(try Self.source(.gif)) { $0.format = .source }
        let looked = try Looked(image)
        #expect(looked.width * looked.height <= 900 && looked.delays.count == 4)
    }

    @Test func whatStepsKeepOfAFrameIsDroppedWithIt() throws {
        let stage = Stage(RenderWatch(deadline: .now() + .seconds(30)))
        let picture = try TestPicture.quarters(20, 20).image()
        weak var kept: VipsImage?
        let frame = try stage.computed { stage in
            let image = try stage.inMemory(try picture.withAlpha())
            kept = image
            return try image.laidDown(Orientation(exif: 3))
        }
        #expect(kept == nil)
        // Turned by half: the last pixel is the first one.
        #expect(try frame.samples().prefix(3) == TestPicture.white[...])
    }

    @Test func theFactsCountTheFrames() async throws {
        let engine = try Engine()
        let facts = try await engine.processor.inspect(try Self.source(.webp), deadline: .now() + .seconds(10))
        try await engine.processor.shutDown()
        #expect(facts.frames == 4 && facts.width == 40 && facts.height == 20)
    }

    /// Four frames of 40 x 20 pixels.
    private static func source(_ format: ImageFormat) throws -> ByteBuffer {
        let frames = try colours.map { try TestPicture.plain(40, 20, $0).image() }
        let joined = try VipsImage.stacked(frames).withFields { fields in
            fields.set("page-height", 20)
            fields.set("n-pages", 4)
            fields.set("delay", [100, 200, 300, 400])
            fields.set("loop", 3)
        }
        return try Encoder(format: format, quality: 98, isStripped: false).encode(joined)
    }
}
