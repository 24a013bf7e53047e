// SPDX-License-Identifier: Apache-2.0

public import MediaCore
public import NIOCore

/// Bytes and streams for tests: the same for the same arguments, on every machine.
public enum SampleData {
    /// `count` bytes that look random and depend on `seed` only; a shorter sample is a prefix of a longer one.
    public static func bytes(_ count: Int, seed: UInt64 = 1) -> ByteBuffer {
        var generator = SeededGenerator(seed: seed)
        var buffer = ByteBufferAllocator().buffer(capacity: (count + 7) / 8 * 8)
        for _ in 0..<(count + 7) / 8 { buffer.writeInteger(generator.next(), endianness: .little) }
        buffer.moveWriterIndex(to: count)
        return buffer
    }

    /// A stream of `bytes`, cut into chunks of `chunkBytes`.
    /// - Parameter announced: the length the stream claims. Nil: it claims none. The default is the truth.
    public static func stream(_ bytes: ByteBuffer, chunkBytes: Int, announced: Announcement = .truth) -> ByteStream {
        ByteStream(
            length: announced.length(of: bytes.readableBytes), chunks: SampleChunks(bytes: bytes, chunkBytes: chunkBytes))
    }

    /// A stream of `count` sample bytes, made as it is read: nothing is held whole.
    public static func stream(_ count: Int, seed: UInt64 = 1, chunkBytes: Int, announced: Announcement = .truth) -> ByteStream {
        let block = bytes(min(count, max(chunkBytes, 1)), seed: seed)
        return ByteStream(length: announced.length(of: count), chunks: RepeatedChunks(block: block, count: count))
    }

    /// A stream that delivers `failure` once the first `goodBytes` of `bytes` went through.
    public static func stream(
        _ bytes: ByteBuffer, chunkBytes: Int, failingAfter goodBytes: Int, with failure: any Error = SampleFailure()
    ) -> ByteStream {
        let whole = SampleChunks(bytes: bytes, chunkBytes: chunkBytes)
        return ByteStream(
            length: Int64(bytes.readableBytes), chunks: FailingChunks(base: whole, goodBytes: goodBytes, failure: failure))
    }

    /// What a stream says of its own length.
    public enum Announcement: Sendable {
        case truth, nothing
        case exactly(Int64)

        func length(of count: Int) -> Int64? {
            switch self {
            case .truth: Int64(count)
            case .nothing: nil
            case .exactly(let length): length
            }
        }
    }
}

/// The error of streams and stores that fail on purpose.
public struct SampleFailure: Error, Hashable, Sendable {
    public var name: String
    public init(_ name: String = "injected") { self.name = name }
}

extension ByteStream {
    /// Everything the stream holds, for samples that fit in memory.
    public func collected() async throws -> ByteBuffer {
        var all = ByteBuffer()
        for try await chunk in chunks { all.writeImmutableBuffer(chunk) }
        return all
    }

    /// The same stream, failing with `failure` after its first `goodBytes` bytes.
    public func failing(afterBytes goodBytes: Int, with failure: any Error) -> ByteStream {
        ByteStream(length: length, chunks: FailingChunks(base: chunks, goodBytes: goodBytes, failure: failure))
    }
}

/// Slices of one buffer.
struct SampleChunks: AsyncSequence, Sendable {
    typealias Failure = any Error
    let bytes: ByteBuffer
    let chunkBytes: Int

    struct AsyncIterator: AsyncIteratorProtocol {
        var rest: ByteBuffer
        let chunkBytes: Int

        mutating func next() async throws -> ByteBuffer? {
            try Task.checkCancellation()
            return rest.readSlice(length: Swift.min(chunkBytes, rest.readableBytes)).flatMap { $0.readableBytes > 0 ? $0 : nil }
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(rest: bytes, chunkBytes: Swift.max(1, chunkBytes)) }
}

/// One block again and again until `count` bytes went through.
struct RepeatedChunks: AsyncSequence, Sendable {
    typealias Failure = any Error
    let block: ByteBuffer
    let count: Int

    struct AsyncIterator: AsyncIteratorProtocol {
        let block: ByteBuffer
        var left: Int

        mutating func next() async throws -> ByteBuffer? {
            try Task.checkCancellation()
            guard left > 0 else { return nil }
            let size = Swift.min(left, block.readableBytes)
            left -= size
            return block.getSlice(at: block.readerIndex, length: size)
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(block: block, left: count) }
}

/// The chunks of `base`, cut off by an error.
struct FailingChunks: AsyncSequence, Sendable {
    typealias Failure = any Error
    let base: any AsyncSequence<ByteBuffer, any Error> & Sendable
    let goodBytes: Int
    let failure: any Error

    struct AsyncIterator: AsyncIteratorProtocol {
        var base: any AsyncIteratorProtocol<ByteBuffer, any Error>
        var left: Int
        let failure: any Error

        mutating func next() async throws -> ByteBuffer? {
            guard left > 0 else { throw failure }
            guard let chunk = try await base.next() else { throw failure }
            let size = Swift.min(left, chunk.readableBytes)
            left -= size
            return chunk.getSlice(at: chunk.readerIndex, length: size)
        }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(base: base.makeAsyncIterator(), left: goodBytes, failure: failure)
    }
}
