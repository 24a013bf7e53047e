// SPDX-License-Identifier: Apache-2.0

import Glibc
import MediaCore
import NIOCore

/// An open file of the scratch.
final class OpenFile: Sendable {
    let descriptor: CInt

    /// Takes over a descriptor.
    init(_ descriptor: CInt) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    func status() throws(ScratchFailure) -> stat {
        var status = stat()
        try ScratchDirectory.check("fstat") { fstat(descriptor, &status) }
        return status
    }

    /// In bytes.
    func size() throws(ScratchFailure) -> Int64 { Int64(try status().st_size) }

    /// Writes all bytes at the end.
    func append(_ buffer: ByteBuffer) throws(ScratchFailure) {
        var rest = buffer
        while rest.readableBytes > 0 {
            let count = rest.withUnsafeReadableBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest.moveReaderIndex(forwardBy: count)
            } else if errno != EINTR {
                throw ScratchFailure(call: "write", code: errno)
            }
        }
    }

    /// Reads at most `count` bytes; none at the end.
    func read(at offset: Int64, count: Int) throws(ScratchFailure) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: count)
        while buffer.readableBytes < count {
            let done = buffer.readableBytes
            var failure: CInt = 0
            let read = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count - done) {
                let read = pread(descriptor, $0.baseAddress, count - done, __off_t(offset) + done)
                if read < 0 { failure = errno }
                return max(read, 0)
            }
            if failure != 0 && failure != EINTR { throw ScratchFailure(call: "read", code: failure) }
            if read == 0 && failure == 0 { break }
        }
        return buffer
    }
}

/// The bytes of a file, piece by piece.
struct FileChunks: AsyncSequence, Sendable {
    typealias Failure = any Error

    let file: OpenFile
    let length: Int64
    let threads: FileThreads

    struct AsyncIterator: AsyncIteratorProtocol {
        let chunks: FileChunks
        var offset: Int64 = 0

        mutating func next() async throws -> ByteBuffer? {
            let count = Int(Swift.min(Int64(FileChunks.chunk), chunks.length - offset))
            guard count > 0 else { return nil }
            let buffer = try await chunks.threads.run { [chunks, offset] in try chunks.file.read(at: offset, count: count) }
            guard buffer.readableBytes == count else {
                throw StorageError(.internal, "A file of the workspace became shorter")
            }
            offset += Int64(count)
            return buffer
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(chunks: self) }

    private static let chunk = 256 << 10
}
