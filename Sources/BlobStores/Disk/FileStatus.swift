// SPDX-License-Identifier: Apache-2.0

import Glibc
import MediaCore

/// What `stat` says of a file, as far as a blob store asks.
struct FileStatus {
    let isRegularFile: Bool
    let isDirectory: Bool
    /// In bytes.
    let size: Int64
    /// When its bytes were last written.
    let writtenAt: Timestamp
    /// When the file, or one of its names, last changed.
    let changedAt: Timestamp
    /// How many names the file has.
    let links: UInt64
    private let inode: UInt64
    private let writtenNanoseconds: Int64

    init(_ status: stat) {
        isRegularFile = status.st_mode & S_IFMT == S_IFREG
        isDirectory = status.st_mode & S_IFMT == S_IFDIR
        size = Int64(status.st_size)
        writtenAt = Self.timestamp(status.st_mtim)
        changedAt = Self.timestamp(status.st_ctim)
        links = UInt64(status.st_nlink)
        inode = UInt64(status.st_ino)
        writtenNanoseconds = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
    }

    init(descriptor: CInt, path: String) throws(LocalFileError) {
        var status = stat()
        try Directory.check("fstat", path) { fstat(descriptor, &status) }
        self.init(status)
    }

    /// Tells this file from any that had its name before. The clock of a file system may stand still for milliseconds, but
    /// a file that replaces another is made while the other still is there, so their inodes differ.
    var tag: String { String(inode, radix: 16) + "-" + String(UInt64(bitPattern: writtenNanoseconds), radix: 16) }

    func isSameFile(as other: FileStatus) -> Bool { inode == other.inode }

    /// A blob is as old as its youngest name: a copy is a new name of an old file, and upkeep must not take it for an old
    /// blob that was forgotten.
    func info(_ key: BlobKey) -> BlobInfo { BlobInfo(key: key, size: size, modifiedAt: changedAt) }

    private static func timestamp(_ time: timespec) -> Timestamp {
        Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }
}
