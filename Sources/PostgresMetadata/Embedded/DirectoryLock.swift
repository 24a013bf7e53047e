// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// Keeps a second server off a data directory, for as long as this one lives: the kernel lets go when the process ends.
final class DirectoryLock: Sendable {
    private let descriptor: Mutex<Int32>

    /// - Throws: `EmbeddedPostgresError` of kind `.inUse` when another holds it, `.directory` when the file can't be made. Blocks.
    init(file: String) throws(EmbeddedPostgresError) {
        let descriptor = open(file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw EmbeddedPostgresError(.directory, "can't open \(file): \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let holder = Self.read(descriptor)
            close(descriptor)
            throw EmbeddedPostgresError(
                .inUse, "another server\(holder.map { " (process \($0))" } ?? "") uses this data directory already")
        }
        self.descriptor = Mutex(descriptor)
        // For the message above only, so that a failure here does no harm.
        let text = "\(getpid())\n"
        _ = ftruncate(descriptor, 0)
        _ = pwrite(descriptor, text, text.utf8.count, 0)
    }

    func release() {
        descriptor.withLock { descriptor in
            if descriptor >= 0 { close(descriptor) }
            descriptor = -1
        }
    }

    deinit { release() }

    private static func read(_ descriptor: Int32) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        return Int32(String(decoding: bytes[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }
}
