// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore
import Testing

@testable import MediaProcessing

@Suite struct WatermarkTests {
    @Test(arguments: [
        (Watermark.Position.topLeft, 10, 10), (.topRight, 390, 10), (.bottomLeft, 10, 290), (.bottomRight, 390, 290),
        (.centre, 200, 150),
    ]) func aPictureIsLaidWhereItsPositionSays(_ position: Watermark.Position, _ x: Int, _ y: Int) async throws {
        let looked = try await look(position, opacity: 100)
        #expect(near(looked[x, y], [255, 0, 0]), "\(looked[x, y])")
        for (otherX, otherY) in [(10, 10), (390, 10), (10, 290), (390, 290), (200, 150)] where (otherX, otherY) != (x, y) {
            #expect(near(looked[otherX, otherY], [0, 0, 0]))
        }
        // The margin: 2 % of 300 is less than 8.
        #expect(near(looked[3, 3], [0, 0, 0]) && near(looked[396, 296], [0, 0, 0]))
        #expect(looked.image.bands == 3)
    }

    @Test func opacityAndTransparencyCountTogether() async throws {
        #expect(near(try await look(.centre, opacity: 50)[200, 150], [128, 0, 0], within: 3))
        #expect(near(try await look(.centre, opacity: 50, alpha: 128)[200, 150], [64, 0, 0], within: 3))
    }

    @Test func aLargePictureIsMadeAQuarterOfTheWidth() async throws {
        let looked = try await look(.centre, opacity: 100, width: 900, height: 900)
        #expect(near(looked[152, 150], [255, 0, 0]) && near(looked[247, 150], [255, 0, 0]))
        #expect(near(looked[147, 150], [0, 0, 0]) && near(looked[252, 150], [0, 0, 0]))
    }

    @Test func tilesCoverEverything() async throws {
        let looked = try await look(.tile, opacity: 100)
        #expect(looked.image.size == PixelSize(width: 400, height: 300))
        // 40 x 20 pixels in cells of 60 x 30.
        for (x, y) in [(30, 15), (90, 15), (390, 285), (30, 285)] { #expect(near(looked[x, y], [255, 0, 0]), "\(x) \(y)") }
        for (x, y) in [(2, 15), (60, 15), (30, 1)] { #expect(near(looked[x, y], [0, 0, 0]), "\(x) \(y)") }
    }

    @Test func diagonalTilesAreTurned() async throws {
        let looked = try await look(.diagonal, opacity: 100)
        let red = stride(from: 0, to: looked.samples.count, by: 3).count { looked.samples[$0] > 128 }
        #expect((20_000..<40_000).contains(red), "\(red) of 120000")
        // In one row of a straight tile there would be either nothing or runs of 40.
        #expect(!near(looked[1, 1], [255, 0, 0]))
    }

    @Test(arguments: Watermark.Position.allCases) func aTextIsLaidOnWhateverItSays(_ position: Watermark.Position) async throws {
        for text in ["© Magpie", "<b>&amp;</b>&", "日本語 🐦", "\u{0}\u{1}", String(repeating: "W", count: 100), " "] {
            let looked = try await Engine().look(.plain(400, 300, [100, 100, 100])) {
                $0.watermark = Watermark(.text(text), position: position, opacity: 100)
            }
            #expect(looked.image.size == PixelSize(width: 400, height: 300))
            guard text.contains("a") || text.contains("W") else { continue }
            #expect(looked.samples.contains { $0 > 240 } && looked.samples.contains { $0 < 40 })
        }
    }

    @Test func aSmallImageGetsASmallMark() async throws {
        for size in [(1, 1), (3, 200), (200, 3), (16, 16)] {
            for mark in [Watermark.Mark.text("Magpie"), .picture(digest: "x")] {
                let looked = try await Engine().look(.plain(size.0, size.1, [9, 9, 9]), overlay: try Self.overlay(40, 20)) {
                    $0.watermark = Watermark(mark, position: .tile, opacity: 100)
                }
                #expect(looked.image.size == PixelSize(width: size.0, height: size.1))
            }
        }
    }

    @Test func aBrokenPictureIsAnError() async throws {
        let error = try await code {
            try await Engine().look(.plain(20, 20, [0, 0, 0]), overlay: ByteBuffer(string: "no picture")) {
                $0.watermark = Watermark(.picture(digest: "x"))
            }
        }
        #expect(error == .unreadableImage)
    }

    private static func overlay(_ width: Int, _ height: Int, alpha: UInt8 = 255) throws -> ByteBuffer {
        try TestPicture.plain(width, height, [255, 0, 0, alpha]).encoded()
    }

    private func look(
        _ position: Watermark.Position, opacity: Int, alpha: UInt8 = 255, width: Int = 40, height: Int = 20
    ) async throws -> Looked {
        try await Engine().look(.plain(400, 300, [0, 0, 0]), overlay: try Self.overlay(width, height, alpha: alpha)) {
            $0.watermark = Watermark(.picture(digest: "x"), position: position, opacity: opacity)
        }
    }
}
