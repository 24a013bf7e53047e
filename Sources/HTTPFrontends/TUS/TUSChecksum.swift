// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore
import Synchronization
import WireFormats

/// The `Upload-Checksum` field: a digest of the bytes of one request. TUS 1.0, checksum extension.
struct TUSChecksum: Hashable {
    let expected: ChecksumValue

    /// For `Tus-Checksum-Algorithm`.
    static let algorithms = "sha1,sha256,md5,crc32"

    /// - Throws: `TUSError.unsupportedChecksum`; `TUSError.invalidChecksum`.
    init(_ text: String) throws(TUSError) {
        let words = text.split(separator: " ")
        guard words.count == 2 else { throw .invalidChecksum }
        let algorithm: ChecksumAlgorithm
        switch words[0] {
        case "sha1": algorithm = .sha1
        case "sha256": algorithm = .sha256
        case "md5": algorithm = .md5
        case "crc32": algorithm = .crc32
        default: throw .unsupportedChecksum
        }
        guard let value = ChecksumValue(algorithm, base64: String(words[1])) else { throw .invalidChecksum }
        expected = value
    }

    /// The body with its digest computed on the way, and the comparison to make once it has passed.
    func watching(_ body: ByteStream) -> (body: ByteStream, verify: @Sendable () throws -> Void) {
        let digest = RunningDigest(expected.algorithm)
        let expected = self.expected
        return (
            ByteStream(length: body.length, chunks: Digesting(base: body.chunks, digest: digest)),
            {
                guard digest.value == expected else { throw StorageError(.digestMismatch, "Checksum mismatch") }
            }
        )
    }
}

private final class RunningDigest: Sendable {
    private let checksum: Mutex<Checksum>

    init(_ algorithm: ChecksumAlgorithm) { checksum = Mutex(Checksum(algorithm)) }

    func update(_ chunk: ByteBuffer) { checksum.withLock { $0.update(chunk) } }

    var value: ChecksumValue { checksum.withLock { $0.value } }
}

private struct Digesting: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    typealias Failure = any Error
    let base: any AsyncSequence<ByteBuffer, any Error> & Sendable
    let digest: RunningDigest

    struct AsyncIterator: AsyncIteratorProtocol {
        var base: any AsyncIteratorProtocol<ByteBuffer, any Error>
        let digest: RunningDigest

        mutating func next() async throws -> ByteBuffer? {
            guard let chunk = try await base.next() else { return nil }
            digest.update(chunk)
            return chunk
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: base.makeAsyncIterator(), digest: digest) }
}
