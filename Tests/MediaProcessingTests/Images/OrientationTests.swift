// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore
import Testing

@testable import MediaProcessing

@Suite struct OrientationTests {
    /// The colours of the four quarters as they are shown: upper left, upper right, lower left, lower right.
    static let shown: [Int: [[UInt8]]] = {
        let (red, green, blue, white) = (TestPicture.red, TestPicture.green, TestPicture.blue, TestPicture.white)
        // TIFF 6.0, tag 274: where row 0 and column 0 of what is stored are to be seen.
        return [
            1: [red, green, blue, white], 2: [green, red, white, blue], 3: [white, blue, green, red],
            4: [blue, white, red, green], 5: [red, blue, green, white], 6: [blue, red, white, green],
            7: [white, green, blue, red], 8: [green, white, red, blue],
        ]
    }()

    @Test(arguments: 1...8, [nil, 60]) func everyEXIFOrientationIsShownUpright(_ exif: Int, _ width: Int?) async throws {
        let image = try await Engine().render(try Self.source(exif)) { $0.width = width }
        let looked = try Looked(image)
        #expect((looked.width > looked.height) == (exif < 5))
        expect(looked, Self.shown[exif] ?? [])
    }

    @Test(arguments: 1...8) func aCropIsOfWhatIsShown(_ exif: Int) async throws {
        let half = ImageLength.fraction(FixedPoint(thousandths: 500))
        let corners: [(ImageLength, ImageLength)] = [
            (.pixels(0), .pixels(0)), (half, .pixels(0)), (.pixels(0), half), (half, half),
        ]
        for (index, (x, y)) in corners.enumerated() {
            let image = try await Engine().render(try Self.source(exif)) {
                $0.crop = CropArea(x: x, y: y, width: half, height: half)
                $0.width = 30
            }
            #expect(near(try Looked(image).at(0.5, 0.5), (Self.shown[exif] ?? [])[index], within: 14))
        }
    }

    @Test func aRotationComesBehindTheOrientationAndAFlipBehindBoth() async throws {
        let (red, green, blue, white) = (TestPicture.red, TestPicture.green, TestPicture.blue, TestPicture.white)
        let quarters = TestPicture.quarters(160, 120)
        expect(try await Engine().look(quarters) { $0.rotation = .quarter }, [blue, red, white, green])
        expect(try await Engine().look(quarters) { $0.rotation = .half }, [white, blue, green, red])
        expect(try await Engine().look(quarters) { $0.rotation = .threeQuarters }, [green, white, red, blue])
        expect(try await Engine().look(quarters) { $0.flip = .horizontal }, [green, red, white, blue])
        expect(try await Engine().look(quarters) { $0.flip = .vertical }, [blue, white, red, green])
        expect(try await Engine().look(quarters) { $0.flip = .both }, [white, blue, green, red])
        expect(
            try await Engine().look(quarters) { ($0.rotation, $0.flip) = (.quarter, .horizontal) }, [red, blue, green, white])
        let image = try await Engine().render(try Self.source(6)) { $0.rotation = .threeQuarters }
        expect(try Looked(image), [red, green, blue, white])
    }

    @Test(arguments: 1...8) func theFactsAreOfWhatIsShown(_ exif: Int) async throws {
        let engine = try Engine()
        var facts = try await engine.processor.inspect(try Self.source(exif), deadline: .now() + .seconds(10))
        facts.exif = [:]
        try await engine.processor.shutDown()
        let size = exif < 5 ? (160, 120) : (120, 160)
        #expect(facts == ImageFacts(format: "jpeg", width: size.0, height: size.1, hasAlpha: false, orientation: exif))
    }

    private static func source(_ exif: Int) throws -> ByteBuffer {
        try TestPicture.quarters(160, 120).encoded(.jpeg) { $0.set("orientation", exif) }
    }

    private func expect(_ looked: Looked, _ quarters: [[UInt8]], sourceLocation: SourceLocation = #_sourceLocation) {
        let found = [(0.2, 0.2), (0.8, 0.2), (0.2, 0.8), (0.8, 0.8)].map { Array(looked.at($0, $1).prefix(3)) }
        #expect(zip(found, quarters).allSatisfy { near($0, $1, within: 14) }, "\(found)", sourceLocation: sourceLocation)
    }
}
