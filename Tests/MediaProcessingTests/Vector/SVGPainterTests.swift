// SPDX-License-Identifier: Apache-2.0

import Crypto
import MediaCore
import MediaTesting
import NIOCore
import Synchronization
import Testing

@testable import MediaProcessing

/// Drawings are made by a tool that is shut away, whatever is in them. They are drawn as they are here: no sanitiser helps.
@Suite struct SVGPainterTests {
    private static let namespace = SVGVocabulary.namespace

    private func svg(_ body: String, _ attributes: String = "width='50' height='50'") -> ByteBuffer {
        ByteBuffer(string: "<svg xmlns='\(Self.namespace)' \(attributes)>\(body)</svg>")
    }

    private func code(_ document: ByteBuffer, limits: SVGPainter.Limits = .init(), width: Int = 40) async throws -> StorageError
        .Code?
    {
        try await Converting.alone { converter in
            let painter = try #require(try converter.painter(limits))
            do {
                let picture = try await painter.picture(of: document, width: width, height: width, by: .now() + .seconds(60))
                #expect(PNGHeader.size(picture)?.width == width)
                return nil
            } catch let error as StorageError {
                return error.code
            }
        }
    }

    @Test func libvipsItselfReadsNoSVG() throws {
        _ = try VipsRuntime.version.get()
        let text = "<svg xmlns='\(Self.namespace)' width='5' height='5'/>"
        ByteBuffer(string: text).withUnsafeReadableBytes { raw in
            _ = #expect(throws: VipsFailure.self) { try VipsOperation("svgload_buffer", ["buffer": .bytes(raw)]) }
        }
        #expect(throws: VipsFailure.self) { try VipsOperation("svgload", ["filename": .text("/dev/null")]) }
        #expect(SourceFormat.svg.loader == nil)
    }

    @Test func theLettersThatEndLibrsvgEndNothingElse() async throws {
        for size in ["1e9", "1e7", "1e38"] {
            #expect(try await code(svg("<text font-size='\(size)' y='9'>x</text>")) != .internal)
        }
        #expect(try await code(svg("<text font-size='1e9' y='9'>x</text>")) == .unreadableImage)
    }

    @Test func whatTakesTooLongIsEnded() async throws {
        let limits = SVGPainter.Limits(timeout: .seconds(1))
        let accents = String(repeating: "\u{301}", count: 1_000_000)
        let start = ContinuousClock.now
        #expect(try await code(svg("<text y='9'>a\(accents)</text>"), limits: limits) == .renderTimedOut)
        #expect(ContinuousClock.now - start < .seconds(30))
    }

    @Test func whatTakesTooMuchMemoryIsEnded() async throws {
        let limits = SVGPainter.Limits(timeout: .seconds(30), memory: 256 << 20)
        let letters = String(repeating: "x", count: 600_000)
        let code = try await code(svg("<text y='9' font-size='1000'>\(letters)</text>"), limits: limits)
        #expect([.imageTooLarge, .unreadableImage].contains(code))
    }

    @Test func aPictureIsAsLargeAsItIsWantedAndTransparent() async throws {
        let image = try await Engine().render(svg("<rect width='25' height='50' fill='#00f'/>")) { $0.width = 333 }
        let picture = try Looked(image)
        #expect(picture.image.size == PixelSize(width: 333, height: 333) && picture.image.bands == 4)
        #expect(near(picture[100, 100], [0, 0, 255, 255]) && picture[200, 100][3] == 0)
    }

    @Test(arguments: ["#fff", "none"]) func aDrawingIsOfFourSamplesWithAndWithoutAGround(_ ground: String) async throws {
        let image = try await Engine().render(svg("<rect width='50' height='50' fill='\(ground)'/>"))
        #expect(try Looked(image).image.bands == 4)
    }

    @Test func aDrawingIsTrimmedCroppedAndTurned() async throws {
        let document = svg("<rect x='10' y='20' width='20' height='10' fill='#f00'/>")
        let trimmed = try Looked(try await Engine().render(document) { ($0.trim, $0.width) = (10, 200) })
        #expect(trimmed.image.size == PixelSize(width: 200, height: 100))
        #expect(near(trimmed[2, 2], [255, 0, 0, 255]) && near(trimmed[197, 97], [255, 0, 0, 255]))
    }

    @Test func aDrawingIsAWatermark() async throws {
        let mark = svg("<rect width='50' height='50' fill='#0f0'/>")
        let picture = try TestPicture.plain(400, 400, TestPicture.red).encoded()
        let image = try await Engine().render(picture, overlay: mark) {
            $0.watermark = Watermark(.picture(digest: "a"), position: .centre, opacity: 100)
        }
        let looked = try Looked(image)
        #expect(near(Array(looked[200, 200].prefix(3)), [0, 255, 0]) && near(Array(looked[100, 100].prefix(3)), TestPicture.red))
    }

    @Test func withoutAPainterADrawingIsGivenAsItIsAndNotDrawn() async throws {
        let processor = try VipsImageProcessor(cleanSVG: { $0 })
        var transform = Transform()
        (transform.format, transform.width) = (.fixed(.png), 10)
        let recipe = ImageRecipe(transform, deadline: .now() + .seconds(60))
        #expect(try await self.code { try await processor.render(svg(""), recipe) } == .notConfigured)
        transform.format = .fixed(.svg)
        let image = try await processor.render(svg(""), ImageRecipe(transform, deadline: .now() + .seconds(60)))
        #expect(image.mediaType == "image/svg+xml")
        #expect(try await processor.inspect(svg(""), deadline: .now() + .seconds(60)).width == 50)
        try await processor.shutDown()
    }

    private func code(_ body: () async throws -> some Any) async throws -> StorageError.Code? {
        do {
            _ = try await body()
            return nil
        } catch let error as StorageError {
            return error.code
        }
    }

    @Test func onlyThatSizesOfWhatFailedAreTriedThatMayNotFail() throws {
        let now = Mutex(NIODeadline.uptimeNanoseconds(1))
        let failures = PaintFailures(lifetime: .minutes(10), capacity: 2, now: { now.withLock { $0 } })
        let (one, other) = (SHA256.hash(data: [1]), SHA256.hash(data: [2]))
        let size = PixelSize(width: 100, height: 80)
        #expect(failures.failure(of: one, size) == nil)
        failures.remember(ToolEnd.timedOut, of: one, size)
        for pixels in [8000, 1000, 1_000_000] {
            #expect(failures.failure(of: one, PixelSize(width: pixels, height: 1))?.reason == .timedOut)
        }
        #expect(failures.failure(of: one, PixelSize(width: 999, height: 1)) == nil)
        #expect(failures.failure(of: other, size) == nil)
        failures.remember(ToolEnd.outOfMemory, of: one, PixelSize(width: 10, height: 1))
        #expect(failures.failure(of: one, PixelSize(width: 20, height: 1))?.reason == .outOfMemory)
        now.withLock { $0 = $0 + .minutes(10) }
        #expect(failures.failure(of: one, size) == nil)
        for index: UInt8 in 3...4 { failures.remember(ToolEnd.timedOut, of: SHA256.hash(data: [index]), size) }
        #expect(failures.failure(of: SHA256.hash(data: [4]), size) != nil)
    }

    @Test func whatFailedIsNotRunAgain() async throws {
        try await Converting.alone { converter in
            let painter = try #require(try converter.painter(SVGPainter.Limits(timeout: .seconds(1))))
            let slow = svg("<text y='9'>a\(String(repeating: "\u{301}", count: 1_000_000))</text>")
            func draw(_ width: Int) async throws -> StorageError.Code? {
                try await code { try await painter.picture(of: slow, width: width, height: width, by: .now() + .seconds(60)) }
            }
            #expect(try await draw(40) == .renderTimedOut)
            let clock = ContinuousClock()
            let start = clock.now
            for width in 20..<120 { #expect(try await draw(width) == .renderTimedOut) }
            let time = clock.now - start
            // A hundred runs would take a hundred times the limit.
            #expect(time < .seconds(20))
        }
    }

    /// Numbers that no drawing has, in attributes that numbers are in.
    @Test(arguments: 0..<2) func hostileNumbersEndInAPictureOrAnError(_ seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        var documents: [ByteBuffer] = []
        for _ in 0..<25 { documents.append(svg(Self.hostile(&generator))) }
        let hostile = documents
        try await Converting.alone { converter in
            let painter = try #require(try converter.painter(SVGPainter.Limits(timeout: .seconds(2))))
            for document in hostile {
                let code = try await code {
                    try await painter.picture(of: document, width: 40, height: 40, by: .now() + .seconds(60))
                }
                #expect([nil, .unreadableImage, .imageTooLarge, .renderTimedOut].contains(code), "\(String(buffer: document))")
            }
        }
    }

    private static let numbers = [
        "0", "-0", "-1", "1e-300", "1e300", "-1e300", "1e9", "-1e9", "1e38", "3.5e38", "nan", "inf", "2147483648", "1e-9", "100%",
        "-50%",
    ]
    private static let figures = [
        "<rect x='#' y='#' width='#' height='#' rx='#' stroke='red' stroke-width='#' stroke-dasharray='# #'/>",
        "<circle cx='#' cy='#' r='#' stroke='red' stroke-width='#'/>",
        "<text x='#' y='#' font-size='#' letter-spacing='#'>xy</text>",
        "<path d='M# #L# #C# # # # # #A# # # 0 1 # #' stroke='red' stroke-dasharray='# #' stroke-miterlimit='#'/>",
        "<g transform='matrix(# # # # # #)'><text y='9' word-spacing='#'>x y</text></g>",
        "<g transform='scale(#) rotate(#) skewX(#)'><rect width='9' height='9'/></g>",
        "<svg viewBox='# # # #' width='#' height='#'><text>x</text></svg>",
        "<filter id='f' x='#' y='#' width='#' height='#'><feGaussianBlur stdDeviation='#'/><feOffset dx='#' dy='#'/></filter>"
            + "<rect width='9' height='9' filter='url(#f)'/>",
        "<filter id='t'><feTurbulence baseFrequency='#' numOctaves='#' seed='#'/><feMorphology radius='#'/></filter>"
            + "<rect width='9' height='9' filter='url(#t)'/>",
        "<pattern id='p' x='#' y='#' width='#' height='#'><rect width='#' height='9'/></pattern><rect width='9' height='9' fill='url(#p)'/>",
        "<radialGradient id='r' cx='#' cy='#' r='#' fx='#' fy='#'><stop offset='#'/><stop offset='1' stop-color='red'/></radialGradient>"
            + "<rect width='9' height='9' fill='url(#r)'/>",
        "<marker id='m' markerWidth='#' markerHeight='#' refX='#' viewBox='# # # #'><rect width='9' height='9'/></marker>"
            + "<path d='M0 0L9 9' stroke='red' marker-end='url(#m)'/>",
    ]

    private static func hostile(_ generator: inout SeededGenerator) -> String {
        var text = ""
        for _ in 0..<3 {
            var last: Character = " "
            for character in figures.randomElement(using: &generator) ?? "" {
                // Not those of `url(#f)`.
                if character == "#", last != "(" || !text.hasSuffix("url(") {
                    text += numbers.randomElement(using: &generator) ?? "0"
                } else {
                    text.append(character)
                }
                last = character
            }
        }
        return text
    }
}
