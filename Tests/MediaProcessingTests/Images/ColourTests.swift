// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore
import Testing

@testable import MediaProcessing

@Suite struct ColourTests {
    @Test(
        arguments: [
            (Filter.invert, [200, 100, 50], [55, 155, 205]), (.grayscale, [200, 100, 50], [118, 118, 118]),
            (.sepia, [100, 100, 100], [135, 120, 94]),
            (.brightness(FixedPoint(thousandths: 1500)), [100, 50, 200], [150, 75, 255]),
            (.contrast(FixedPoint(0)), [200, 100, 50], [128, 128, 128]),
            (.contrast(FixedPoint(2)), [200, 100, 50], [255, 72, 0]),
            (.saturation(FixedPoint(1)), [200, 100, 50], [200, 100, 50]),
            (.saturation(FixedPoint(0)), [200, 100, 50], [118, 118, 118]),
            (.gamma(FixedPoint(2)), [64, 128, 255], [128, 181, 255]), (.gamma(FixedPoint(1)), [64, 128, 255], [64, 128, 255]),
        ] as [(Filter, [UInt8], [UInt8])]) func aFilterMakesThisOfAColour(
            _ filter: Filter, _ colour: [UInt8], _ expected: [UInt8]
        ) async throws
    {
        let looked = try await Engine().look(.plain(8, 8, colour)) { $0.filters = [filter] }
        #expect(near(looked[4, 4], expected, within: 2), "\(looked[4, 4])")
    }

    @Test func warmAndCoolGoIntoOppositeDirectionsAndVintageIsMilder() async throws {
        let grey = TestPicture.plain(8, 8, [128, 128, 128])
        let warm = try await Engine().look(grey) { $0.filters = [.warm] }[4, 4]
        let cool = try await Engine().look(grey) { $0.filters = [.cool] }[4, 4]
        #expect(warm[0] > 128 && warm[2] < 128)
        #expect(cool[0] < 128 && cool[2] > 128)
        let vintage = try await Engine().look(.plain(8, 8, [255, 0, 0])) { $0.filters = [.vintage] }[4, 4]
        #expect(vintage[0] < 255 && vintage[1] > 0 && vintage[2] > 0)
    }

    @Test func filtersRunInTheirOrderAndLeaveTransparency() async throws {
        let picture = TestPicture.plain(8, 8, [200, 100, 50, 77])
        let looked = try await Engine().look(picture) { $0.filters = [.invert, .grayscale] }[4, 4]
        #expect(near(looked, [137, 137, 137, 77], within: 2), "\(looked)")
    }

    @Test func theColourOfWhatIsTransparentDoesNotBleedIntoTheResult() async throws {
        // Opaque red beside transparent green: resized, every pixel is red, more or less transparent.
        let picture = TestPicture(400, 400) { x, _ in x % 20 < 10 ? [255, 0, 0, 255] : [0, 255, 0, 0] }
        for change in [{ $0.width = 37 }, { $0.blur = FixedPoint(3) }] as [(inout Transform) -> Void] {
            let looked = try await Engine().look(picture, change)
            for x in stride(from: 2, to: looked.width - 2, by: 3) {
                let pixel = looked[x, looked.height / 2]
                #expect(pixel[3] < 8 || (pixel[0] > 240 && pixel[1] < 12), "\(pixel)")
            }
        }
    }

    @Test func resizingLeavesAPlainColourAsItIs() async throws {
        for colour in [[1, 2, 3], [128, 127, 126], [255, 254, 253, 128], [10, 200, 30, 255]] as [[UInt8]] {
            let looked = try await Engine().look(.plain(100, 100, colour)) { $0.width = 33 }
            #expect(near(looked[16, 16], colour, within: 1), "\(looked[16, 16])")
        }
    }

    @Test func sixteenBitsBecomeEight() async throws {
        let picture = try TestPicture.plain(40, 40, [200, 100, 50]).image()
        let deep = try VipsOperation("colourspace", ["in": .image(picture), "space": .choice("rgb16")]).image()
        let bytes = try Encoder(format: .png, isStripped: true).encode(deep)
        for width in [40, 20] {
            let looked = try Looked(try await Engine().render(bytes) { $0.width = width })
            #expect(looked.image.sampleFormat == "uchar")
            #expect(near(looked[5, 5], [200, 100, 50], within: 1))
        }
    }

    @Test func sixteenBitsWithTransparencyBecomeEight() async throws {
        let picture = try TestPicture.plain(40, 40, [200, 100, 50]).image()
        let deep = try VipsOperation("colourspace", ["in": .image(picture), "space": .choice("rgb16")]).image()
        let clear = try VipsOperation("bandjoin_const", ["in": .image(deep), "c": .numbers([128 * 257])]).image()
        let bytes = try Encoder(format: .png, isStripped: true).encode(clear)
        for width in [40, 20] {
            let looked = try Looked(try await Engine().render(bytes) { $0.width = width })
            #expect(near(looked[5, 5], [200, 100, 50, 128], within: 2), "\(looked[5, 5])")
        }
    }

    @Test func aProfileLeavesTheTransparencyOfSixteenBits() async throws {
        let picture = try TestPicture.plain(40, 40, [200, 100, 50]).image()
        // Its own profile and 16 bits, as cameras and scanners write it.
        let deep = try VipsOperation(
            "icc_transform",
            ["in": .image(picture), "input-profile": .text("srgb"), "output-profile": .text("srgb"), "depth": 16]
        ).image()
        let clear = try VipsOperation("bandjoin_const", ["in": .image(deep), "c": .numbers([128 * 257])]).image()
        let bytes = try Encoder(format: .png, isStripped: false).encode(clear)
        for width in [40, 20] {
            let looked = try Looked(try await Engine().render(bytes) { $0.width = width })
            #expect(near(looked[5, 5], [200, 100, 50, 128], within: 2), "\(looked[5, 5])")
        }
    }

    @Test func labIsRead() async throws {
        let picture = try TestPicture.plain(40, 40, [200, 100, 50]).image()
        let lab = try VipsOperation("Lab2LabQ", ["in": .image(picture.inSpace("lab"))]).image()
        let bytes = try VipsOperation("tiffsave_buffer", ["in": .image(lab)]).withBytes { ByteBuffer(bytes: $0) }
        #expect(try await Engine().inspect(bytes).hasAlpha == false)
        for width in [40, 20] {
            let looked = try Looked(try await Engine().render(bytes) { $0.width = width })
            #expect(near(looked[5, 5], [200, 100, 50], within: 3), "\(looked[5, 5])")
        }
    }

    @Test func greyAndGreyWithTransparencyAreRead() async throws {
        for (picture, expected) in [
            (TestPicture.plain(20, 20, [90]), [90, 90, 90]), (TestPicture.plain(20, 20, [90, 40]), [90, 90, 90, 40]),
        ] as [(TestPicture, [UInt8])] {
            let bytes = try Encoder(format: .png, isStripped: true).encode(try picture.image("b-w"))
            let looked = try Looked(try await Engine().render(bytes) { $0.width = 10 })
            #expect(near(looked[5, 5], expected, within: 2), "\(looked[5, 5])")
        }
    }

    @Test func inkColoursBecomeLight() async throws {
        // Full cyan and magenta: a dark blue, whatever the press.
        let picture = try TestPicture.plain(64, 64, [255, 255, 0, 0]).image("cmyk")
        let bytes = try VipsOperation("jpegsave_buffer", ["in": .image(picture), "Q": 95]).withBytes { ByteBuffer(bytes: $0) }
        for width in [64, 16] {
            let pixel = try Looked(try await Engine().render(bytes) { $0.width = width })[8, 8]
            #expect(pixel.count == 3 && pixel[2] > pixel[0] + 40 && pixel[2] > pixel[1] + 40, "\(pixel)")
        }
    }

    @Test func aWideGamutIsBroughtToSRGB() async throws {
        let picture = try TestPicture.plain(64, 64, [0, 255, 0]).image()
        // Tagged with Display P3, whose green is further out than sRGB can say: red gets less than none, which is none.
        let tagged = try VipsOperation(
            "icc_transform", ["in": .image(picture), "output-profile": .text("p3"), "input-profile": .text("srgb")]
        ).image()
        let stored = try tagged.samples()
        #expect(stored[0] > 100, "the stored samples differ: \(stored[0..<3])")
        let bytes = try Encoder(format: .png, isStripped: false).encode(tagged)
        let pixel = try Looked(try await Engine().render(bytes))[8, 8]
        #expect(near(pixel, [0, 255, 0], within: 4), "\(pixel)")
    }
}
