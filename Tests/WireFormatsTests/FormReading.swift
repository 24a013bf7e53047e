// SPDX-License-Identifier: Apache-2.0

import MediaTesting
import NIOCore
import WireFormats

/// A part of a form, read whole.
struct ReadPart: Hashable {
    var header: MultipartPartHeader
    var bytes: ByteBuffer
}

/// Reads a whole form, cut into the chunks given, and keeps its parts.
func readForm(
    _ chunks: [ByteBuffer], boundary: String = "AaB03x", limits: MultipartFormParser.Limits = .init()
) throws(MultipartFormError) -> [ReadPart] {
    var parser = MultipartFormParser(boundary: try MultipartBoundary(boundary), limits: limits)
    var parts: [ReadPart] = []
    var open: ReadPart?
    var ended = false
    for chunk in chunks {
        parser.push(chunk)
        while let event = try parser.next() {
            precondition(!ended, "an event after the end")
            switch event {
            case .part(let header):
                precondition(open == nil, "a part inside a part")
                open = ReadPart(header: header, bytes: ByteBuffer())
            case .body(let slice):
                precondition(open != nil && slice.readableBytes > 0, "bytes outside a part")
                open?.bytes.writeImmutableBuffer(slice)
            case .partEnd:
                guard let part = open else { preconditionFailure("an end without a part") }
                parts.append(part)
                open = nil
            case .end:
                precondition(open == nil, "the end inside a part")
                ended = true
            }
        }
    }
    try parser.finish()
    return parts
}

/// What reading came to: comparable, errors too.
enum ReadingOutcome: Hashable {
    case parts([ReadPart])
    case failed(MultipartFormError)

    init(_ chunks: [ByteBuffer], limits: MultipartFormParser.Limits = .init()) {
        do {
            self = .parts(try readForm(chunks, limits: limits))
        } catch {
            self = .failed(error)
        }
    }
}

/// Cuts bytes at random places.
func randomChunks(_ bytes: ByteBuffer, _ generator: inout SeededGenerator) -> [ByteBuffer] {
    var rest = bytes
    var chunks: [ByteBuffer] = []
    let longest = Int.random(in: 1...max(1, bytes.readableBytes), using: &generator)
    while rest.readableBytes > 0 {
        let count = Int.random(in: 1...min(longest, rest.readableBytes), using: &generator)
        if let chunk = rest.readSlice(length: count) { chunks.append(chunk) }
    }
    return chunks
}

extension ByteBuffer {
    /// The text with CRLF line ends.
    init(lines text: String) { self.init(string: text.replacing("\n", with: "\r\n")) }
}
