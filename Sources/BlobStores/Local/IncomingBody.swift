// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore

/// A body being pulled from its sender, batch by batch, and checked against its announced length.
struct IncomingBody {
    let length: Int64?
    private var chunks: any AsyncIteratorProtocol<ByteBuffer, any Error>
    private let batchBytes: Int
    private var received: Int64 = 0
    private(set) var isAtEnd = false

    init(_ body: ByteStream, batchBytes: Int) {
        self.length = body.length
        self.chunks = body.chunks.makeAsyncIterator()
        self.batchBytes = batchBytes
    }

    /// Gathers chunks until there are enough for a write or the body ends.
    /// - Throws: the stream's own error; `.lengthMismatch`; `CancellationError`.
    mutating func nextBatch() async throws -> WriteBatch {
        var batch = WriteBatch()
        while batch.byteCount < batchBytes {
            guard let chunk = try await chunks.next() else {
                // Some streams simply end when their task is cancelled. That is no complete body.
                try Task.checkCancellation()
                isAtEnd = true
                if let length, length != received { throw Self.mismatch(length) }
                break
            }
            guard chunk.readableBytes > 0 else { continue }
            batch.append(chunk)
            received += Int64(chunk.readableBytes)
            if let length, received > length { throw Self.mismatch(length) }
        }
        return batch
    }

    private static func mismatch(_ length: Int64) -> StorageError {
        StorageError(.lengthMismatch, "The body does not have the announced length of \(length) bytes")
    }
}
