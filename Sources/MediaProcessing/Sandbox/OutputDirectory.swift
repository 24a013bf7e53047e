// SPDX-License-Identifier: Apache-2.0

import Glibc
import MediaCore

/// Where one run of a tool writes.
struct OutputDirectory: Sendable {
    let directory: ScratchDirectory
    /// Whom it was given to. Nil: this process's user.
    let owner: uid_t?
    let threads: FileThreads

    var path: String { directory.path }

    /// Returns when there is more in it than allowed, and looks often enough that it won't be much more.
    /// - Throws: `CancellationError`.
    func waitUntilPast(_ limit: Int64) async throws {
        while true {
            try await Task.sleep(for: Self.interval)
            let size = try await threads.run { [directory] in try directory.size() }
            guard let size, size <= limit else { return }
        }
    }

    private static let interval = Duration.milliseconds(50)
}
