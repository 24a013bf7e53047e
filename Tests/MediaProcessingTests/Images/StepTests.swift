// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore
import Testing

@testable import MediaProcessing

/// What is done to the resized image.
@Suite struct StepTests {
    @Test(arguments: [1, 5, 20, 100]) func aBlurKeepsTheMeanAndTakesTheEdge(_ sigma: Int) async throws {
        let picture = TestPicture(200, 200) { x, _ in x < 100 ? [0, 0, 0] : [200, 200, 200] }
        let looked = try await Engine().look(picture) { $0.blur = FixedPoint(sigma) }
        #expect(looked.image.size == picture.size)
        #expect(abs((Int(looked[99, 100][0]) + Int(looked[100, 100][0])) / 2 - 100) < 6)
        #expect(looked[99 - sigma / 2, 100][0] > 5)
        let mean = looked.samples.reduce(0) { $0 + Int($1) } / looked.samples.count
        #expect(abs(mean - 100) < 4)
    }

    @Test func sharpeningRaisesTheContrastOfAnEdge() async throws {
        let picture = TestPicture(64, 64) { x, _ in x < 32 ? [80, 80, 80] : [160, 160, 160] }
        let looked = try await Engine().look(picture) { $0.sharpen = FixedPoint(2) }
        #expect(looked[31, 32][0] < 70 && looked[32, 32][0] > 170)
        #expect(near(looked[5, 32], [80, 80, 80], within: 2))
    }

    @Test func theBackgroundGoesWhereItHangsTogetherWithACorner() async throws {
        // A red ring on white, and white within the ring.
        let picture = TestPicture(200, 200) { x, y in
            let distance = (x - 100) * (x - 100) + (y - 100) * (y - 100)
            return (1600...6400).contains(distance) ? [220, 30, 30] : [250, 250, 250]
        }
        let looked = try await Engine().look(picture) { $0.backgroundRemoval = .automatic }
        for (x, y) in [(2, 2), (197, 2), (2, 197), (197, 197)] { #expect(looked[x, y][3] == 0) }
        #expect(near(looked[100, 40], [220, 30, 30, 255]))
        #expect(near(looked[100, 100], [250, 250, 250, 255]))
    }

    @Test func aLowThresholdTakesMoreAway() async throws {
        let picture = TestPicture(100, 100) { x, y in
            (30..<70).contains(x) && (30..<70).contains(y) ? [120, 120, 120] : [200, 200, 200]
        }
        let strict = try await Engine().look(picture) { $0.backgroundRemoval = .threshold(200) }
        let loose = try await Engine().look(picture) { $0.backgroundRemoval = .threshold(20) }
        #expect(strict[50, 50][3] == 255 && strict[5, 5][3] == 0)
        #expect(loose[50, 50][3] == 0)
    }

    @Test func cornersBecomeRound() async throws {
        let full = try await Engine().look(.plain(100, 100, TestPicture.red)) { $0.cornerRadius = .full }
        #expect(full[1, 1][3] == 0 && full[98, 98][3] == 0)
        #expect(near(full[50, 50], TestPicture.red + [255]) && near(full[50, 2], TestPicture.red + [255]))
        let some = try await Engine().look(.plain(100, 100, TestPicture.red)) { $0.cornerRadius = .pixels(10) }
        #expect(some[0, 0][3] == 0 && some[5, 5][3] == 255 && some[0, 50][3] == 255)
        let filled = try await Engine().look(.plain(100, 100, TestPicture.red)) {
            ($0.cornerRadius, $0.background) = (.full, Color(red: 0, green: 0, blue: 255))
        }
        #expect(near(filled[1, 1], [0, 0, 255]))
    }

    @Test func aBackgroundMayBeHalfTransparent() async throws {
        let looked = try await Engine().look(.plain(20, 20, [255, 0, 0, 0])) {
            $0.background = Color(red: 0, green: 0, blue: 255, alpha: 128)
        }
        #expect(near(looked[10, 10], [0, 0, 255, 128], within: 2), "\(looked[10, 10])")
    }

    @Test func figuresAreDrawnWhereTheyAreWanted() async throws {
        let (red, blue) = (Color(red: 255, green: 0, blue: 0), Color(red: 0, green: 0, blue: 255))
        let half = ImageLength.fraction(FixedPoint(thousandths: 500))
        let looked = try await Engine().look(.plain(200, 100, [240, 240, 240])) {
            $0.drawings = [
                Drawing(
                    .rectangle(x: .pixels(10), y: .pixels(10), width: .pixels(40), height: .pixels(30)), color: red,
                    isFilled: true),
                Drawing(.circle(x: .pixels(150), y: half, radius: .pixels(30)), color: blue, isFilled: false),
                Drawing(.line(x1: .pixels(0), y1: .pixels(90), x2: .pixels(200), y2: .pixels(90)), color: red, isFilled: true),
            ]
        }
        #expect(looked.image.bands == 3)
        #expect(near(looked[30, 25], [255, 0, 0]) && near(looked[60, 25], [240, 240, 240]))
        #expect(near(looked[150, 50], [240, 240, 240]) && near(looked[120, 50], [0, 0, 255], within: 40))
        #expect(near(looked[100, 90], [255, 0, 0], within: 60))
    }

    @Test func drawingsAreLaidOneOverTheOtherWithTheirTransparency() async throws {
        let all = Drawing.Shape.rectangle(x: .pixels(0), y: .pixels(0), width: .pixels(50), height: .pixels(50))
        let looked = try await Engine().look(.plain(50, 50, [0, 0, 0])) {
            $0.drawings = [
                Drawing(all, color: Color(red: 255, green: 0, blue: 0), isFilled: true),
                Drawing(all, color: Color(red: 0, green: 0, blue: 255, alpha: 128), isFilled: true),
            ]
        }
        #expect(near(looked[25, 25], [127, 0, 128], within: 3), "\(looked[25, 25])")
    }

    @Test func outrageousNumbersDrawNothingAndBreakNothing() async throws {
        let looked = try await Engine().look(.plain(50, 50, [9, 9, 9])) {
            $0.drawings = [
                Drawing(.circle(x: .pixels(.max), y: .pixels(.min), radius: .pixels(-3)), color: .white, isFilled: true),
                Drawing(
                    .rectangle(x: .pixels(.max), y: .pixels(0), width: .pixels(.max), height: .pixels(1)), color: .white,
                    isFilled: true),
                Drawing(
                    .rectangle(x: .pixels(0), y: .pixels(0), width: .pixels(0), height: .pixels(-1)), color: .white,
                    isFilled: true),
            ]
        }
        #expect(looked[25, 25] == [9, 9, 9])
    }
}
