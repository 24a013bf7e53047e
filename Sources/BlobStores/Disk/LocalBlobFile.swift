// SPDX-License-Identifier: Apache-2.0

import Glibc
import MediaCore
import NIOCore

/// A blob's file, open for reading until the last reference goes.
final class LocalBlobFile: BlobFile {
    static let chunkBytes: Int64 = 256 * 1024

    let descriptor: CInt
    private let threads: DiskThreads

    /// Takes the descriptor over.
    init(descriptor: CInt, threads: DiskThreads) {
        self.descriptor = descriptor
        self.threads = threads
    }

    deinit { close(descriptor) }

    func stream(_ range: Range<Int64>) -> ByteStream {
        ByteStream(length: Int64(range.count), chunks: FileChunks(file: self, range: range))
    }

    /// Fills one buffer. Blocks.
    func read(_ range: Range<Int64>) throws -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: range.count)
        while buffer.readableBytes < range.count {
            let code = readOnce(range, into: &buffer)
            if code != 0, code != EINTR { throw LocalFileError(call: "pread", code: code, path: "") }
        }
        return buffer
    }

    /// One `pread` of what `buffer` lacks of `range`. - Returns: 0, or what went wrong.
    private func readOnce(_ range: Range<Int64>, into buffer: inout ByteBuffer) -> CInt {
        let missing = range.count - buffer.readableBytes
        let offset = off_t(range.lowerBound) + off_t(buffer.readableBytes)
        let count = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: missing) { space in
            max(0, pread(descriptor, space.baseAddress, missing, offset))
        }
        guard count == 0 else { return 0 }
        // Nothing came: an error, or the end of the file where there should be more, which is a file that someone cut short.
        var byte: UInt8 = 0
        return pread(descriptor, &byte, 1, offset) < 0 ? errno : EIO
    }

    fileprivate func readOnDiskThread(_ range: Range<Int64>) async throws -> ByteBuffer {
        do {
            return try await threads.run { try self.read(range) }
        } catch {
            throw LocalErrorMapping.mapped(error)
        }
    }
}

/// A range of a file, chunk by chunk.
private struct FileChunks: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    typealias Failure = any Error

    let file: LocalBlobFile
    let range: Range<Int64>

    struct AsyncIterator: AsyncIteratorProtocol {
        let file: LocalBlobFile
        var rest: Range<Int64>

        mutating func next() async throws -> ByteBuffer? {
            guard !rest.isEmpty else { return nil }
            let end = Swift.min(rest.lowerBound + LocalBlobFile.chunkBytes, rest.upperBound)
            let part = rest.lowerBound..<end
            rest = end..<rest.upperBound
            return try await file.readOnDiskThread(part)
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(file: file, rest: range) }
}
