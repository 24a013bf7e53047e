// SPDX-License-Identifier: Apache-2.0

import CUIO
import MediaCore
import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A range of an open file.
struct FilePart: Sendable {
    let file: any BlobFile
    let range: Range<Int64>
}

/// Reading blob files without ever waiting for the disk on a thread that others need.
///
/// What is in the page cache is copied on the spot: `preadv2` with `RWF_NOWAIT` says so instead of waiting, and a hop to
/// another thread costs more than the copy. What is not is read on the thread pool, as is everything on a file system that
/// does not know the flag.
enum FileReading {
    /// The bytes of `part` in one buffer. For parts that are small.
    /// - Throws: `StorageError` `.blobMissing` when the file ends before the part does, `.backendUnavailable` when the disk fails.
    static func read(_ part: FilePart) async throws -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(part.range.count)
        let cached = readCached(part, into: &buffer)
        guard cached < part.range.count else { return buffer }
        let rest = FilePart(file: part.file, range: part.range.lowerBound + Int64(cached)..<part.range.upperBound)
        let partial = buffer
        return try await NIOThreadPool.singleton.runIfActive {
            var whole = partial
            try readBlocking(rest, into: &whole)
            return whole
        }
    }

    /// The size of a file now, in bytes. - Throws: `StorageError` `.backendUnavailable`.
    static func size(of file: any BlobFile) throws -> Int64 {
        var status = stat()
        guard fstat(file.descriptor, &status) == 0 else {
            throw StorageError(
                .backendUnavailable, "The object's bytes can't be read", cause: IOError(errnoCode: errno, reason: "fstat"))
        }
        return Int64(status.st_size)
    }

    /// True when the first and the last page of a part are in memory, and so, nearly always, all of it.
    static func isCached(_ part: FilePart) -> Bool {
        guard let last = part.range.last else { return true }
        return probe(part.file, at: part.range.lowerBound) && probe(part.file, at: last)
    }

    /// Brings a part into memory, where the kernel can send it from without waiting. Blocks: for threads that may.
    /// - Throws: what `read` throws.
    static func fetch(_ part: FilePart) throws {
        try withUnsafeTemporaryAllocation(byteCount: scratchSize, alignment: 16) { scratch in
            var offset = part.range.lowerBound
            while offset < part.range.upperBound {
                let space = UnsafeMutableRawBufferPointer(rebasing: scratch.prefix(Int(part.range.upperBound - offset)))
                offset += Int64(try check(read(part.file.descriptor, space, at: offset, onlyCached: false)))
            }
        }
    }

    /// How many bytes a read has brought; 0 when it was interrupted.
    private static func check(_ count: Int) throws -> Int {
        if count > 0 { return count }
        if count == 0 { throw incomplete }
        let failure = errno
        guard failure == EINTR else {
            throw StorageError(
                .backendUnavailable, "The object's bytes can't be read", cause: IOError(errnoCode: failure, reason: "pread"))
        }
        return 0
    }

    /// The file ends before what is to be read from it does.
    static var incomplete: StorageError { StorageError(.blobMissing, "The object's bytes are incomplete") }

    /// How much is read at a time of what is only to be in memory, in bytes.
    private static let scratchSize = 128 << 10

    private static func probe(_ file: any BlobFile, at offset: Int64) -> Bool {
        var byte: UInt8 = 0
        return withUnsafeMutableBytes(of: &byte) { read(file.descriptor, $0, at: offset, onlyCached: true) == 1 }
    }

    private static func readCached(_ part: FilePart, into buffer: inout ByteBuffer) -> Int {
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: part.range.count) { space in
            let count = read(
                part.file.descriptor, UnsafeMutableRawBufferPointer(rebasing: space.prefix(part.range.count)),
                at: part.range.lowerBound, onlyCached: true)
            return max(0, count)
        }
    }

    private static func readBlocking(_ part: FilePart, into buffer: inout ByteBuffer) throws {
        var offset = part.range.lowerBound
        while offset < part.range.upperBound {
            let wanted = Int(part.range.upperBound - offset)
            offset += Int64(
                try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: wanted) { space in
                    try check(
                        read(
                            part.file.descriptor, UnsafeMutableRawBufferPointer(rebasing: space.prefix(wanted)), at: offset,
                            onlyCached: false))
                })
        }
    }

    private static func read(_ descriptor: CInt, _ space: UnsafeMutableRawBufferPointer, at offset: Int64, onlyCached: Bool)
        -> Int
    {
        var vector = iovec(iov_base: space.baseAddress, iov_len: space.count)
        return preadv2(descriptor, &vector, 1, off_t(offset), onlyCached ? CUIO_ONLY_CACHED : 0)
    }
}
