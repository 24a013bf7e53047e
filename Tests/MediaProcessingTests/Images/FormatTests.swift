// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import NIOCore
import Testing

@testable import MediaProcessing

@Suite struct FormatTests {
    static let raster = ImageFormat.allCases.filter { $0 != .svg }

    @Test(arguments: raster, raster) func everyFormatBecomesEveryOther(_ from: ImageFormat, _ into: ImageFormat) async throws {
        let image = try await Engine().render(try TestPicture.quarters(64, 48).encoded(from)) { $0.format = .fixed(into) }
        #expect(image.mediaType == into.mediaType)
        #expect(image.body.withUnsafeReadableBytes { SourceFormat($0)?.rawValue } == into.rawValue)
        let looked = try Looked(image)
        #expect(looked.image.size == PixelSize(width: 64, height: 48))
        #expect(near(Array(looked.at(0.2, 0.2).prefix(3)), TestPicture.red, within: 24))
        #expect(near(Array(looked.at(0.8, 0.8).prefix(3)), TestPicture.white, within: 24))
    }

    @Test(arguments: [
        (ImageFormat.jpeg, "image/jpeg"), (.png, "image/png"), (.gif, "image/gif"), (.webp, "image/jpeg"), (.avif, "image/jpeg"),
        (.jxl, "image/jpeg"),
    ]) func compatibleIsWhatEveryReaderShows(_ from: ImageFormat, _ type: String) async throws {
        let source = try TestPicture.quarters(32, 32).encoded(from)
        #expect(try await Engine().render(source) { $0.format = .compatible }.mediaType == type)
        #expect(try await Engine().render(source) { $0.format = .accepted }.mediaType == type)
        #expect(try await Engine().render(source) { $0.format = nil }.mediaType == type)
    }

    @Test func compatibleKeepsTransparencyWhereThereIsAny() async throws {
        let source = try TestPicture.plain(32, 32, [1, 2, 3, 100]).encoded(.webp)
        #expect(try await Engine().render(source) { $0.format = .compatible }.mediaType == "image/png")
        let filled = try await Engine().render(source) { ($0.format, $0.background) = (.compatible, .white) }
        #expect(filled.mediaType == "image/jpeg")
    }

    @Test(arguments: raster) func sourceKeepsTheFormat(_ format: ImageFormat) async throws {
        let image = try await Engine().render(try TestPicture.quarters(32, 32).encoded(format)) { $0.format = .source }
        #expect(image.mediaType == format.mediaType)
    }

    @Test func formatsThatAreNotWrittenBecomeCompatible() async throws {
        let picture = try TestPicture.quarters(32, 32).image()
        let tiff = try VipsOperation("tiffsave_buffer", ["in": .image(picture)]).withBytes { ByteBuffer(bytes: $0) }
        let heic = try VipsOperation("heifsave_buffer", ["in": .image(picture), "compression": .choice("hevc")])
            .withBytes { ByteBuffer(bytes: $0) }
        for (bytes, name) in [(tiff, "tiff"), (heic, "heic")] {
            let engine = try Engine()
            #expect(try await engine.processor.inspect(bytes, deadline: .now() + .seconds(9)).format == name)
            let image = try await engine.render(bytes) { $0.format = .source }
            #expect(image.mediaType == "image/jpeg")
            #expect(near(try Looked(image).at(0.2, 0.2), TestPicture.red, within: 24))
        }
    }

    @Test func qualityMakesFilesSmaller() async throws {
        var generator = SeededGenerator(seed: 3)
        let noise = try TestPicture(128, 128) { _, _ in (0..<3).map { _ in UInt8.random(in: 0...255, using: &generator) } }
            .encoded()
        for format in [ImageFormat.jpeg, .webp, .avif, .jxl] {
            let poor = try await Engine().render(noise) { ($0.format, $0.quality) = (.fixed(format), 20) }
            let rich = try await Engine().render(noise) { ($0.format, $0.quality) = (.fixed(format), 90) }
            #expect(poor.body.readableBytes < rich.body.readableBytes, "\(format)")
        }
    }

    @Test(arguments: [
        ("%PDF-1.7\n", nil), ("", nil), ("\u{FF}", nil), ("<html><svg/></html>", nil), ("8BPS", nil), ("RIFF1234WAVE", nil),
        ("SIMPLE  =                    T", nil), ("1,2,3\n4,5,6\n", nil), ("GIF88a", nil), ("<svg ", "svg"), ("<svg/>", "svg"),
        ("\u{FEFF}<?xml version='1.0'?>\n<!-- a -->\n<!DOCTYPE svg PUBLIC \"a\" \"b\">\n<svg xmlns='x'/>", "svg"),
        ("<!DOCTYPE svg [ <!ENTITY a \"b>\"> ]>\n<s:svg xmlns:s='x'/>", "svg"), ("<svgx/>", nil), ("<!-- <svg/>", nil),
        ("<?<?<?", nil),
        ("GIF89a", "gif"), ("RIFF1234WEBP", "webp"),
    ]) func theFirstBytesSayWhatItIs(_ text: String, _ format: String?) {
        let found = ByteBuffer(string: text).withUnsafeReadableBytes { SourceFormat($0)?.rawValue }
        #expect(found == format)
    }

    @Test func anSVGIsDrawnAtTheSizeThatIsAskedFor() async throws {
        let image = try await Engine().render(Self.svg) { $0.width = 400 }
        let looked = try Looked(image)
        #expect(looked.image.size == PixelSize(width: 400, height: 200))
        // Drawn and not enlarged: the edge is sharp.
        #expect(
            near(looked[198, 100], [255, 0, 0, 255]) && near(looked[202, 100], [0, 0, 255, 255]),
            "\(looked[198, 100]) \(looked[202, 100])")
    }

    @Test func anSVGIsDeliveredAsTheCleanDrawingThatItIs() async throws {
        let clean: VipsImageProcessor.SVGCleaning = { _ in ByteBuffer(string: "<svg>clean</svg>") }
        for format in [FormatChoice.fixed(.svg), .source] {
            let image = try await Engine(cleanSVG: clean).render(Self.svg) { ($0.format, $0.width) = (format, 100) }
            #expect(image.mediaType == "image/svg+xml" && String(buffer: image.body) == "<svg>clean</svg>")
        }
    }

    @Test func aStepThatAnSVGCantShowIsNeverLeftOut() async throws {
        let source = try await Engine().render(Self.svg) { ($0.format, $0.watermark) = (.source, Watermark(.text("mine"))) }
        #expect(source.mediaType == "image/png")
        let fixed = try await code {
            try await Engine().render(Self.svg) { ($0.format, $0.watermark) = (.fixed(.svg), Watermark(.text("mine"))) }
        }
        #expect(fixed == .unreadableImage)
    }

    @Test func onlyAnSVGIsDeliveredAsSVG() async throws {
        let error = try await code {
            try await Engine().render(try TestPicture.quarters(9, 9).encoded()) { $0.format = .fixed(.svg) }
        }
        #expect(error == .unreadableImage)
    }

    @Test func withoutASanitiserNoSVGIsRead() async throws {
        let error = try await code { try await Engine(cleanSVG: nil).render(Self.svg) }
        #expect(error == .unreadableImage)
        let refused = try await code {
            try await Engine(cleanSVG: { _ in throw StorageError(.unreadableImage, "no") }).render(Self.svg)
        }
        #expect(refused == .unreadableImage)
    }

    private static let svg = ByteBuffer(
        string: """
            <svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="20" height="20" fill="#f00"/>\
            <rect x="20" width="20" height="20" fill="#00f"/></svg>
            """)
}
