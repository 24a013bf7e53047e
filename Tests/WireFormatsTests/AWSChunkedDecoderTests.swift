// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing
import WireFormats

@Suite struct AWSChunkedDecoderTests {
    static let checksum = "x-amz-checksum-crc32"

    /// The chain of a signed request.
    static func chain() throws -> ChunkSignatures {
        var head = RequestHead(method: "PUT", path: "/b/k", fields: [NamedValue("host", "h")])
        return try SampleKeys.signer.sign(&head, payload: .signedChunks, at: SampleKeys.time)
    }

    static func encode(_ form: AWSChunkedForm, _ chunks: [String], trailer: [NamedValue] = []) -> String {
        var encoder = AWSChunkedEncoder(form)
        let body = chunks.flatMap { encoder.chunk(ByteBuffer(string: $0)) } + [encoder.end(trailer: trailer)]
        return body.map { String(buffer: $0) }.joined()
    }

    static func read(
        _ body: String, _ form: AWSChunkedForm = .unsignedTrailer, decodedLength: Int64? = nil, announced: [String] = [],
        limits: AWSChunkedDecoder.Limits = .init()
    ) throws(AWSChunkedError) -> ReadChunked {
        try readChunked([ByteBuffer(string: body)], form, decodedLength: decodedLength, announced: announced, limits: limits)
    }

    @Test func whatClientsSendIsRead() throws {
        let body = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
        let read = try Self.read(body, decodedLength: 5, announced: ["X-Amz-Checksum-Crc32"])

        #expect(String(buffer: read.bytes) == "hello")
        #expect(read.trailer == [NamedValue(Self.checksum, "NhCmhg==")])
        #expect(Self.encode(.unsignedTrailer, ["hello"], trailer: read.trailer) == body)
    }

    @Test(arguments: [
        "0\r\n\r\n", "0000\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "A;name=value\r\n0123456789\r\n0;x\r\na: b \r\n\r\n",
        // Line ends as some clients write them.
        "1\r\na\r\n0\r\nx-amz-checksum-crc32:s3SFCQ==\n\r\n\r\n", "0\r\na:b\r\n\r\n\r\n", "0\r\na:b\n\n",
    ])
    func unsignedFormsAreRead(_ body: String) throws {
        #expect(throws: Never.self) { try Self.read(body) }
    }

    @Test func signedFormsAreReadWithAndWithoutTrailer() throws {
        let trailer = [NamedValue("a", "1"), NamedValue("b", "")]
        let chunks = ["hello", " ", String(repeating: "x", count: 100_000)]
        let plain = Self.encode(.signed(try Self.chain()), chunks)
        let signed = Self.encode(.signedTrailer(try Self.chain()), chunks, trailer: trailer)

        #expect(try String(buffer: Self.read(plain, .signed(Self.chain())).bytes) == chunks.joined())
        let read = try Self.read(signed, .signedTrailer(Self.chain()))
        #expect(String(buffer: read.bytes) == chunks.joined() && read.trailer == trailer)
        // An empty line before the trailer, and none after it.
        let odd = signed.replacing("\r\na:1", with: "\r\n\r\na:1").dropLast(1)
        #expect(try Self.read(String(odd), .signedTrailer(Self.chain())) == read)
    }

    @Test func aChangedChunkIsNoticedAtItsEnd() throws {
        let body = Self.encode(.signed(try Self.chain()), ["hello", "world"])

        for (part, other) in [("hello", "hallo"), ("world", "World")] {
            let changed = body.replacing(part, with: other)
            #expect(throws: AWSChunkedError.chunkSignatureMismatch) { try Self.read(changed, .signed(Self.chain())) }
        }
    }

    @Test func chunksCanNeitherBeSwappedNorLeftOutNorAdded() throws {
        let chain = try Self.chain()
        let signatureLine = 1 + ";chunk-signature=".utf8.count + 64 + 2
        let chunkBytes = signatureLine + 1 + 2
        let body = ByteBuffer(string: Self.encode(.signed(chain), ["a", "b"]))
        func part(_ number: Int) throws -> ByteBuffer {
            try #require(
                body.getSlice(at: number * chunkBytes, length: min(chunkBytes, body.readableBytes - number * chunkBytes)))
        }
        let parts = try (0..<3).map(part)

        #expect(throws: Never.self) { try readChunked(parts, .signed(chain)) }
        for order in [[1, 0, 2], [0, 2], [1, 2], [2], [0, 0, 1, 2]] {
            #expect(throws: AWSChunkedError.chunkSignatureMismatch) { try readChunked(order.map { parts[$0] }, .signed(chain)) }
        }
    }

    @Test func aChangedTrailerIsNoticed() throws {
        let body = Self.encode(.signedTrailer(try Self.chain()), ["a"], trailer: [NamedValue(Self.checksum, "AAAAAA==")])
        let form = AWSChunkedForm.signedTrailer(try Self.chain())

        #expect(throws: AWSChunkedError.trailerSignatureMismatch) {
            try Self.read(body.replacing("AAAAAA", with: "AAAAAQ"), form)
        }
        #expect(throws: AWSChunkedError.trailerSignatureMismatch) {
            try Self.read(body.replacing(Self.checksum, with: "x"), form)
        }
        #expect(throws: AWSChunkedError.malformedTrailer) {
            try Self.read(body.replacing("trailer-signature:", with: "trailer-signature:0"), form)
        }
        #expect(throws: AWSChunkedError.truncated) { try Self.read(body.replacing("x-amz-trailer-signature", with: "y"), form) }
    }

    @Test func theLengthIsTheOneAnnounced() throws {
        #expect(throws: AWSChunkedError.lengthMismatch) { try Self.read("5\r\nhello\r\n0\r\n\r\n", decodedLength: 4) }
        #expect(throws: AWSChunkedError.lengthMismatch) { try Self.read("5\r\nhello\r\n0\r\n\r\n", decodedLength: 6) }
        // Before the bytes come.
        #expect(throws: AWSChunkedError.lengthMismatch) { try Self.read("5\r\n", decodedLength: 4) }
    }

    @Test func whatWasAnnouncedMustCome() throws {
        #expect(throws: AWSChunkedError.missingTrailer(name: "b")) { try Self.read("0\r\na:1\r\n\r\n", announced: ["a", "b"]) }
        #expect(throws: AWSChunkedError.missingTrailer(name: "a")) { try Self.read("0\r\n\r\n", announced: ["a"]) }
        // This form has no trailer.
        let body = Self.encode(.signed(try Self.chain()), [])
        #expect(throws: AWSChunkedError.missingTrailer(name: "a")) {
            try Self.read(body, .signed(Self.chain()), announced: ["a"])
        }
    }

    @Test(arguments: [
        ("\r\n", AWSChunkedError.malformedChunk), ("5\nhello", .malformedChunk), ("x\r\n", .malformedChunk),
        ("-1\r\n", .malformedChunk),
        (" 1\r\n", .malformedChunk), ("0x1\r\n", .malformedChunk), ("1\r\nab", .malformedChunk), ("1\r\na\rb", .malformedChunk),
        ("1\r\na\n", .malformedChunk), (";a\r\n", .malformedChunk), ("FFFFFFFFFFFFFFFF\r\n", .chunkTooLarge),
        ("10000000000000000\r\n", .chunkTooLarge), ("7FFFFFFFFFFFFFFF\r\n", .chunkTooLarge),
        ("0\r\nab\r\n\r\n", .malformedTrailer),
        ("0\r\n:b\r\n\r\n", .malformedTrailer), ("0\r\na b:c\r\n\r\n", .malformedTrailer), ("0\r\n\r\nx", .dataAfterEnd),
        ("0\r\n\r\n\r\n\r\n\r\n", .dataAfterEnd), ("0\r\n\r\n0\r\n\r\n", .dataAfterEnd), ("", .truncated), ("5", .truncated),
        ("5\r\nhel", .truncated),
        ("5\r\nhello", .truncated), ("5\r\nhello\r\n", .truncated), ("0", .truncated), ("0\r\n", .truncated),
        ("0\r\na:b\r\n", .truncated),
    ])
    func whatIsNoBodyIsRefused(_ body: String, _ error: AWSChunkedError) {
        #expect(throws: error) { try Self.read(body) }
    }

    @Test(arguments: [
        "0\r\n\r\n", "0;\r\n", "0;chunk-signature=\r\n", "0;chunk-signature=00\r\n", "0;signature=S\r\n",
        "0;chunk-signature=S;a=b\r\n",
        "0;a=b;chunk-signature=S\r\n", "0;chunk-signature=S0\r\n",
    ])
    func aChunkThatShouldBeSignedMustBe(_ body: String) throws {
        let body = body.replacing("S", with: String(repeating: "0", count: 64))

        #expect(throws: AWSChunkedError.malformedChunk) { try Self.read(body, .signed(Self.chain())) }
    }

    @Test func textThatIsNoUTF8IsNoTrailer() {
        let body = ByteBuffer(bytes: Array("0\r\na:".utf8) + [0xFF] + Array("\r\n\r\n".utf8))

        #expect(throws: AWSChunkedError.malformedTrailer) { try readChunked([body], .unsignedTrailer) }
    }

    @Test func linesHaveLimits() {
        let limits = AWSChunkedDecoder.Limits(chunkBytes: 5, chunkHeaderBytes: 8, trailerBytes: 10)

        #expect(throws: Never.self) { try Self.read("5;aaaa\r\nhello\r\n0\r\na:bcde\r\n\r\n", limits: limits) }
        #expect(throws: AWSChunkedError.chunkTooLarge) { try Self.read("6\r\n", limits: limits) }
        #expect(throws: AWSChunkedError.chunkHeaderTooLong) { try Self.read("5;aaaaa\r\n", limits: limits) }
        #expect(throws: AWSChunkedError.chunkHeaderTooLong) { try Self.read("000000000", limits: limits) }
        #expect(throws: AWSChunkedError.trailerTooLarge) { try Self.read("0\r\na:bcdef\r\n\r\n", limits: limits) }
        #expect(throws: AWSChunkedError.trailerTooLarge) { try Self.read("0\r\na:bcdefghij", limits: limits) }
    }

    @Test func endlessEmptyLinesBeforeASignatureAreTooLarge() throws {
        var encoder = AWSChunkedEncoder(.signedTrailer(try Self.chain()))
        let end = String(buffer: encoder.end()).split(separator: "\r\n").first ?? ""
        let body = end + "\r\n" + String(repeating: "\r\n", count: 10_000)

        #expect(throws: AWSChunkedError.trailerTooLarge) { try Self.read(body, .signedTrailer(Self.chain())) }
    }

    @Test func chunksAreSlicesOfWhatWasPushed() throws {
        var decoder = AWSChunkedDecoder(.unsignedTrailer, decodedLength: nil)
        let content = ByteBuffer(repeating: 1, count: 1_000_000)
        decoder.push(ByteBuffer(string: "F4240\r\n"))
        #expect(try decoder.next() == nil)
        decoder.push(content)

        #expect(try decoder.next() == .body(content))
        #expect(try decoder.next() == nil)
    }
}

@Suite struct AWSChunkedEncoderTests {
    @Test(arguments: [0, 1, 15, 16, 17, 32, 1000] as [Int64], [1, 16, 1000, 65_536] as [Int64])
    func theLengthIsKnownBefore(contentBytes: Int64, chunkBytes: Int64) throws {
        let trailer = [NamedValue("x-amz-checksum-crc32", "AAAAAA==")]
        let chain = try AWSChunkedDecoderTests.chain()
        for form in [AWSChunkedForm.unsignedTrailer, .signed(chain), .signedTrailer(chain)] {
            var chunks: [String] = []
            var rest = contentBytes
            while rest > 0 {
                chunks.append(String(repeating: "x", count: Int(min(rest, chunkBytes))))
                rest -= min(rest, chunkBytes)
            }
            let body = AWSChunkedDecoderTests.encode(form, chunks, trailer: trailer)

            #expect(
                AWSChunkedEncoder.encodedBytes(form, contentBytes: contentBytes, chunkBytes: chunkBytes, trailer: trailer)
                    == Int64(body.utf8.count))
        }
    }

    @Test func anEmptyPieceIsNoChunk() {
        var encoder = AWSChunkedEncoder(.unsignedTrailer)

        #expect(encoder.chunk(ByteBuffer()).isEmpty)
    }

    @Test func onlyChunkedPayloadsHaveAForm() throws {
        let chain = try AWSChunkedDecoderTests.chain()

        #expect(AWSChunkedForm(.unsigned, signatures: chain) == nil)
        #expect(AWSChunkedForm(.empty, signatures: chain) == nil)
        #expect(AWSChunkedForm(.signedChunks, signatures: chain) == .signed(chain))
        #expect(AWSChunkedForm(.signedChunksAndTrailer, signatures: chain) == .signedTrailer(chain))
        #expect(AWSChunkedForm(.unsignedChunksAndTrailer, signatures: chain) == .unsignedTrailer)
    }
}
