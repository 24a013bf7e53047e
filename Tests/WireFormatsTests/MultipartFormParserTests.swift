// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing
import WireFormats

struct MultipartFormParserTests {
    /// What a form held, with the bytes of each part joined.
    private struct Form: Equatable {
        var parts: [MultipartFormParser.Part] = []
        var bodies: [[UInt8]] = []
        var isEnded = false
    }

    private static func parse(
        _ bytes: [UInt8], boundary: String = "xyz", limits: MultipartFormParser.Limits = .init(), chunk: Int = .max
    ) throws(MultipartFormError) -> Form {
        var parser = MultipartFormParser(boundary: boundary, limits: limits)
        var form = Form()
        var offset = 0
        while offset < bytes.count {
            let end = chunk == .max ? bytes.count : min(offset + chunk, bytes.count)
            parser.feed(ByteBuffer(bytes: bytes[offset..<end]))
            offset = end
            while let event = try parser.next() {
                switch event {
                case .part(let part):
                    form.parts.append(part)
                    form.bodies.append([])
                case .bytes(let slice): form.bodies[form.bodies.count - 1] += slice.readableBytesView
                case .partEnd: break
                case .end: form.isEnded = true
                }
            }
        }
        try parser.finish()
        return form
    }

    private static let sample = Array(
        """
        --xyz\r
        Content-Disposition: form-data; name="cacheControl"\r
        \r
        3600\r
        --xyz\r
        Content-Disposition: form-data; name="file"; filename="a \\"b\\".txt"\r
        Content-Type: text/plain\r
        \r
        hello\r\n--xy\r\nworld\r
        --xyz--\r

        """.utf8)

    @Test func findsPartsWithTheirNamesTypesAndBytes() throws {
        let form = try Self.parse(Self.sample)

        #expect(form.parts.map(\.name) == ["cacheControl", "file"])
        #expect(form.parts.map(\.filename) == [nil, "a \"b\".txt"])
        #expect(form.parts.map(\.contentType) == [nil, "text/plain"])
        #expect(form.bodies == [Array("3600".utf8), Array("hello\r\n--xy\r\nworld".utf8)])
        #expect(form.isEnded)
    }

    @Test func findsTheSameHoweverTheBytesArrive() throws {
        let whole = try Self.parse(Self.sample)

        for chunk in 1...Self.sample.count { #expect(try Self.parse(Self.sample, chunk: chunk) == whole) }
    }

    @Test func anyContentComesThroughUnchanged() throws {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<300 {
            // Bytes that boundaries are made of, so that near misses abound.
            let alphabet = Array("\r\n-xyz".utf8) + [0, 255]
            var content = (0..<Int.random(in: 0...200, using: &generator)).map { _ in alphabet.randomElement(using: &generator) ?? 0 }
            while Self.contains(content, "\r\n--xyz") || content.starts(with: "--xyz".utf8) { content.removeLast() }
            let head = Array("--xyz\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n".utf8)
            let body = head + content + Array("\r\n--xyz--".utf8)

            let form = try Self.parse(body, chunk: Int.random(in: 1...64, using: &generator))

            #expect(form.bodies == [content])
        }
    }

    @Test func randomBytesNeverCrash() {
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<2000 {
            var bytes = Self.sample
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0...2, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: index)
                default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: index)
                }
            }
            let chunk = Int.random(in: 1...40, using: &generator)
            let split = Result { try Self.parse(bytes, chunk: chunk) }
            let whole = Result { try Self.parse(bytes) }
            #expect((try? split.get()) == (try? whole.get()))
        }
    }

    @Test(arguments: 1..<180)
    func aFormThatEndsEarlyIsTruncated(length: Int) {
        #expect(throws: MultipartFormError.truncated) { try Self.parse(Array(Self.sample.prefix(length))) }
    }

    @Test func aPreambleAndAnEpilogueAreIgnored() throws {
        let bytes = Array("preamble\r\n".utf8) + Self.sample + Array("epilogue --xyz".utf8)

        #expect(try Self.parse(bytes, chunk: 7) == Self.parse(Self.sample))
    }

    @Test func aPartWithoutANameIsAFile() throws {
        let form = try Self.parse(Array("--xyz\r\nContent-Disposition: form-data; name=\"\"\r\n\r\nx\r\n--xyz--".utf8))

        #expect(form.parts.first?.isFile == true)
        #expect(form.bodies == [[UInt8(ascii: "x")]])
    }

    @Test func aHeaderIsNotHeldWithoutLimit() {
        let bytes = Array("--xyz\r\nContent-Disposition: ".utf8) + [UInt8](repeating: UInt8(ascii: "a"), count: 100_000)

        #expect(throws: MultipartFormError.headerTooLong) { try Self.parse(bytes, chunk: 1000) }
    }

    @Test func partsAreCounted() {
        let part = "--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n"
        let bytes = Array((String(repeating: part, count: 4) + "--xyz--").utf8)

        #expect(throws: MultipartFormError.tooManyParts) { try Self.parse(bytes, limits: .init(maxParts: 3)) }
    }

    @Test(arguments: [
        "--xyz\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\nx\r\n--xyz--", "--xyz\r\nno colon\r\n\r\nx\r\n--xyz--",
        "--xyz\r\n\r\nx\r\n--xyz--",
    ])
    func aPartMustSayWhatItIs(text: String) {
        #expect(throws: MultipartFormError.malformedHeader) { try Self.parse(Array(text.utf8)) }
    }

    @Test func lineFeedsAloneAreNoLineEnds() {
        let text = "--xyz\nContent-Disposition: form-data; name=\"a\"\n\nx\n--xyz--\n"

        #expect(throws: MultipartFormError.malformedBoundary) { try Self.parse(Array(text.utf8)) }
    }

    @Test(arguments: [
        ("multipart/form-data; boundary=abc", "abc"), ("Multipart/Form-Data; charset=utf-8; boundary=\"a b\"", "a b"),
        ("text/plain; boundary=abc", nil), ("application/octet-stream", nil),
    ] as [(String, String?)])
    func readsTheBoundaryOfAForm(contentType: String, boundary: String?) throws {
        #expect(try MultipartFormParser.boundary(of: contentType) == boundary)
    }

    @Test(arguments: [
        "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"ends with \"",
        "multipart/form-data; boundary=" + String(repeating: "x", count: 71),
    ])
    func aFormNeedsABoundary(contentType: String) {
        #expect(throws: MultipartFormError.badBoundary) { try MultipartFormParser.boundary(of: contentType) }
    }

    private static func contains(_ bytes: [UInt8], _ text: String) -> Bool {
        let text = Array(text.utf8)
        return bytes.count >= text.count && (0...bytes.count - text.count).contains { bytes[$0...].starts(with: text) }
    }
}

/// A generator that gives the same numbers on every run (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
