// SPDX-License-Identifier: Apache-2.0

import NIOCore
import WireFormats

/// An aws-chunked body, read whole.
struct ReadChunked: Hashable {
    var bytes = ByteBuffer()
    var trailer: [NamedValue] = []
}

/// Reads a whole body, cut into the pieces given.
func readChunked(
    _ pieces: [ByteBuffer], _ form: AWSChunkedForm, decodedLength: Int64? = nil, announced: [String] = [],
    limits: AWSChunkedDecoder.Limits = .init()
) throws(AWSChunkedError) -> ReadChunked {
    var decoder = AWSChunkedDecoder(form, decodedLength: decodedLength, announcedTrailer: announced, limits: limits)
    var read = ReadChunked()
    var ended = false
    for piece in pieces {
        decoder.push(piece)
        while let event = try decoder.next() {
            precondition(!ended, "an event after the end")
            switch event {
            case .body(let slice):
                precondition(slice.readableBytes > 0, "no bytes")
                read.bytes.writeImmutableBuffer(slice)
            case .end(let trailer):
                read.trailer = trailer
                ended = true
            }
        }
    }
    try decoder.finish()
    precondition(ended, "finished without an end")
    return read
}

/// What reading came to: comparable, errors too.
enum ChunkedOutcome: Hashable {
    case read(ReadChunked)
    case failed(AWSChunkedError)

    init(
        _ pieces: [ByteBuffer], _ form: AWSChunkedForm, decodedLength: Int64? = nil, announced: [String] = [],
        limits: AWSChunkedDecoder.Limits = .init()
    ) {
        do {
            self = .read(
                try readChunked(pieces, form, decodedLength: decodedLength, announced: announced, limits: limits))
        } catch {
            self = .failed(error)
        }
    }
}
