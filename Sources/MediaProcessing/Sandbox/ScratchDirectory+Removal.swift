// SPDX-License-Identifier: Apache-2.0

import Glibc

extension ScratchDirectory {
    /// Removes a directory with everything in it, however deep it is and whatever its modes are.
    ///
    /// Directories inside of directories are first moved up, so that it takes neither a stack nor open files for each level. A tool that was
    /// just killed may make a last file meanwhile: that is found the next time round.
    func removeDirectory(_ name: String) throws(ScratchFailure) {
        let directory: ScratchDirectory
        do {
            directory = try openAny(name)
        } catch  where error.code == ENOENT {
            return
        }
        var serial = 0
        for _ in 0..<Self.mostRounds {
            for entry in try directory.names() { try directory.removeEntry(entry, &serial) }
            if unlinkat(descriptor, name, AT_REMOVEDIR) == 0 || errno == ENOENT { return }
            guard errno == ENOTEMPTY || errno == EEXIST else { throw ScratchFailure(call: "rmdir", code: errno) }
        }
        throw ScratchFailure(call: "rmdir", code: ENOTEMPTY)
    }

    /// Each takes a level of directories away. No tool can make so many in its time.
    private static let mostRounds = 1_000_000

    private func removeEntry(_ name: String, _ serial: inout Int) throws(ScratchFailure) {
        if unlinkat(descriptor, name, 0) == 0 || errno == ENOENT { return }
        guard errno == EISDIR || errno == EPERM else { throw ScratchFailure(call: "unlink", code: errno) }
        if unlinkat(descriptor, name, AT_REMOVEDIR) == 0 || errno == ENOENT { return }
        let inner = try openAny(name)
        for entry in try inner.names() {
            if unlinkat(inner.descriptor, entry, 0) == 0 || unlinkat(inner.descriptor, entry, AT_REMOVEDIR) == 0 { continue }
            repeat { serial += 1 } while faccessat(descriptor, "moved-\(serial)", F_OK, AT_SYMLINK_NOFOLLOW) == 0
            try Self.check("rename") { renameat(inner.descriptor, entry, descriptor, "moved-\(serial)") }
        }
        // Now or in the next round.
        _ = unlinkat(descriptor, name, AT_REMOVEDIR)
    }

    /// Opens a directory in this one, whatever it lets its owner do.
    private func openAny(_ name: String) throws(ScratchFailure) -> ScratchDirectory {
        do {
            return try ScratchDirectory(name, in: self).madeWritable()
        } catch  where error.code == EACCES {
            // By its place and not by its name, which a link could take over.
            let place = OpenFile(
                try Self.check("open") { openat(descriptor, name, Self.pathOnly | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) })
            try Self.check("chmod") { chmod("/proc/self/fd/\(place.descriptor)", 0o700) }
            return try ScratchDirectory(name, in: self)
        }
    }

    /// `O_PATH`, which the Glibc module lacks: asm-generic/fcntl.h.
    private static let pathOnly: CInt = 0o10_000_000

    private func madeWritable() throws(ScratchFailure) -> ScratchDirectory {
        try Self.check("chmod") { fchmod(descriptor, 0o700) }
        return self
    }
}
