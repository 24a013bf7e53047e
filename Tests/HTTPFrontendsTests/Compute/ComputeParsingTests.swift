// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import NIOCore
import Testing

@testable import HTTPFrontends

@Suite struct ComputeRouteTests {
    @Test(arguments: ["/api/v1/storage/images", "/storage/images"])
    func bothMountsLeadToTheSame(mount: String) {
        #expect(ComputeRoute(path: mount[...]) == .images)
        #expect(ComputeRoute(path: "\(mount)/a/b.png") == .image(ImagePath(encoded: "a/b.png")))
        #expect(ComputeRoute(path: "\(mount)/") == .image(nil))
    }

    @Test(arguments: [
        "/", "/storage", "/storage/image", "/storage/imagesx/a", "/storage/v1/images", "/api/v1/storage", "/images/a",
    ])
    func otherPathsAreSomebodyElses(path: String) {
        #expect(ComputeRoute(path: path[...]) == nil)
    }

    @Test func anEscapedPathIsDecodedOnce() throws {
        let path = try #require(ImagePath(encoded: "a%2Fb%20c%252e.png"))
        #expect(path.rawValue == "a/b c%2e.png")
        #expect(path.encoded == "a/b%20c%252e.png")
    }

    @Test func noBytesMakeAPathThatLeavesItsStore() {
        var generator = SeededGenerator(seed: 5)
        let pieces = ["..", ".", "/", "%2e", "%2F", "%5c", "\\", "%00", "%", "a", "%zz", "%C3%A4", "%ff", " "]
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0...7, using: &generator)).map { _ in
                pieces.randomElement(using: &generator) ?? ""
            }.joined()
            guard let path = ImagePath(encoded: text[...]) else { continue }
            let segments = path.rawValue.split(separator: "/", omittingEmptySubsequences: false)
            #expect(segments.allSatisfy { !["", ".", ".."].contains($0) && !$0.contains("\\") && !$0.contains("\0") })
            #expect(ImagePath(encoded: path.encoded[...]) == path)
        }
    }
}

@Suite struct ComputeListQueryTests {
    @Test func nothingMeansTheFirstHundred() throws {
        let query = try ComputeListQuery("/storage/images")
        #expect(query.prefix == "")
        #expect(query.limit == 100)
    }

    @Test func theLastOfAParameterCounts() throws {
        let query = try ComputeListQuery("/storage/images?prefix=a&limit=x&prefix=b%2F&limit=7")
        #expect(query.prefix == "b/")
        #expect(query.limit == 7)
    }

    @Test(
        arguments: [
            ("7", 7), (" 7\n", 7), ("+7", 7), ("-0", 0), ("1_0", 10), ("7.0", 7), ("007", 7), ("9223372036854775807", .max),
        ] as [(String, Int64)])
    func wholeNumbersAreReadAsPydanticReadsThem(text: String, value: Int64) {
        #expect(LaxInteger(text) == .value(value))
    }

    @Test(arguments: ["", " ", "7.", ".0", "7.5", "1__0", "_1", "1_", "--1", "1e2", "0x1", "\u{663}", "1 0", "+", "1.0.0"])
    func otherTextsAreNoNumbers(text: String) {
        #expect(LaxInteger(text) == nil)
    }

    @Test func numbersOfAnyLengthAreBounded() {
        #expect(LaxInteger(String(repeating: "9", count: 40)) == .above)
        #expect(LaxInteger("-" + String(repeating: "9", count: 40)) == .below)
        #expect(LaxInteger(String(repeating: "9", count: 5000)) == .oversized)
    }
}

@Suite struct ComputeFormTests {
    private static let type = "multipart/form-data; boundary=b"

    private static func form(_ file: [UInt8]) -> [UInt8] {
        Array("--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n1\r\n".utf8)
            + Array("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n".utf8) + file
            + Array("\r\n--b\r\nContent-Disposition: form-data; name=\"y\"\r\n\r\n2\r\n--b--\r\n".utf8)
    }

    /// The file of a form that comes in the given pieces.
    private static func file(in pieces: [[UInt8]], limit: Int64 = 1 << 20) async throws -> (type: String, bytes: [UInt8]) {
        let stream = AsyncStream { continuation in
            for piece in pieces { continuation.yield(ByteBuffer(bytes: piece)) }
            continuation.finish()
        }
        let body = ByteStream(length: nil, chunks: Throwing(base: stream))
        let file = try await ComputeForm(contentType: type, body: body, limit: limit).file()
        var bytes: [UInt8] = []
        for try await chunk in file.body.chunks { bytes += chunk.readableBytesView }
        return (file.mediaType, bytes)
    }

    private struct Throwing: AsyncSequence, Sendable {
        typealias Failure = any Error
        let base: AsyncStream<ByteBuffer>
        struct AsyncIterator: AsyncIteratorProtocol {
            var base: AsyncStream<ByteBuffer>.AsyncIterator
            mutating func next() async throws -> ByteBuffer? { await base.next() }
        }
        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: base.makeAsyncIterator()) }
    }

    @Test(arguments: [1, 2, 7, 64, 1000, 100_000])
    func theFileIsTheSameHoweverTheFormIsCut(size: Int) async throws {
        let bytes = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let form = Self.form(bytes)
        let pieces = stride(from: 0, to: form.count, by: size).map { Array(form[$0..<min($0 + size, form.count)]) }
        let file = try await Self.file(in: pieces)
        #expect(file.bytes == bytes)
        #expect(file.type == "image/png")
    }

    @Test func theLimitHoldsToTheByte() async throws {
        let bytes = [UInt8](repeating: 7, count: 3000)
        #expect(try await Self.file(in: [Self.form(bytes)], limit: 3000).bytes == bytes)
        await #expect(throws: StorageError.self) { try await Self.file(in: [Self.form(bytes)], limit: 2999) }
    }

    @Test func aFormThatIsCutAnywhereIsNeverAFile() async {
        let form = Self.form(Array("some bytes".utf8))
        for end in 0..<(form.count - 2) {
            await #expect(throws: (any Error).self, "\(end)") { try await Self.file(in: [Array(form[..<end])]) }
        }
    }

    @Test func formsOfAnyBytesEndInAFileOrAnError() async {
        var generator = SeededGenerator(seed: 17)
        let form = Self.form(Array("some bytes".utf8))
        for _ in 0..<2000 {
            var hostile = form
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                let at = Int.random(in: 0..<hostile.count, using: &generator)
                switch Int.random(in: 0...2, using: &generator) {
                case 0: hostile[at] = UInt8.random(in: 0...255, using: &generator)
                case 1: hostile.remove(at: at)
                default: hostile.insert(contentsOf: "\r\n--b".utf8, at: at)
                }
            }
            do {
                #expect(try await Self.file(in: [hostile], limit: 4096).bytes.count <= 4096)
            } catch {
                #expect(error is ComputeProblem || error is StorageError)
            }
        }
    }
}

@Suite struct SniffedTypeTests {
    @Test(arguments: [
        ("<svg>", "image/svg+xml"), (" \n<!-- a > b --><x:svg a='1'", "image/svg+xml"),
        ("<?xml version='1.0'?><svg/>", "image/svg+xml"),
        ("<html><svg>", "application/octet-stream"), ("<svgx>", "application/octet-stream"), ("<!--", "application/octet-stream"),
        ("BM is no picture", "application/octet-stream"), ("BM0000\0\0\0\0", "image/bmp"),
        ("BM0000\0\0", "application/octet-stream"),
        ("GIF89a", "image/gif"), ("%!PS-Adobe-3.0 EPSF-3.0", "application/octet-stream"), ("", "application/octet-stream"),
    ])
    func textsShowWhatTheyAre(text: String, type: String) {
        #expect(SniffedType.mediaType(of: Array(text.utf8)) == type)
    }

    @Test func noBytesAreTooFew() {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<5000 {
            let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
            #expect(!SniffedType.mediaType(of: bytes).contains("html"))
        }
    }
}
