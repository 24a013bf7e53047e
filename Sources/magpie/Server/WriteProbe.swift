// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Tells whether files can be written in a directory: permissions, a read-only mount and a full disk all show.
enum WriteProbe {
    /// One of its own: a probe that waits for a dead disk must not take a thread that reads of another disk need.
    private static let thread: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        return pool
    }()

    /// Writes a little and takes it away again.
    /// - Throws: `StorageError` with `.backendUnavailable`.
    static func run(in directory: String) async throws {
        try await thread.runIfActive {
            var name = Array((directory + "/.probe-XXXXXX").utf8CString)
            let descriptor = mkstemp(&name)
            guard descriptor >= 0 else { throw failure() }
            defer {
                close(descriptor)
                unlink(name)
            }
            let bytes = [UInt8](repeating: 0, count: 4096)
            guard write(descriptor, bytes, bytes.count) == bytes.count else { throw failure() }
        }
    }

    private static func failure() -> StorageError {
        StorageError(.backendUnavailable, "The blob store can't be written to: \(String(cString: strerror(errno)))")
    }
}
