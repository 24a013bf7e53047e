// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Reads files in directories of the account that Postgres runs under.
///
/// That account could have put anything there: a link to a file that only we may read, or a pipe on which a reader waits for ever.
enum AccountFile {
    /// The text of a regular file, of a long one its last `limit` bytes; nil when there is no file. Blocks.
    /// - Throws: `EmbeddedPostgresError` of kind `.directory` when it is anything else or can't be read.
    static func text(_ path: String, limit: Int = 65_536) throws(EmbeddedPostgresError) -> String? {
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw EmbeddedPostgresError(.directory, "can't read \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw EmbeddedPostgresError(.directory, "\(path) is not a regular file")
        }
        var bytes = [UInt8](repeating: 0, count: min(limit, Int(status.st_size)))
        let count = pread(descriptor, &bytes, bytes.count, status.st_size - off_t(bytes.count))
        guard count >= 0 else {
            throw EmbeddedPostgresError(.directory, "can't read \(path): \(String(cString: strerror(errno)))")
        }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}
