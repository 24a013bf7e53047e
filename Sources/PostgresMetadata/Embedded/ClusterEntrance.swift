// SPDX-License-Identifier: Apache-2.0

/// How a program of PostgreSQL gets into its cluster, whatever lies above that.
///
/// The account Postgres runs under may have no right to pass through the directories above: a data directory in root's home,
/// say. So the directory is opened while we are who we are, and the program gets the open descriptor, which the kernel lets its
/// owner use without a walk along the path. The working directory can't serve for this: up to version 15, PostgreSQL goes back to
/// it by its path when it looks for its own binary.
struct ClusterEntrance: Sendable {
    /// What to name the cluster to the program. Postgres shows it as its `data_directory`.
    static let path = "/proc/self/fd/3"
    private static let script = "cd / && exec 3<\"$1\" && shift && exec \"$@\""

    let directory: String
    let account: ServerAccount?

    /// What goes in front of a command.
    var prefix: [String] { ["sh", "-c", Self.script, "magpie-cluster", directory] + (account?.prefix ?? []) }
}
