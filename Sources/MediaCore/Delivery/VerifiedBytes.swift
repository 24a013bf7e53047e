// SPDX-License-Identifier: Apache-2.0

import NIOCore
import WireFormats

/// The bytes of a whole blob out of a remote backend, compared on their way with the checksum that was kept when they were stored.
///
/// The last chunk is held back until the checksum is known: a reader gets all of the right bytes, or never the end of the wrong ones.
struct VerifiedBytes: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    typealias Failure = any Error

    let base: ByteStream
    /// In bytes.
    let size: Int64
    let expected: ChecksumValue

    struct AsyncIterator: AsyncIteratorProtocol {
        var chunks: any AsyncIteratorProtocol<ByteBuffer, any Error>
        let size: Int64
        let expected: ChecksumValue
        var checksum: Checksum
        var received: Int64 = 0

        mutating func next() async throws -> ByteBuffer? {
            guard let chunk = try await chunks.next(isolation: nil) else { return nil }
            checksum.update(chunk)
            received += Int64(chunk.readableBytes)
            if received >= size { try VerifiedBytes.require(checksum.value, expected) }
            return chunk
        }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(
            chunks: Self.iterator(base.chunks), size: size, expected: expected, checksum: Checksum(expected.algorithm))
    }

    private static func iterator(
        _ chunks: some AsyncSequence<ByteBuffer, any Error>
    ) -> any AsyncIteratorProtocol<ByteBuffer, any Error> { chunks.makeAsyncIterator() }

    private static func require(_ found: ChecksumValue, _ expected: ChecksumValue) throws {
        guard found == expected else {
            throw StorageError(.backendUnavailable, "The storage backend sent other bytes than were stored")
        }
    }

    /// `content`, verified as it is read. As it is where no such checksum was kept.
    /// - Throws: `StorageError` with `.backendUnavailable` for bytes at hand that are wrong.
    static func verifying(_ content: BlobContent, of blob: BlobLocation) throws -> BlobContent {
        guard let text = blob.checksums[ChecksumAlgorithm.crc64nvme.name],
            let expected = ChecksumValue(.crc64nvme, base64: text), content.range.count == blob.size, blob.size > 0
        else { return content }
        var content = content
        switch content.source {
        case .buffer(let buffer): try require(Checksum.of(buffer.readableBytesView, .crc64nvme), expected)
        case .stream(let stream):
            content.source = .stream(
                ByteStream(
                    length: stream.length, chunks: VerifiedBytes(base: stream, size: blob.size, expected: expected)))
        case .file: break
        }
        return content
    }
}
