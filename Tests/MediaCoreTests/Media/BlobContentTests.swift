// SPDX-License-Identifier: Apache-2.0

import MediaTesting
import NIOCore
import Synchronization
import Testing

@testable import MediaCore

/// Content that can be read only once, as what comes from far away.
struct BlobContentTests {
    private static let bytes = SampleData.bytes(10_000)

    private static func content(_ chunks: OnceOnly) -> BlobContent {
        BlobContent(source: .stream(ByteStream(length: 10_000, chunks: chunks)), size: 10_000, range: 0..<10_000)
    }

    @Test func theHeadIsStillInTheContent() async throws {
        let chunks = OnceOnly(Self.bytes)
        var content = Self.content(chunks)

        let head = try await content.readHead(1500)
        let all = try await content.allBytes()

        #expect(head.readableBytes >= 1500 && Self.bytes.readableBytesView.starts(with: head.readableBytesView))
        #expect(all == Self.bytes && chunks.reads == 1)
    }

    @Test func inMemoryItCanBeReadAgain() async throws {
        let chunks = OnceOnly(Self.bytes)

        let content = try await Self.content(chunks).inMemory()

        for _ in 0..<2 { #expect(try await content.stream().collected(upTo: 10_000) == Self.bytes) }
        #expect(chunks.reads == 1)
    }
}

/// Counts how often it is read from the beginning.
private final class OnceOnly: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    typealias Failure = any Error

    private let base: ByteStream
    private let count = Mutex(0)

    init(_ bytes: ByteBuffer) { base = SampleData.stream(bytes, chunkBytes: 1000) }

    var reads: Int { count.withLock { $0 } }

    func makeAsyncIterator() -> Iterator {
        count.withLock { $0 += 1 }
        return Iterator(base: Self.iterator(base.chunks))
    }

    private static func iterator(
        _ chunks: some AsyncSequence<ByteBuffer, any Error>
    ) -> any AsyncIteratorProtocol<ByteBuffer, any Error> { chunks.makeAsyncIterator() }

    struct Iterator: AsyncIteratorProtocol {
        var base: any AsyncIteratorProtocol<ByteBuffer, any Error>

        mutating func next() async throws -> ByteBuffer? { try await base.next(isolation: nil) }
    }
}
