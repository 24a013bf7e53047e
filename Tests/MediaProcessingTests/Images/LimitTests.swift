// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import NIOCore
import Testing

@testable import MediaProcessing

@Suite struct LimitTests {
    @Test func bytesPixelsAndNothingElseMakeAnImageTooLarge() async throws {
        let source = try TestPicture.quarters(100, 100).encoded()
        #expect(try await code { try await Engine(limits: ImageLimits(sourceBytes: 50)).render(source) } == .imageTooLarge)
        #expect(try await code { try await Engine(limits: ImageLimits(sourcePixels: 9_999)).render(source) } == .imageTooLarge)
        #expect(try await code { try await Engine(limits: ImageLimits(sourcePixels: 10_000)).render(source) } == nil)
        #expect(try await code { try await Engine(limits: ImageLimits(sourcePixels: 9_999)).inspect(source) } == .imageTooLarge)
    }

    @Test func aBombIsRefusedByItsHeader() async throws {
        // A PNG that says 60000 x 60000 pixels and has none.
        var bytes = try TestPicture.quarters(100, 100).encoded()
        bytes.setInteger(UInt32(60_000), at: bytes.readerIndex + 16)
        bytes.setInteger(UInt32(60_000), at: bytes.readerIndex + 20)
        bytes.setInteger(CRC.of(bytes, from: 12, count: 17), at: bytes.readerIndex + 29)
        #expect(try await code { try await Engine().render(bytes) } == .imageTooLarge)
    }

    @Test(arguments: [(5, nil), (6, StorageError.Code.unreadableImage), (1000, .unreadableImage)])
    func aPixelHasFewSamples(_ bands: Int, _ expected: StorageError.Code?) async throws {
        let picture = TestPicture.plain(8, 8, [UInt8](repeating: 99, count: bands))
        let tiff = try VipsOperation("tiffsave_buffer", ["in": .image(picture.image("multiband"))]).withBytes {
            ByteBuffer(bytes: $0)
        }
        #expect(try await code { try await Engine().inspect(tiff) } == expected)
    }

    @Test(arguments: [("uchar", 1), ("ushort", 2), ("float", 4)])
    func largeSamplesCountManyTimes(_ format: String, _ bytes: Int) async throws {
        let cast = try VipsOperation(
            "cast", ["in": .image(try TestPicture.quarters(100, 100).image()), "format": .choice(format)]
        ).image()
        let tiff = try VipsOperation("tiffsave_buffer", ["in": .image(cast)]).withBytes { ByteBuffer(bytes: $0) }
        let (most, less) = (ImageLimits(sourcePixels: 10_000 * bytes), ImageLimits(sourcePixels: 10_000 * bytes - 1))
        #expect(try await code { try await Engine(limits: most).inspect(tiff) } == nil)
        #expect(try await code { try await Engine(limits: less).inspect(tiff) } == .imageTooLarge)
    }

    @Test(arguments: [(6_700_000, nil), (6_800_000, StorageError.Code.imageTooLarge)])
    func aLineHasSoManyBytesAndNoMore(_ width: Int, _ expected: StorageError.Code?) async throws {
        // Ten bytes a pixel: both are far from the limit of pixels, and one is past 64 MiB.
        let line = try VipsOperation("black", ["width": .integer(width), "height": 1, "bands": 5]).image()
        let deep = try VipsOperation("cast", ["in": .image(line), "format": .choice("ushort")]).image()
        let tiff = try VipsOperation("tiffsave_buffer", ["in": .image(deep), "compression": .choice("deflate")]).withBytes {
            ByteBuffer(bytes: $0)
        }
        #expect(try await code { try await Engine().inspect(tiff) } == expected)
    }

    @Test func whatIsDecodedWholeMayHaveHalfThePixels() async throws {
        let limits = ImageLimits(sourcePixels: 15_000)
        let picture = TestPicture.quarters(100, 100)
        for format in [ImageFormat.avif, .jxl, .webp, .gif] {
            #expect(try await code { try await Engine(limits: limits).render(try picture.encoded(format)) } == .imageTooLarge)
        }
        let image = try picture.image()
        for encoder in ["jpegsave_buffer", "pngsave_buffer"] {
            let interlaced = try VipsOperation(encoder, ["in": .image(image), "interlace": true]).withBytes {
                ByteBuffer(bytes: $0)
            }
            #expect(try await code { try await Engine(limits: limits).render(interlaced) } == .imageTooLarge)
            let plain = try VipsOperation(encoder, ["in": .image(image)]).withBytes { ByteBuffer(bytes: $0) }
            #expect(try await code { try await Engine(limits: limits).render(plain) } == nil)
        }
    }

    @Test func aCostlyFormatGetsFewerPixels() async throws {
        let source = try TestPicture.quarters(200, 200).encoded()
        for (format, cost) in [(ImageFormat.webp, 1), (.avif, 2), (.gif, 2), (.jxl, 5)] {
            let image = try await Engine(limits: ImageLimits(resultPixels: 10_000)).render(source) { $0.format = .fixed(format) }
            let pixels = try Looked(image).image.size.pixels
            #expect(abs(pixels * cost - 10_000) < 500, "\(format) \(pixels)")
        }
    }

    @Test func encodersThatCannotBeStoppedGetFewPixels() async throws {
        let limits = ImageLimits(slowPixels: 5000)
        let source = try TestPicture.quarters(200, 200).encoded()
        for format in [ImageFormat.avif, .gif, .jxl] {
            let image = try await Engine(limits: limits).render(source) { $0.format = .fixed(format) }
            let pixels = try Looked(image).image.size.pixels
            #expect(abs(pixels - 5000) < 250, "\(format) \(pixels)")
        }
        for format in [ImageFormat.jpeg, .png, .webp] {
            let image = try await Engine(limits: limits).render(source) { $0.format = .fixed(format) }
            #expect(try Looked(image).image.size.pixels == 40_000)
        }
    }

    @Test func aHugeDrawingIsDrawnSmall() async throws {
        let svg = ByteBuffer(string: "<svg xmlns='http://www.w3.org/2000/svg' width='900000' height='900000'/>")
        let error = try await code { try await Engine().render(svg) { $0.width = 10 } }
        #expect(error == nil || error == .unreadableImage)
    }

    @Test func aDrawingIsNotDrawnLargerThanASourceMayBe() async throws {
        let svg = ByteBuffer(string: "<svg xmlns='http://www.w3.org/2000/svg' width='30000' height='30000'/>")
        #expect(try await code { try await Engine().render(svg) { $0.width = 100 } } == nil)
        #expect(
            try await code { try await Engine(limits: ImageLimits(sourcePixels: 5000)).render(svg) { $0.width = 100 } }
                == .imageTooLarge)
    }

    @Test func aSmallPartOfAHugeDrawingIsNotDrawnHugely() async throws {
        let svg = ByteBuffer(string: "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9000000 9000000'/>")
        let error = try await code {
            try await Engine().render(svg) {
                $0.crop = CropArea(x: .pixels(0), y: .pixels(0), width: .pixels(1), height: .pixels(1))
                $0.width = 2000
            }
        }
        #expect(error == .imageTooLarge)
    }

    @Test(arguments: ImageFormat.allCases.filter { $0 != .svg }) func halfAFileIsAnErrorAndNotHalfAPicture(_ format: ImageFormat)
        async throws
    {
        var generator = SeededGenerator(seed: 7)
        let picture = TestPicture(120, 90) { _, _ in (0..<3).map { _ in UInt8.random(in: 0...255, using: &generator) } }
        let bytes = try picture.encoded(format)
        for share in [0.05, 0.3, 0.5, 0.9] {
            guard let half = bytes.getSlice(at: bytes.readerIndex, length: Int(Double(bytes.readableBytes) * share)) else {
                continue
            }
            #expect(try await code { try await Engine().render(half) } == .unreadableImage, "\(format) \(share)")
        }
    }

    @Test(arguments: ImageFormat.allCases.filter { $0 != .svg }) func damagedBytesGiveAnImageOrAnError(_ format: ImageFormat)
        async throws
    {
        var generator = SeededGenerator(seed: 11)
        let original = try TestPicture.quarters(60, 40).encoded(format)
        let engine = try Engine()
        for _ in 0..<60 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                let index = bytes.readerIndex + Int.random(in: 0..<bytes.readableBytes, using: &generator)
                bytes.setInteger(UInt8.random(in: 0...255, using: &generator), at: index)
            }
            var transform = Transform()
            (transform.width, transform.format) = (20, .fixed(.webp))
            do {
                let image = try await engine.processor.render(bytes, ImageRecipe(transform, deadline: .now() + .seconds(30)))
                #expect(image.body.readableBytes > 0)
            } catch let error as StorageError {
                #expect([.unreadableImage, .imageTooLarge].contains(error.code), "\(error)")
            }
        }
        try await engine.processor.shutDown()
    }

    @Test func aDeadlineInThePastIsATimeoutAtOnce() async throws {
        let source = try TestPicture.quarters(100, 100).encoded()
        #expect(try await code { try await Engine().render(source, timeout: .seconds(-1)) } == .renderTimedOut)
    }

    @Test func aDeadlineStopsTheDecoding() async throws {
        let source = try TestPicture.plain(6000, 6000, [1, 2, 3]).encoded(.jpeg)
        let error = try await code {
            try await Engine().render(source, timeout: .milliseconds(60)) {
                ($0.blur, $0.format) = (FixedPoint(7), .fixed(.jpeg))
            }
        }
        #expect(error == .renderTimedOut)
    }

    @Test func theLastWatchOfAnImageIsTheOneThatCounts() throws {
        let cancelled = RenderWatch(deadline: .now() + .seconds(60))
        cancelled.cancel()
        let over = WatchedImages(cancelled)
        let running = WatchedImages(RenderWatch(deadline: .now() + .seconds(60)))
        let (stopped, computed) = (try TestPicture.quarters(4000, 4000).image(), try TestPicture.quarters(4000, 4000).image())
        let mirrored = Orientation(exif: 2)
        withExtendedLifetime((over, running)) {
            #expect(throws: VipsFailure.self) { try over.add(stopped).laidDown(mirrored).inMemory() }
            #expect(throws: Never.self) { try running.add(over.add(computed)).laidDown(mirrored).inMemory() }
        }
    }

    @Test func aCancelledTaskGetsNoImage() async throws {
        let source = try TestPicture.plain(6000, 6000, [1, 2, 3]).encoded(.jpeg)
        let engine = try Engine()
        let task = Task {
            var transform = Transform()
            (transform.blur, transform.format) = (FixedPoint(7), .fixed(.jpeg))
            return try await engine.processor.render(source, ImageRecipe(transform, deadline: .now() + .seconds(60)))
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        try await engine.processor.shutDown()
    }

    @Test func afterTheShutDownThereAreNoImages() async throws {
        let engine = try Engine()
        try await engine.processor.shutDown()
        let recipe = ImageRecipe(Transform(), deadline: .now() + .seconds(5))
        #expect(
            try await code { try await engine.processor.render(try TestPicture.quarters(9, 9).encoded(), recipe) } == .overloaded)
    }

    @Test func theRevisionIsAnotherOneForLimitsThatChangeTheImage() throws {
        let standard = ImageLimits()
        var (frames, side, pixels, slow, source) = (standard, standard, standard, standard, standard)
        frames.frames -= 1
        side.resultSide -= 1
        pixels.resultPixels -= 1
        slow.slowPixels -= 1
        source.sourcePixels -= 1
        let revisions = try [standard, frames, side, pixels, slow].map { try Engine(limits: $0).processor.revision }
        #expect(Set(revisions).count == 5)
        #expect(try Engine(limits: source).processor.revision == revisions[0])
    }

    @Test func theRevisionNamesTheEngineAndItsLibrary() throws {
        let engine = try Engine()
        #expect(engine.processor.revision.hasPrefix("magpie-3-vips-8."))
        #expect(engine.processor.parallelism == 2)
    }
}

extension Engine {
    func inspect(_ bytes: ByteBuffer) async throws -> ImageFacts {
        try await processor.inspect(bytes, deadline: .now() + .seconds(10))
    }
}

/// Of PNG's chunks, ISO 3309.
enum CRC {
    static func of(_ bytes: ByteBuffer, from start: Int, count: Int) -> UInt32 {
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in bytes.readableBytesView.dropFirst(start).prefix(count) {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return ~crc
    }
}
