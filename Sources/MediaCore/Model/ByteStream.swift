// SPDX-License-Identifier: Apache-2.0

public import NIOCore

/// Bytes on their way: the only body type below HTTP. Consumed once, pulled chunk by chunk, never held whole.
public struct ByteStream: Sendable {
    /// The number of bytes announced by the sender. Nil when it did not say (a chunked body).
    public let length: Int64?
    public let chunks: any AsyncSequence<ByteBuffer, any Error> & Sendable

    public init(length: Int64?, chunks: any AsyncSequence<ByteBuffer, any Error> & Sendable) {
        self.length = length
        self.chunks = chunks
    }

    /// A stream of one buffer already in memory.
    public init(_ buffer: ByteBuffer) {
        self.init(length: Int64(buffer.readableBytes), chunks: Once(buffer: buffer))
    }

    private struct Once: AsyncSequence, Sendable {
        typealias Failure = any Error
        let buffer: ByteBuffer
        struct AsyncIterator: AsyncIteratorProtocol {
            var buffer: ByteBuffer?
            mutating func next() async throws -> ByteBuffer? {
                defer { buffer = nil }
                guard let buffer, buffer.readableBytes > 0 else { return nil }
                return buffer
            }
        }
        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(buffer: buffer) }
    }
}
