// SPDX-License-Identifier: Apache-2.0

import Crypto
import NIOCore
import Synchronization
import WireFormats

/// Counts and digests bytes on their way into a store and stops them at the limit.
///
/// The digest is computed while the store writes what came before, so it costs no extra pass.
final class MeteredBody: Sendable {
    private struct State {
        var size: Int64 = 0
        var md5 = Insecure.MD5()
        var crc = Checksum(.crc64nvme)
    }

    private let state = Mutex(State())
    private let limit: Int64

    /// - Parameter limit: in bytes.
    init(limit: Int64) { self.limit = limit }

    /// `body` with every byte passing through this meter.
    func stream(_ body: ByteStream) -> ByteStream { ByteStream(length: body.length, chunks: Metered(meter: self, base: body)) }

    /// What passed: asked once, after the stream ended. The checksums are in base64 by the names of their algorithms.
    func finish() -> (size: Int64, md5: String, checksums: [String: String]) {
        state.withLock { state in
            let crc = state.crc.value
            return (
                state.size, state.md5.finalize().map { byte in Self.hex[Int(byte)] }.joined(), [crc.algorithm.name: crc.base64]
            )
        }
    }

    private static let hex = (0..<256).map { value in (value < 16 ? "0" : "") + String(value, radix: 16) }

    private func take(_ chunk: ByteBuffer) throws {
        try state.withLock { state in
            state.size += Int64(chunk.readableBytes)
            guard state.size <= limit else { throw StorageError.tooLarge() }
            chunk.withUnsafeReadableBytes { bytes in
                state.md5.update(bufferPointer: bytes)
                state.crc.update(bytes)
            }
        }
    }

    private struct Metered: AsyncSequence, Sendable {
        typealias Failure = any Error
        let meter: MeteredBody
        let base: ByteStream

        struct AsyncIterator: AsyncIteratorProtocol {
            let meter: MeteredBody
            var base: any AsyncIteratorProtocol<ByteBuffer, any Error>

            mutating func next() async throws -> ByteBuffer? {
                guard let chunk = try await base.next(isolation: nil) else { return nil }
                try meter.take(chunk)
                return chunk
            }
        }

        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(meter: meter, base: Self.iterator(base.chunks)) }

        private static func iterator(
            _ chunks: some AsyncSequence<ByteBuffer, any Error>
        ) -> any AsyncIteratorProtocol<ByteBuffer, any Error> { chunks.makeAsyncIterator() }
    }
}
