// SPDX-License-Identifier: Apache-2.0

import CLinuxFiles
import Glibc

/// An open directory and the system calls that take names in it. Each throws `LocalFileError`.
///
/// Everything a store does goes through the directory it opened at the start: a disk that is unmounted under a running
/// server can't be confused with the empty directory it was mounted on.
final class Directory: Sendable {
    let descriptor: CInt
    /// Relative to the store's directory, for errors.
    private let path: String

    /// - Parameter path: from the working directory.
    init(path: String) throws(LocalFileError) {
        self.descriptor = try Self.check("open", "") { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        self.path = ""
    }

    /// - Parameter name: of a directory in `parent`; symbolic links are refused.
    init(_ name: String, in parent: Directory) throws(LocalFileError) {
        let path = parent.describe(name)
        self.descriptor = try Self.check("open", path) {
            openat(parent.descriptor, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
        }
        self.path = path
    }

    /// A directory in `parent`, or nil when there is none of that name.
    static func ifPresent(_ name: String, in parent: Directory) throws(LocalFileError) -> Directory? {
        do throws(LocalFileError) {
            return try Directory(name, in: parent)
        } catch {
            guard error.code == ENOENT || error.code == ENOTDIR else { throw error }
            return nil
        }
    }

    deinit { close(descriptor) }

    func openForReading(_ name: String) throws(LocalFileError) -> CInt {
        try Self.check("open", describe(name)) { openat(descriptor, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) }
    }

    /// Makes a file that must not exist yet and opens it for writing.
    func createFile(_ name: String) throws(LocalFileError) -> CInt {
        try Self.check("create", describe(name)) {
            openat(descriptor, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o640)
        }
    }

    /// Opens a file for writing, making it when there is none.
    func openForWriting(_ name: String) throws(LocalFileError) -> CInt {
        try Self.check("open", describe(name)) {
            openat(descriptor, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o640)
        }
    }

    func status(_ name: String) throws(LocalFileError) -> FileStatus {
        var status = stat()
        try Self.check("stat", describe(name)) { fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) }
        return FileStatus(status)
    }

    /// - Returns: whether the directory is new.
    @discardableResult
    func makeDirectory(_ name: String) throws(LocalFileError) -> Bool {
        do {
            try Self.check("mkdir", describe(name)) { mkdirat(descriptor, name, 0o750) }
            return true
        } catch  where error.code == EEXIST {
            return false
        }
    }

    /// - Returns: whether there was something to remove.
    @discardableResult
    func remove(_ name: String, isDirectory: Bool = false) throws(LocalFileError) -> Bool {
        do {
            try Self.check("unlink", describe(name)) { unlinkat(descriptor, name, isDirectory ? AT_REMOVEDIR : 0) }
            return true
        } catch  where error.code == ENOENT {
            return false
        }
    }

    /// Gives a file a further name, failing with EEXIST when it is taken.
    func link(_ name: String, to newName: String) throws(LocalFileError) {
        try Self.check("link", describe(newName)) { linkat(descriptor, name, descriptor, newName, 0) }
    }

    /// Renames a file, replacing what has the new name.
    func rename(_ name: String, to newName: String) throws(LocalFileError) {
        try Self.check("rename", describe(newName)) { renameat(descriptor, name, descriptor, newName) }
    }

    /// Renames a file, failing with EEXIST when the new name is taken.
    func renameExclusively(_ name: String, to newName: String) throws(LocalFileError) {
        do {
            try Self.check("rename", describe(newName)) {
                renameat2(descriptor, name, descriptor, newName, CLINUX_RENAME_NOREPLACE)
            }
        } catch  where error.code == EINVAL || error.code == ENOSYS {
            // File systems without RENAME_NOREPLACE (NFS): a link is exclusive everywhere.
            try link(name, to: newName)
            try remove(name)
        }
    }

    /// Makes the names in this directory survive a crash of the machine.
    func synchronize() throws(LocalFileError) {
        try Self.check("fsync", path) { fsync(descriptor) }
    }

    /// The names in the directory, unsorted, without `.` and `..`.
    func names() throws(LocalFileError) -> [String] {
        // A descriptor of its own: reading moves the position that all copies of a descriptor share.
        let reading = try Self.check("open", path) { openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard let stream = fdopendir(reading) else {
            let error = LocalFileError(call: "opendir", code: errno, path: path)
            close(reading)
            throw error
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw LocalFileError(call: "readdir", code: errno, path: path) }
                return names
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
    }

    /// Takes the lock that dies with this object. - Returns: false when someone else has it and `waiting` is false.
    func lock(waiting: Bool) throws(LocalFileError) -> Bool {
        do {
            try Self.check("flock", path) { flock(descriptor, waiting ? LOCK_EX : LOCK_EX | LOCK_NB) }
            return true
        } catch  where error.code == EWOULDBLOCK {
            return false
        }
    }

    /// Gives the lock back before this object dies.
    func unlock() throws(LocalFileError) { try Self.check("flock", path) { flock(descriptor, LOCK_UN) } }

    func describe(_ name: String) -> String { path.isEmpty ? name : "\(path)/\(name)" }

    /// Makes a system call, again when a signal interrupts it.
    @discardableResult
    static func check(_ call: String, _ path: String, _ body: () -> CInt) throws(LocalFileError) -> CInt {
        while true {
            let result = body()
            if result >= 0 { return result }
            let code = errno
            if code != EINTR { throw LocalFileError(call: call, code: code, path: path) }
        }
    }
}
