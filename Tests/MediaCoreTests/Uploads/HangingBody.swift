// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore

/// A body that sends some bytes and then nothing, neither more nor an end, until its reader is cancelled.
struct HangingBody: Sendable {
    private let bytes: ByteBuffer
    private let waits: AsyncStream<Void>
    private let waiting: AsyncStream<Void>.Continuation

    init(_ bytes: ByteBuffer) {
        self.bytes = bytes
        (waits, waiting) = AsyncStream.makeStream()
    }

    var stream: ByteStream { ByteStream(length: nil, chunks: Chunks(bytes: bytes, waiting: waiting)) }

    /// Returns once everything was taken and the reader waits for more.
    func isWaiting() async { for await _ in waits { return } }

    private struct Chunks: AsyncSequence, Sendable {
        typealias Failure = any Error
        let bytes: ByteBuffer
        let waiting: AsyncStream<Void>.Continuation

        struct AsyncIterator: AsyncIteratorProtocol {
            var bytes: ByteBuffer
            let waiting: AsyncStream<Void>.Continuation

            mutating func next() async throws -> ByteBuffer? {
                if bytes.readableBytes > 0 { return bytes.readSlice(length: bytes.readableBytes) }
                waiting.yield()
                let (never, _) = AsyncStream.makeStream(of: ByteBuffer.self)
                for await chunk in never { return chunk }
                return nil
            }
        }

        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(bytes: bytes, waiting: waiting) }
    }
}
