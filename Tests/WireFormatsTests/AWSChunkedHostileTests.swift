// SPDX-License-Identifier: Apache-2.0

import MediaTesting
import NIOCore
import Testing
import WireFormats

/// Generated bodies: the seed in a failing test's name repeats it.
@Suite struct AWSChunkedHostileTests {
    static let pieces: [[UInt8]] =
        [
            "0", "5", "A", "\r\n", "\r", "\n", "hello", "5\r\nhello\r\n", "0\r\n", "0\r\n\r\n", ";", "chunk-signature=", "a:b",
            "a:b\r\n",
            "x-amz-trailer-signature:", ":", " ", "FFFF", "-",
        ].map { Array($0.utf8) } + [Array(repeating: UInt8(ascii: "0"), count: 64), [0], [0xFF]]

    static func form(_ generator: inout SeededGenerator) throws -> AWSChunkedForm {
        let chain = try AWSChunkedDecoderTests.chain()
        return [.unsignedTrailer, .unsignedTrailer, .signed(chain), .signedTrailer(chain)].randomElement(using: &generator)
            ?? .unsignedTrailer
    }

    @Test(arguments: 0..<400 as Range<UInt64>)
    func anyBytesGiveTheSameOutcomeHoweverTheyAreCut(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var body = ByteBuffer()
        for _ in 0..<Int.random(in: 0...20, using: &generator) {
            if let piece = Self.pieces.randomElement(using: &generator) { body.writeBytes(piece) }
        }
        let form = try Self.form(&generator)
        let limits = AWSChunkedDecoder.Limits(
            chunkBytes: 70_000, chunkHeaderBytes: Int.random(in: 0...200, using: &generator),
            trailerBytes: Int.random(in: 0...60, using: &generator))
        let length = Bool.random(using: &generator) ? nil : Int64.random(in: 0...12, using: &generator)

        let whole = ChunkedOutcome([body], form, decodedLength: length, limits: limits)

        #expect(ChunkedOutcome(body.cut(into: 1), form, decodedLength: length, limits: limits) == whole)
        for _ in 0..<8 {
            #expect(ChunkedOutcome(randomChunks(body, &generator), form, decodedLength: length, limits: limits) == whole)
        }
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func aBodyOfAnyContentIsReadAsItWasWrittenAndNoOtherWay(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let form = try Self.form(&generator)
        let chunks = (0..<Int.random(in: 0...5, using: &generator)).map { _ in
            ByteBuffer(bytes: randomBytes(Int.random(in: 1...400, using: &generator), &generator))
        }
        let content = chunks.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) }
        var trailer = [NamedValue("x-amz-checksum-crc32c", Checksum.of(content.readableBytesView, .crc32c).base64)]
        if case .signed = form { trailer = [] }
        var encoder = AWSChunkedEncoder(form)
        var body = (chunks.flatMap { encoder.chunk($0) } + [encoder.end(trailer: trailer)]).reduce(into: ByteBuffer()) {
            $0.writeImmutableBuffer($1)
        }
        let length = Int64(content.readableBytes)
        let expected = ChunkedOutcome.read(ReadChunked(bytes: content, trailer: trailer))

        #expect(ChunkedOutcome(body.cut(into: 1), form, decodedLength: length) == expected)
        #expect(ChunkedOutcome(randomChunks(body, &generator), form, decodedLength: length) == expected)

        guard form != .unsignedTrailer, let place = (0..<body.readableBytes).randomElement(using: &generator),
            let byte: UInt8 = body.getInteger(at: place)
        else { return }
        // One bit, in any place: the case of a hexadecimal digit or of a name is the one thing that may change.
        let changed = byte ^ (1 << UInt8.random(in: 0..<8, using: &generator))
        body.setInteger(changed, at: place)
        let outcome = ChunkedOutcome([body], form, decodedLength: length)
        #expect(outcome != expected || changed == byte ^ 0x20 || place >= body.readableBytes - 2)
    }

    @Test func everyCutOfASignedBodyGivesTheSame() throws {
        let chain = try AWSChunkedDecoderTests.chain()
        let body = ByteBuffer(
            string: AWSChunkedDecoderTests.encode(.signedTrailer(chain), ["hello", "\r\n0\r\n"], trailer: [NamedValue("a", "b")]))
        let whole = try readChunked([body], .signedTrailer(chain))

        for place in 0...body.readableBytes {
            let first = ByteBuffer(body.readableBytesView.prefix(place))
            let second = ByteBuffer(body.readableBytesView.dropFirst(place))
            #expect(try readChunked([first, second], .signedTrailer(chain)) == whole)
            #expect(throws: AWSChunkedError.self, "\(place)") {
                // Only the empty line at the end may be missing.
                try readChunked([place < body.readableBytes - 2 ? first : ByteBuffer()], .signedTrailer(chain))
            }
        }
    }
}
