// SPDX-License-Identifier: Apache-2.0

public import NIOCore

extension ByteStream {
    /// Reads the first bytes, and gives them with a stream of everything.
    ///
    /// - Parameter count: how many are wanted. Fewer come of a shorter body; the rest of a chunk comes along.
    /// - Throws: what the stream throws.
    public func withHead(_ count: Int) async throws -> (head: ByteBuffer, all: ByteStream) {
        let rest = Rest(chunks)
        var head = ByteBuffer()
        while head.readableBytes < count, let chunk = try await rest.next() { head.writeImmutableBuffer(chunk) }
        return (head, ByteStream(length: length, chunks: Rejoined(head: head, rest: rest)))
    }

    /// What comes behind the head, pulled by one task at a time.
    private final class Rest: @unchecked Sendable {
        // Sendable: the task that read the head hands the stream on to whoever consumes it, once, and does not touch it any more.
        private var iterator: any AsyncIteratorProtocol<ByteBuffer, any Error>

        init(_ chunks: some AsyncSequence<ByteBuffer, any Error>) { iterator = chunks.makeAsyncIterator() }

        func next() async throws -> ByteBuffer? { try await iterator.next(isolation: nil) }
    }

    private struct Rejoined: AsyncSequence, Sendable {
        typealias Failure = any Error
        let head: ByteBuffer
        let rest: Rest

        struct AsyncIterator: AsyncIteratorProtocol {
            var head: ByteBuffer?
            let rest: Rest

            mutating func next() async throws -> ByteBuffer? {
                if let head, head.readableBytes > 0 {
                    self.head = nil
                    return head
                }
                return try await rest.next()
            }
        }

        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(head: head, rest: rest) }
    }
}
