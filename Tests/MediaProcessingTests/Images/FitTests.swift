// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import MediaProcessing

/// What comes out, looked at: sizes and which part of the picture is where.
@Suite struct FitTests {
    @Test(arguments: Transform.Fit.allCases, [(120, 80), (80, 120), (90, 90)])
    func theResultHasTheSizeThatThePlanSays(_ fit: Transform.Fit, _ box: (Int, Int)) async throws {
        let looked = try await Engine().look(.quarters(300, 200)) {
            ($0.width, $0.height, $0.fit) = (box.0, box.1, fit)
        }
        var transform = Transform()
        (transform.width, transform.height, transform.fit) = (box.0, box.1, fit)
        let plan = SizePlan(transform, of: PixelSize(width: 300, height: 200), limits: SizePlanTests.large)
        #expect(looked.image.size == plan.canvas)
    }

    @Test(arguments: [
        (Gravity.Compass.northWest, TestPicture.red), (.northEast, TestPicture.green), (.southWest, TestPicture.blue),
        (.southEast, TestPicture.white),
    ]) func coverKeepsTheCornerThatGravityNames(_ point: Gravity.Compass, _ colour: [UInt8]) async throws {
        // Twice, as the box takes all of one side: first the width counts, then the height.
        let across = try await Engine().look(.quarters(400, 200)) {
            ($0.width, $0.height, $0.gravity) = (50, 100, .compass(point))
        }
        #expect(near(across.at(0.5, point.rawValue.hasPrefix("no") ? 0.2 : 0.8), colour))
        let down = try await Engine().look(.quarters(200, 400)) {
            ($0.width, $0.height, $0.gravity) = (100, 50, .compass(point))
        }
        #expect(near(down.at(point.rawValue.hasSuffix("we") ? 0.2 : 0.8, 0.5), colour))
    }

    @Test func aFocalPointKeepsWhatIsAroundIt() async throws {
        let looked = try await Engine().look(.quarters(400, 100)) {
            ($0.width, $0.height, $0.gravity) = (
                50, 50, .focalPoint(x: FixedPoint(thousandths: 900), y: FixedPoint(thousandths: 500))
            )
        }
        #expect(near(looked.at(0.5, 0.2), TestPicture.green))
        #expect(near(looked.at(0.5, 0.8), TestPicture.white))
    }

    @Test(arguments: [Gravity.Interest.attention, .entropy]) func interestKeepsWhatStandsOut(_ interest: Gravity.Interest)
        async throws
    {
        // Grey, and coloured noise at the right edge.
        var generator = SeededGenerator(seed: 1)
        let picture = TestPicture(400, 100) { x, _ in
            x < 320
                ? [128, 128, 128]
                : [UInt8.random(in: 0...255, using: &generator), 40, UInt8.random(in: 0...255, using: &generator)]
        }
        let looked = try await Engine().look(picture) {
            ($0.width, $0.height, $0.gravity) = (100, 100, .interest(interest))
        }
        #expect(looked.image.size == PixelSize(width: 100, height: 100))
        #expect(looked.at(0.9, 0.5)[1] < 90)
    }

    @Test func faceKeepsTonesOfSkinAndElseTheMiddle() async throws {
        let skin: [UInt8] = [224, 172, 140]
        let looked = try await Engine().look(
            TestPicture(400, 100) { x, y in x > 330 && y > 20 && y < 80 ? skin : [40, 80, 160] }
        ) {
            ($0.width, $0.height, $0.gravity) = (100, 100, .interest(.face))
        }
        #expect(near(looked.at(0.65, 0.5), skin))
        let none = try await Engine().look(.quarters(400, 100)) {
            ($0.width, $0.height, $0.gravity) = (100, 100, .interest(.face))
        }
        #expect(near(none.at(0.1, 0.1), TestPicture.red) && near(none.at(0.9, 0.9), TestPicture.white))
    }

    @Test func padPutsTransparentBarsWhereTheBackgroundIsNotNamed() async throws {
        let looked = try await Engine().look(.plain(200, 100, TestPicture.red)) {
            ($0.width, $0.height, $0.fit) = (100, 100, .pad)
        }
        #expect(looked.at(0.5, 0.1)[3] == 0)
        #expect(near(looked.at(0.5, 0.5), TestPicture.red + [255]))
        #expect(looked.at(0.5, 0.9)[3] == 0)
    }

    @Test func padTakesTheBackgroundAndGravity() async throws {
        let looked = try await Engine().look(.plain(200, 100, TestPicture.red)) {
            ($0.width, $0.height, $0.fit) = (100, 100, .pad)
            ($0.gravity, $0.background) = (.compass(.south), Color(red: 0, green: 0, blue: 255))
        }
        #expect(near(looked.at(0.5, 0.25), [0, 0, 255]))
        #expect(near(looked.at(0.5, 0.75), TestPicture.red))
    }

    @Test func padOfJPEGIsWhite() async throws {
        let image = try await Engine().render(try TestPicture.plain(200, 100, TestPicture.red).encoded(.jpeg)) {
            ($0.width, $0.height, $0.fit, $0.format) = (100, 100, .pad, .compatible)
        }
        #expect(image.mediaType == "image/jpeg")
        #expect(near(try Looked(image).at(0.5, 0.1), [255, 255, 255]))
    }

    @Test(arguments: ImageFormat.allCases.filter { $0 != .svg })
    func aQuarterIsCutOutOfEveryFormatAtEverySize(_ format: ImageFormat) async throws {
        let quarters: [(Int, Int, [UInt8])] = [
            (0, 0, TestPicture.red), (500, 0, TestPicture.green), (0, 500, TestPicture.blue), (500, 500, TestPicture.white),
        ]
        let source = try TestPicture.quarters(640, 480).encoded(format)
        for (x, y, colour) in quarters {
            for width in [320, 100, 20] {
                let image = try await Engine().render(source) {
                    $0.crop = CropArea(
                        x: .fraction(FixedPoint(thousandths: x)), y: .fraction(FixedPoint(thousandths: y)),
                        width: .fraction(FixedPoint(thousandths: 500)), height: .fraction(FixedPoint(thousandths: 500)))
                    $0.width = width
                }
                let looked = try Looked(image)
                #expect(looked.image.size == PixelSize(width: width, height: width * 3 / 4))
                for (across, down) in [(0.1, 0.1), (0.9, 0.1), (0.5, 0.5), (0.1, 0.9), (0.9, 0.9)] {
                    #expect(near(Array(looked.at(across, down).prefix(3)), colour, within: 14), "\(format) \(width)")
                }
            }
        }
    }

    @Test func trimTakesTheBordersAwayAndCropCountsFromWhatIsLeft() async throws {
        let picture = TestPicture(300, 200) { x, y in
            (40..<240).contains(x) && (30..<130).contains(y) ? (x < 140 ? TestPicture.red : TestPicture.green) : [250, 250, 250]
        }
        let trimmed = try await Engine().look(picture) { $0.trim = 20 }
        #expect(trimmed.image.size == PixelSize(width: 200, height: 100))
        let cropped = try await Engine().look(picture) {
            $0.trim = 20
            $0.crop = CropArea(x: .pixels(100), y: .pixels(0), width: .pixels(100), height: .pixels(100))
        }
        #expect(cropped.image.size == PixelSize(width: 100, height: 100))
        #expect(near(cropped.at(0.02, 0.5), TestPicture.green))
        let plain = try await Engine().look(.plain(50, 40, TestPicture.red)) { $0.trim = 20 }
        #expect(plain.image.size == PixelSize(width: 50, height: 40))
    }

    @Test func trimSeesTransparentBorders() async throws {
        let picture = TestPicture(100, 80) { x, y in
            (20..<60).contains(x) && (10..<50).contains(y) ? [0, 0, 0, 255] : [0, 0, 0, 0]
        }
        let looked = try await Engine().look(picture) { $0.trim = 10 }
        #expect(looked.image.size == PixelSize(width: 40, height: 40))
    }
}
