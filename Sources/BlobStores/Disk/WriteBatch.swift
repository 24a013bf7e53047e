// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Chunks of a body gathered for one write.
struct WriteBatch: Sendable {
    /// Chunks below this size are copied together: a tiny chunk may hold on to a large buffer, and a write of many tiny
    /// pieces is slow.
    private static let smallChunkBytes = 16 * 1024
    private static let joinedBytes = 64 * 1024

    private(set) var pieces: [ByteBuffer] = []
    private(set) var byteCount = 0
    /// Whether the last piece is ours to append to.
    private var isJoining = false

    mutating func append(_ chunk: ByteBuffer) {
        byteCount += chunk.readableBytes
        guard chunk.readableBytes < Self.smallChunkBytes else {
            pieces.append(chunk)
            isJoining = false
            return
        }
        if !isJoining || pieces[pieces.count - 1].readableBytes + chunk.readableBytes > Self.joinedBytes {
            pieces.append(ByteBufferAllocator().buffer(capacity: Self.joinedBytes))
            isJoining = true
        }
        pieces[pieces.count - 1].writeImmutableBuffer(chunk)
    }
}
