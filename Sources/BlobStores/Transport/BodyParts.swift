// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore
import WireFormats

/// A body cut into parts of one size, all but the last.
struct BodyParts {
    private let length: Int64?
    private let partBytes: Int
    private var chunks: any AsyncIteratorProtocol<ByteBuffer, any Error>
    private var received: Int64 = 0
    /// What came beyond the end of the part before.
    private var rest = ByteBuffer()
    /// Whether nothing follows the part that was given last.
    private(set) var isAtEnd = false
    /// Of the parts given so far.
    private(set) var digest: Checksum?

    /// - Parameter digest: what the whole is to be known by, if by anything.
    init(_ body: ByteStream, partBytes: Int, digest: ChecksumAlgorithm? = nil) {
        self.digest = digest.map(Checksum.init)
        length = body.length
        self.partBytes = partBytes
        chunks = body.chunks.makeAsyncIterator()
    }

    /// How large parts have to be so that a body of that length has at most `most`, in whole MiB and at least `least` bytes.
    static func partBytes(for length: Int64?, atLeast least: Int, most: Int) -> Int {
        let needed = Int(((length ?? 0) / Int64(most - 1)) + 1)
        return max(least, (needed + 0xFFFFF) & ~0xFFFFF)
    }

    /// Nil once the body is over.
    /// - Throws: the body's own error; `StorageError` with `.lengthMismatch`; `CancellationError`.
    mutating func next() async throws -> ByteBuffer? {
        guard !isAtEnd else { return nil }
        var part = rest
        rest = ByteBuffer()
        while part.readableBytes <= partBytes {
            guard let chunk = try await chunks.next(isolation: nil) else {
                try end()
                break
            }
            received += Int64(chunk.readableBytes)
            if let length, received > length { throw Self.mismatch(length) }
            let left = length.map { Int(min($0 - received, Int64(partBytes))) } ?? 0
            part.gather(chunk, of: min(part.readableBytes + chunk.readableBytes + left, partBytes + chunk.readableBytes))
        }
        if part.readableBytes > partBytes {
            // Read on, so that it is known whether this part is the last.
            let first = part.readSlice(length: partBytes)
            rest = part
            isAtEnd = false
            if let first { digest?.update(first) }
            return first
        }
        digest?.update(part)
        return part
    }

    /// Sends all parts, a few at a time: `first`, which was taken already, and what follows.
    /// - Returns: what `send` returned, in the order of the parts, how many bytes there were, and their digest.
    static func send<Receipt: Sendable>(
        _ first: ByteBuffer, _ rest: BodyParts, concurrently width: Int, most: Int,
        _ send: @escaping @Sendable (ByteBuffer, Int) async throws -> Receipt
    ) async throws -> (receipts: [Receipt], size: Int64, digest: ChecksumValue?) {
        var rest = rest
        return try await withThrowingTaskGroup(of: (Int, Receipt).self) { group in
            var receipts: [Int: Receipt] = [:]
            var size: Int64 = 0
            var part: ByteBuffer? = first
            var number = 0
            while let bytes = part {
                number += 1
                guard number <= most else { throw StorageError.tooLarge() }
                size += Int64(bytes.readableBytes)
                if number > width, let (done, receipt) = try await group.next() { receipts[done] = receipt }
                group.addTask { [number] in (number, try await send(bytes, number)) }
                part = try await rest.next()
            }
            for try await (done, receipt) in group { receipts[done] = receipt }
            return ((1...number).compactMap { receipts[$0] }, size, rest.digest?.value)
        }
    }

    private mutating func end() throws {
        // Some streams simply end when their task is cancelled. That is no complete body.
        try Task.checkCancellation()
        isAtEnd = true
        if let length, length != received { throw Self.mismatch(length) }
    }

    private static func mismatch(_ length: Int64) -> StorageError {
        StorageError(.lengthMismatch, "The body does not have the announced length of \(length) bytes")
    }
}

extension ByteBuffer {
    /// Appends a piece of something of which `count` bytes are expected in all. What comes in one piece is not copied, and nothing more than
    /// once.
    mutating func gather(_ piece: ByteBuffer, of count: Int) {
        guard readableBytes > 0 else {
            self = piece
            return
        }
        reserveCapacity(minimumWritableBytes: max(piece.readableBytes, count - readableBytes))
        writeImmutableBuffer(piece)
    }
}
