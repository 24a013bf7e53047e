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
    let damage: StorageError

    struct AsyncIterator: AsyncIteratorProtocol {
        var chunks: any AsyncIteratorProtocol<ByteBuffer, any Error>
        let size: Int64
        let expected: ChecksumValue
        let damage: StorageError
        var checksum: Checksum
        var received: Int64 = 0

        mutating func next() async throws -> ByteBuffer? {
            guard let chunk = try await chunks.next(isolation: nil) else { return nil }
            checksum.update(chunk)
            received += Int64(chunk.readableBytes)
            if received >= size, checksum.value != expected { throw damage }
            return chunk
        }
    }

    /// What the bytes must digest to. The checksum that is faster to compute, where both are known.
    private static func digest(of blob: BlobLocation) -> ChecksumValue? {
        if let text = blob.checksums[ChecksumAlgorithm.crc64nvme.name], let value = ChecksumValue(.crc64nvme, base64: text) {
            return value
        }
        return blob.md5.flatMap { ChecksumValue(.md5, hexadecimal: $0) }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(
            chunks: Self.iterator(base.chunks), size: size, expected: expected, damage: damage,
            checksum: Checksum(expected.algorithm))
    }

    private static func iterator(
        _ chunks: some AsyncSequence<ByteBuffer, any Error>
    ) -> any AsyncIteratorProtocol<ByteBuffer, any Error> { chunks.makeAsyncIterator() }

    /// `content`, verified as it is read. As it is where no such checksum was kept.
    /// - Parameter damage: what is thrown for wrong bytes; here for those at hand, else by who reads them.
    static func verifying(
        _ content: BlobContent, of blob: BlobLocation, orThrow damage: StorageError = .wrongBytes
    ) throws -> BlobContent {
        guard let expected = Self.digest(of: blob), content.range.count == blob.size, blob.size > 0 else { return content }
        var content = content
        switch content.source {
        case .buffer(let buffer):
            guard Checksum.of(buffer.readableBytesView, expected.algorithm) == expected else { throw damage }
        case .stream(let stream):
            content.source = .stream(
                ByteStream(
                    length: stream.length,
                    chunks: VerifiedBytes(base: stream, size: blob.size, expected: expected, damage: damage)))
        case .file: break
        }
        return content
    }
}

extension StorageError {
    fileprivate static var wrongBytes: StorageError {
        StorageError(.backendUnavailable, "The storage backend sent other bytes than were stored")
    }
}
