// SPDX-License-Identifier: Apache-2.0

import CLinuxFiles
import Glibc
import NIOCore
import Synchronization

/// A file being written, under a name that no reader looks at. Used by one writer at a time, on disk threads.
final class TemporaryFile: Sendable {
    /// The most that is set aside for an announced body: a sender who announces terabytes must not take the disk.
    private static let mostPreallocatedBytes: Int64 = 64 * 1024 * 1024
    /// Below this nothing is set aside: it would only cost time.
    private static let leastPreallocatedBytes: Int64 = 4 * 1024 * 1024

    /// From the store's directory.
    let path: String
    let descriptor: CInt
    private let root: Directory
    private let write: DiskWrite.Call
    private let isOpen = Atomic(true)

    /// Makes the file.
    init(path: String, root: Directory, write: @escaping DiskWrite.Call) throws(LocalFileError) {
        self.path = path
        self.root = root
        self.write = write
        self.descriptor = try root.createFile(path)
    }

    deinit {
        // The paths below all end in `finish` or `discard`; this keeps a descriptor from leaking if one is ever added that does not.
        if isOpen.load(ordering: .relaxed) { close(descriptor) }
    }

    /// Sets space aside, so that a full disk shows early and the file lies together.
    func preallocate(_ length: Int64?) throws(LocalFileError) {
        guard let length, length >= Self.leastPreallocatedBytes else { return }
        do {
            try Directory.check("fallocate", path) {
                fallocate(descriptor, CLINUX_FALLOC_FL_KEEP_SIZE, 0, off_t(min(length, Self.mostPreallocatedBytes)))
            }
        } catch  where error.code == EOPNOTSUPP || error.code == ENOSYS {
            // Not every file system can; the writes themselves find out.
        }
    }

    func append(_ batch: WriteBatch) throws(LocalFileError) {
        var pieces = batch.pieces[...]
        while let first = pieces.popFirst() {
            // A batch of 512 KiB has few pieces, unless one is huge: then each goes out alone.
            try append(first)
        }
    }

    private func append(_ piece: ByteBuffer) throws(LocalFileError) {
        var written = 0
        while written < piece.readableBytes {
            let count = piece.withUnsafeReadableBytes { bytes in
                write(descriptor, UnsafeRawBufferPointer(rebasing: bytes[written...]))
            }
            if count < 0, errno != EINTR { throw LocalFileError(call: "write", code: errno, path: path) }
            written += max(0, count)
        }
    }

    /// Appends a whole file without passing its bytes through this process, sharing its blocks where the file system can.
    func append(contentsOf source: CInt, size: Int64) throws(LocalFileError) {
        var offset = 0
        while offset < size {
            let count = copy_file_range(source, &offset, descriptor, nil, min(Int(size) - offset, 1 << 30), 0)
            if count > 0 { continue }
            switch count == 0 ? EIO : errno {
            case EINTR: continue
            case EXDEV, EINVAL, ENOSYS, EOPNOTSUPP: try appendByReading(source, &offset, size)
            case let code: throw LocalFileError(call: "copy_file_range", code: code, path: path)
            }
        }
    }

    private func appendByReading(_ source: CInt, _ offset: inout Int, _ size: Int64) throws(LocalFileError) {
        var block = ByteBufferAllocator().buffer(capacity: 1024 * 1024)
        while offset < size {
            block.clear()
            let count = block.writeWithUnsafeMutableBytes(minimumWritableBytes: 1024 * 1024) { space in
                max(0, pread(source, space.baseAddress, min(Int(size) - offset, space.count), offset))
            }
            guard count > 0 else { throw LocalFileError(call: "pread", code: EIO, path: path) }
            try append(block)
            offset += count
        }
    }

    /// Makes the bytes survive a crash of the machine. The name does not yet.
    func synchronize() throws(LocalFileError) {
        try Directory.check("fdatasync", path) { fdatasync(descriptor) }
    }

    func status() throws(LocalFileError) -> FileStatus { try FileStatus(descriptor: descriptor, path: path) }

    /// The file has its final name.
    func finish() { closeOnce() }

    /// Removes the file, on the way out of a failure.
    func discard() {
        closeOnce()
        do {
            try root.remove(path)
        } catch {
            // The failure that led here is the one to report; the sweep removes the file later.
        }
    }

    private func closeOnce() {
        if isOpen.exchange(false, ordering: .relaxed) { close(descriptor) }
    }
}
