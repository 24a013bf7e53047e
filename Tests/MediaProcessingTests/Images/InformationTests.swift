// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore
import NIOCore
import Testing

@testable import MediaProcessing

@Suite struct InformationTests {
    struct Information: Decodable {
        var width, height, frames, orientation: Int
        var format, dominantColor, thumbhash: String
        var hasAlpha: Bool
    }

    @Test func anImageIsDescribedAsItIsShown() async throws {
        let source = try TestPicture.plain(200, 120, [10, 120, 200]).encoded(.jpeg) { $0.set("orientation", 6) }
        let image = try await Engine().render(source) { $0.format = .information }
        #expect(image.mediaType == "application/json")
        let information = try JSONDecoder().decode(Information.self, from: Data(image.body.readableBytesView))
        #expect(information.width == 120 && information.height == 200 && information.orientation == 6)
        #expect(information.format == "jpeg" && !information.hasAlpha && information.frames == 1)
        let color = try #require(Color(hex: information.dominantColor.dropFirst()))
        #expect(near([color.red, color.green, color.blue], [10, 120, 200], within: 6))
        let hash = try #require(Data(base64Encoded: information.thumbhash))
        #expect(ThumbHashReader(bytes: [UInt8](hash)).isPortrait)
    }

    @Test func theDominantColourIsThatOfMostPixelsThatShow() {
        func pixels(_ count: Int, _ pixel: [UInt8]) -> [UInt8] { (0..<count).flatMap { _ in pixel } }
        let mixed = pixels(40, [250, 0, 0, 255]) + pixels(25, [0, 250, 0, 255]) + pixels(35, [0, 0, 250, 60])
        #expect(DominantColor.of(mixed) == Color(red: 250, green: 0, blue: 0))
        #expect(DominantColor.of([9, 9, 9, 0]) == Color(red: 0, green: 0, blue: 0))
    }

    @Test(arguments: [[255, 255, 255], [0, 0, 0], [200, 40, 40], [30, 200, 90], [20, 40, 220]] as [[UInt8]])
    func aThumbHashHoldsTheMeanColour(_ colour: [UInt8]) {
        let pixels = (0..<(20 * 12)).flatMap { _ -> [UInt8] in colour + [255] }
        let mean = ThumbHashReader(bytes: ThumbHash(pixels, width: 20, height: 12).bytes).mean
        for index in 0..<3 { #expect(abs(mean[index] - Double(colour[index]) / 255) < 0.06, "\(mean)") }
    }

    @Test(arguments: [(100, 50), (50, 100), (64, 64), (100, 20), (30, 90)]) func aThumbHashHoldsTheRatio(
        _ width: Int, _ height: Int
    ) {
        let pixels = (0..<(width * height)).flatMap { index -> [UInt8] in
            [UInt8(index % 251), UInt8(index / width % 251), 90, 255]
        }
        let reader = ThumbHashReader(bytes: ThumbHash(pixels, width: width, height: height).bytes)
        // In sevenths of the longer side.
        let ratio = Double(min(width, height)) / Double(max(width, height))
        #expect(abs(min(reader.ratio, 1 / reader.ratio) - ratio) <= 0.5 / 7 + 1e-9, "\(reader.ratio) for \(ratio)")
        #expect(reader.isLandscape == (width > height))
        #expect(!reader.hasAlpha)
    }

    @Test func aThumbHashKnowsOfTransparencyAndIsShort() {
        let pixels = (0..<(40 * 40)).flatMap { index -> [UInt8] in [200, 30, 30, index % 40 < 20 ? 255 : 0] }
        let hash = ThumbHash(pixels, width: 40, height: 40).bytes
        let reader = ThumbHashReader(bytes: hash)
        #expect(reader.hasAlpha && hash.count <= 25)
        #expect(abs(reader.alphaMean - 0.5) < 0.05)
        #expect(abs(reader.mean[0] - 200.0 / 255) < 0.06)
    }

    @Test func thePublishedLayoutIsKept() {
        // White: luminance 63, both differences in the middle (32), nothing varies; 7 x 7 waves, of which 27 + 2 * 5 are written.
        let pixels = [UInt8](repeating: 255, count: 100 * 100 * 4)
        let hash = ThumbHash(pixels, width: 100, height: 100).bytes
        #expect(Array(hash.prefix(5)) == [0x3F, 0x08, 0x02, 0x07, 0x00])
        #expect(hash.count == 5 + (27 + 10 + 1) / 2)
        #expect(hash[5...].allSatisfy { $0 == 0x88 || $0 == 0x08 })
    }
}

/// Reads what the header of a ThumbHash says.
struct ThumbHashReader {
    var bytes: [UInt8]

    private var header: Int { Int(bytes[0]) | Int(bytes[1]) << 8 | Int(bytes[2]) << 16 }
    private var second: Int { Int(bytes[3]) | Int(bytes[4]) << 8 }

    var hasAlpha: Bool { header >> 23 & 1 == 1 }
    var isLandscape: Bool { second >> 15 == 1 }
    var isPortrait: Bool { !isLandscape && second & 7 < 7 }
    var alphaMean: Double { Double(bytes[5] & 15) / 15 }

    var ratio: Double {
        let longer = hasAlpha ? 5.0 : 7.0
        let shorter = Double(second & 7)
        return isLandscape ? longer / shorter : shorter / longer
    }

    /// Red, green and blue, 0...1.
    var mean: [Double] {
        let light = Double(header & 63) / 63
        let yellowBlue = Double(header >> 6 & 63) / 31.5 - 1
        let redGreen = Double(header >> 12 & 63) / 31.5 - 1
        let blue = light - 2 / 3 * yellowBlue
        let red = (3 * light - blue + redGreen) / 2
        return [red, red - redGreen, blue]
    }
}
