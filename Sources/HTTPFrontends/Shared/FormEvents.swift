// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore
import WireFormats

/// Pulls the events of a form out of its body, as it arrives.
struct FormEvents {
    private var chunks: any AsyncIteratorProtocol<ByteBuffer, any Error>
    private var parser: MultipartFormParser

    init(boundary: MultipartBoundary, limits: MultipartFormParser.Limits, body: ByteStream) {
        parser = MultipartFormParser(boundary: boundary, limits: limits)
        chunks = Self.iterator(body.chunks)
    }

    private static func iterator(
        _ chunks: some AsyncSequence<ByteBuffer, any Error>
    ) -> any AsyncIteratorProtocol<ByteBuffer, any Error> { chunks.makeAsyncIterator() }

    /// The next event. Nil once the whole body was read.
    /// - Throws: `MultipartFormError`; what the body throws.
    mutating func next() async throws -> MultipartFormParser.Event? {
        while true {
            if let event = try parser.next() { return event }
            guard let chunk = try await chunks.next(isolation: nil) else {
                try parser.finish()
                return nil
            }
            parser.push(chunk)
        }
    }
}
