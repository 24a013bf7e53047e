// SPDX-License-Identifier: Apache-2.0

public import MediaCore
public import NIOCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension BlobContent {
    /// The bytes of `range`, whatever their source, for samples that fit in memory.
    public func collected() async throws -> ByteBuffer {
        try await stream(chunkBytes: 64 * 1024).collected()
    }

    /// The same bytes as a stream.
    public func stream(chunkBytes: Int) -> ByteStream {
        switch source {
        case .buffer(let buffer): SampleData.stream(buffer, chunkBytes: chunkBytes)
        case .stream(let stream): stream
        case .file(let file):
            ByteStream(
                length: Int64(range.count), chunks: FileChunks(file: file, range: range, chunkBytes: max(1, chunkBytes)))
        }
    }
}

/// A range of an open file, read by `pread`.
struct FileChunks: AsyncSequence, Sendable {
    typealias Failure = any Error
    let file: any BlobFile
    let range: Range<Int64>
    let chunkBytes: Int

    struct AsyncIterator: AsyncIteratorProtocol {
        let file: any BlobFile
        var offset: Int64
        let end: Int64
        let chunkBytes: Int

        mutating func next() async throws -> ByteBuffer? {
            let wanted = Int(Swift.min(Int64(chunkBytes), end - offset))
            guard wanted > 0 else { return nil }
            var buffer = ByteBufferAllocator().buffer(capacity: wanted)
            let count = try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: wanted) { pointer in
                let count = pread(file.descriptor, pointer.baseAddress, wanted, off_t(offset))
                guard count > 0 else { throw SampleFailure("pread returned \(count), errno \(errno)") }
                return count
            }
            offset += Int64(count)
            return buffer
        }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(file: file, offset: range.lowerBound, end: range.upperBound, chunkBytes: chunkBytes)
    }
}
