// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// The directory below which everything is kept.
struct DataDirectory: Sendable {
    /// Why it can't be used.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    let path: String

    /// Makes it where it is missing and checks that it can be written to.
    /// - Throws: `Failure`.
    func prepare() async throws {
        let path = path
        try await BlockingWork.run {
            do {
                // The private PostgreSQL may run as another user, who has to pass through; what lies inside is closed itself.
                try FileManager.default.createDirectory(
                    atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o711])
            } catch {
                throw Failure(description: "can't make the data directory \(path): choose another with --data-dir or MAGPIE_DATA_DIR")
            }
            try Self.probe(path)
        }
    }

    /// Writes a little into a directory and takes it away again: permissions, a read-only mount and a full disk all show.
    /// - Throws: `Failure`. Blocks.
    static func probe(_ directory: String) throws(Failure) {
        var name = Array((directory + "/.probe-XXXXXX").utf8CString)
        let descriptor = mkostemp(&name, O_CLOEXEC)
        guard descriptor >= 0 else { throw notWritable(directory) }
        defer {
            close(descriptor)
            unlink(name)
        }
        let bytes = [UInt8](repeating: 0, count: 4096)
        guard write(descriptor, bytes, bytes.count) == bytes.count else { throw notWritable(directory) }
    }

    private static func notWritable(_ directory: String) -> Failure {
        Failure(description: "the data directory \(directory) can't be written to: \(String(cString: strerror(errno)))")
    }
}
