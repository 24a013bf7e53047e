// SPDX-License-Identifier: Apache-2.0

import Glibc
import MediaCore

/// A system call on scratch files that failed. For the log.
struct ScratchFailure: Error, CustomStringConvertible {
    var call: String
    var code: CInt

    var description: String { "\(call): \(String(cString: strerror(code)))" }
}

/// An open directory for files that nobody misses, and the calls that take names in it. They never follow a link: what is in it may have
/// been made by a tool that a stranger controls.
final class ScratchDirectory: Sendable {
    /// Absolute.
    let path: String
    let descriptor: CInt

    /// Opens a directory of the operator's, making it, but not what is above it.
    init(path: String) throws(ScratchFailure) {
        self.path = path
        do {
            try Self.check("mkdir") { mkdir(path, 0o700) }
        } catch  where error.code == EEXIST {}
        descriptor = try Self.check("open") { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    }

    /// Opens a directory in another one.
    init(_ name: String, in parent: ScratchDirectory) throws(ScratchFailure) {
        path = parent.path + "/" + name
        descriptor = try Self.check("open") {
            openat(parent.descriptor, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
        }
    }

    deinit { close(descriptor) }

    func makeDirectory(_ name: String) throws(ScratchFailure) -> ScratchDirectory {
        try Self.check("mkdir") { mkdirat(descriptor, name, 0o700) }
        return try ScratchDirectory(name, in: self)
    }

    /// Gives the directory itself to another user.
    func give(to owner: uid_t) throws(ScratchFailure) {
        try Self.check("chown") { fchown(descriptor, owner, owner) }
    }

    /// Makes a file that must not exist yet. Whoever it is shown to may read it; nobody gets to it by this directory's path.
    func createFile(_ name: String) throws(ScratchFailure) -> OpenFile {
        let file = OpenFile(
            try Self.check("create") { openat(descriptor, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644) })
        try Self.check("chmod") { fchmod(file.descriptor, 0o644) }
        return file
    }

    /// Opens a regular file with one name, and nothing else.
    func openFile(_ name: String) throws(ScratchFailure) -> OpenFile {
        let file = OpenFile(
            try Self.check("open") { openat(descriptor, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) })
        let status = try file.status()
        guard status.st_mode & S_IFMT == S_IFREG, status.st_nlink == 1 else { throw ScratchFailure(call: "open", code: EINVAL) }
        return file
    }

    /// Takes a file out of another directory. - Returns: whether there was one.
    func take(_ name: String, from other: ScratchDirectory, as newName: String) throws(ScratchFailure) -> Bool {
        do {
            try Self.check("rename") { renameat(other.descriptor, name, descriptor, newName) }
            return true
        } catch  where error.code == ENOENT {
            return false
        }
    }

    func removeFile(_ name: String) throws(ScratchFailure) {
        do {
            try Self.check("unlink") { unlinkat(descriptor, name, 0) }
        } catch  where error.code == ENOENT {}
    }

    /// What is in it, unsorted: at most `limit` names.
    func names(limit: Int = .max) throws(ScratchFailure) -> [String] {
        // A descriptor of its own: reading moves the position that all copies of a descriptor share.
        let reading = try Self.check("open") { openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard let stream = fdopendir(reading) else {
            let failure = ScratchFailure(call: "opendir", code: errno)
            close(reading)
            throw failure
        }
        defer { closedir(stream) }
        var names: [String] = []
        while names.count < limit {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw ScratchFailure(call: "readdir", code: errno) }
                break
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    /// The bytes of the files in it. Nil when there is something that no tool has a reason to make: a directory, or hundreds of files.
    func size() throws(ScratchFailure) -> Int64? {
        let names = try names(limit: Self.mostFiles + 1)
        guard names.count <= Self.mostFiles else { return nil }
        var size: Int64 = 0
        for name in names {
            var status = stat()
            // It may be gone again.
            guard fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
            guard status.st_mode & S_IFMT != S_IFDIR else { return nil }
            size += Int64(status.st_size)
        }
        return size
    }

    private static let mostFiles = 256

    /// Takes the lock that dies with this object. - Returns: false when another process has it.
    func lock() throws(ScratchFailure) -> Bool {
        do {
            try Self.check("flock") { flock(descriptor, LOCK_EX | LOCK_NB) }
            return true
        } catch  where error.code == EWOULDBLOCK {
            return false
        }
    }

    /// Waits for the lock that dies with this object.
    func waitForLock() throws(ScratchFailure) {
        try Self.check("flock") { flock(descriptor, LOCK_EX) }
    }

    /// Makes a system call, again when a signal interrupts it.
    @discardableResult
    static func check(_ call: String, _ body: () -> CInt) throws(ScratchFailure) -> CInt {
        while true {
            let result = body()
            if result >= 0 { return result }
            let code = errno
            if code != EINTR { throw ScratchFailure(call: call, code: code) }
        }
    }
}
