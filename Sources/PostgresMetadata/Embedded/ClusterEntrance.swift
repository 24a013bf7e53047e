// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How a program of PostgreSQL gets into its cluster, whatever lies above that.
///
/// The account Postgres runs under may have no right to pass through the directories above: a data directory in root's home,
/// say. So the directory is opened while we are who we are, and the program gets the open descriptor, which the kernel lets its
/// owner use without a walk along the path. The working directory can't serve for this: up to version 15, PostgreSQL goes back to
/// it by its path when it looks for its own binary.
///
/// The descriptor is locked as well. The lock belongs to what was opened, not to who opened it, so it lasts until the last process
/// that inherited the descriptor has ended: every process of the Postgres that came in this way.
struct ClusterEntrance: Sendable {
    /// What to name the cluster to the program. Postgres shows it as its `data_directory`.
    static let path = "/proc/self/fd/3"
    /// The lock is waited for because `isOccupied` takes it for a moment.
    private static let script = "cd / && exec 3<\"$1\" && flock -w 10 3 && shift && exec \"$@\""

    let directory: String
    let account: ServerAccount?

    /// What goes in front of a command.
    var prefix: [String] { ["sh", "-c", Self.script, "magpie-cluster", directory] + (account?.prefix ?? []) }
}

extension ClusterEntrance {
    /// Whether a program that came in, or a child of one, is alive; needs no right to look at its processes. Doesn't wait.
    /// - Throws: `EmbeddedPostgresError` of kind `.directory` when that can't be told.
    static func isOccupied(_ directory: String) throws(EmbeddedPostgresError) -> Bool {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return false }
            throw EmbeddedPostgresError(.directory, "can't open \(directory): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        // Shared, so that two who ask at once don't take each other for Postgres.
        if flock(descriptor, LOCK_SH | LOCK_NB) == 0 { return false }
        if errno == EWOULDBLOCK { return true }
        throw EmbeddedPostgresError(.directory, "can't lock \(directory): \(String(cString: strerror(errno)))")
    }
}
