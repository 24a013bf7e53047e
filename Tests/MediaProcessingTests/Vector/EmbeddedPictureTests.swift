// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore
import MediaProcessing
import Testing

@Suite struct EmbeddedPictureTests {
    private static let png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    private static let gif = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
    private static let webP = "UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA"
    /// Start of image, JFIF, a frame header of 2 by 3, end of image.
    private static let jpeg = "/9j/4AAQSkZJRgABAQAAAQABAAD/wAALCAADAAIBAREA/9k="

    private func address(_ source: String) throws -> String? {
        try SanitizedSVG.inside("<image href=\"\(source)\"/>").attribute("href", of: "image")
    }

    @Test(arguments: [("png", png), ("gif", gif), ("webp", webP), ("jpeg", jpeg)])
    func picturesInEveryFormatThatIsShownStay(_ type: String, _ data: String) throws {
        #expect(try address("data:image/\(type);base64,\(data)") == "data:image/\(type);base64,\(data)")
    }

    @Test(arguments: ["DATA:image/JPG;base64,", "data:;base64,"])
    func theTypeIsThatOfTheBytes(_ start: String) throws {
        #expect(try address(start + Self.png) == "data:image/png;base64,\(Self.png)")
    }

    @Test func lineBreaksAreTakenOut() throws {
        #expect(
            try address(" data:image/png;base64,\n\(Self.png.prefix(20))&#10;\(Self.png.dropFirst(20))\n")
                == "data:image/png;base64,\(Self.png)")
    }

    @Test(arguments: [
        "data:image/png;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4=", "data:image/png;base64,",
        "data:image/png;base64,iVB",
        "data:image/png;base64,\(png)*", "data:image/svg+xml;base64,\(png)", "data:image/png,\(png)", "data:base64,\(png)",
        "data:image/png;charset=x;base64,\(png)", "data:text/html;base64,\(png)", "data:image/png;base64;x,\(png)",
    ])
    func whatIsNoPictureIsLeftOut(_ source: String) throws {
        #expect(try address(source) == nil)
    }

    @Test func everyPrefixOfAPictureIsReadWithoutHarm() throws {
        for data in [Self.png, Self.gif, Self.webP, Self.jpeg] {
            for length in 0..<data.count {
                _ = try address("data:image/png;base64,\(data.prefix(length))")
            }
        }
    }

    @Test func theirPixelsAreCounted() throws {
        // The header of a PNG of 30,000 by 30,000.
        let header = "iVBORw0KGgoAAAANSUhEUgAAdTAAAHUwCAYAAAAfFcSJ"
        #expect { try address("data:image/png;base64,\(header)") } throws: { ($0 as? StorageError)?.code == .imageTooLarge }
    }

    @Test(arguments: [(65_536, 1, true), (65_537, 1, false), (1, 65_537, false), (3_037_000_499, 3_037_000_499, false)])
    func picturesWithAHugeSideAreLeftOut(_ width: UInt32, _ height: UInt32, _ stays: Bool) throws {
        var header: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13] + Array("IHDR".utf8)
        for number in [width, height] { header += (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) } }
        let source = "data:image/png;base64,\(Data(header).base64EncodedString())"
        let result = try SanitizedSVG.inside("<image href=\"\(source)\" xlink:href=\"\(source)\"/>")
        #expect((result.attribute("href", of: "image") != nil) == stays)
    }

    @Test func onlyPicturesShowPictures() throws {
        let result = try SanitizedSVG.inside(
            "<use href=\"data:image/png;base64,\(Self.png)\"/><a href=\"data:image/png;base64,\(Self.png)\"/>")
        #expect(!result.text.contains("data:"))
    }
}
