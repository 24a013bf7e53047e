// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import Subprocess

/// Everything that is decided before Postgres starts.
struct Launch: Sendable {
    let directory: ClusterDirectory
    let sockets: SocketDirectory
    let supervisor: Supervisor

    /// Finds the programs, makes the cluster where there is none, and a place for the socket.
    static func prepare(
        _ configuration: EmbeddedPostgresConfiguration, directory: ClusterDirectory, account: ServerAccount?, logger: Logger
    ) async throws -> Launch {
        let binaries = try await BlockingWork.run {
            try PostgresBinaries.find(setting: configuration.binaryDirectory, for: directory.majorVersion())
        }
        if await BlockingWork.run({ !directory.exists }) {
            logger.info("making a new Postgres cluster", metadata: ["directory": "\(directory.cluster)"])
            try await initialise(directory, binaries, account, configuration.durability)
        }
        let sockets = try await BlockingWork.run {
            try directory.makeSocketDirectory(temporaryRoot: FileManager.default.temporaryDirectory.path)
        }
        if sockets.isTemporary {
            logger.notice(
                "the data directory's path is too long for a unix socket, so that of Postgres is elsewhere",
                metadata: ["directory": "\(sockets.path)"])
        }
        let entrance = ClusterEntrance(directory: directory.cluster, account: account)
        let command = [binaries.postgres, "-D", ClusterEntrance.path] + settings(configuration, sockets)
        let supervisor = Supervisor(entrance: entrance, command: command, socketDirectory: sockets)
        return Launch(directory: directory, sockets: sockets, supervisor: supervisor)
    }

    /// Makes a cluster beside its place and moves it there, so that a crash never leaves half of one.
    private static func initialise(
        _ directory: ClusterDirectory, _ binaries: PostgresBinaries, _ account: ServerAccount?,
        _ durability: EmbeddedPostgresConfiguration.Durability
    ) async throws {
        try await removeRemains(directory.unfinishedCluster)
        try await BlockingWork.run { try directory.makeUnfinishedCluster() }
        let entrance = ClusterEntrance(directory: directory.unfinishedCluster, account: account)
        // Trust is as good as the directory of the socket, which nobody else can enter.
        var words =
            entrance.prefix + [
                binaries.initdb, "-D", ClusterEntrance.path, "-U", "postgres", "--auth=trust", "--encoding=UTF8",
                "--locale=C.UTF-8", "--no-instructions",
            ]
        if durability == .none { words.append("--no-sync") }
        let result = try await Subprocess.run(
            .name(words[0]), arguments: Arguments(Array(words.dropFirst())), environment: Supervisor.environment,
            output: .string(limit: 65_536), error: .combinedWithOutput)
        guard result.terminationStatus.isSuccess else {
            throw EmbeddedPostgresError(.initialisation, "initdb failed (\(result.terminationStatus)):\n\(result.standardOutput)")
        }
        try await BlockingWork.run { try directory.adoptUnfinishedCluster() }
    }

    /// Removes what a crashed initialisation left. `rm` never follows a link, not even one that is put there meanwhile.
    private static func removeRemains(_ path: String) async throws {
        let result = try await Subprocess.run(
            .name("rm"), arguments: ["-rf", "--", path], environment: Supervisor.environment,
            output: .string(limit: 65_536), error: .combinedWithOutput)
        guard result.terminationStatus.isSuccess else {
            throw EmbeddedPostgresError(.directory, "can't remove \(path): \(result.standardOutput)")
        }
    }

    private static func settings(
        _ configuration: EmbeddedPostgresConfiguration, _ sockets: SocketDirectory
    ) -> [String] {
        var settings: [(String, String)] = [
            ("listen_addresses", ""), ("port", "\(SocketDirectory.port)"), ("unix_socket_permissions", "0700"),
            // A list in its own syntax, in which a quoted name may hold anything.
            ("unix_socket_directories", "\"" + sockets.pathFromCluster.replacingOccurrences(of: "\"", with: "\"\"") + "\""),
            ("max_connections", "\(configuration.maxConnections)"), ("shared_buffers", "128MB"),
            // Short statements of many callers: neither compiling nor parallel workers pay.
            ("jit", "off"), ("max_parallel_workers_per_gather", "0"), ("max_worker_processes", "4"),
            ("autovacuum_max_workers", "2"), ("random_page_cost", "1.1"), ("wal_compression", "on"), ("min_wal_size", "80MB"),
            ("max_wal_size", "1GB"),
            // Plans made for the empty tables of a first start read too much soon; the first statistics put an end to them.
            ("autovacuum_naptime", "10s"),
        ]
        // A week of logs, each day's file overwritten after seven. Neither statements nor refused ones, which hold users' data
        // and come as often as clients like.
        settings += [
            ("logging_collector", "on"), ("log_destination", "stderr"), ("log_directory", "../log"),
            ("log_filename", "postgres-%a.log"), ("log_file_mode", "0600"), ("log_rotation_age", "1d"),
            ("log_rotation_size", "0"), ("log_truncate_on_rotation", "on"), ("log_min_messages", "log"),
            ("log_min_error_statement", "panic"), ("log_error_verbosity", "terse"), ("log_statement", "none"),
            ("log_checkpoints", "off"), ("log_autovacuum_min_duration", "-1"),
        ]
        if configuration.durability == .none {
            // Commits stay synchronous: without fsync they only write, which costs less than to wake the process that would write for
            // them, and they survive the end of all processes.
            settings += [("fsync", "off"), ("full_page_writes", "off")]
        }
        return settings.flatMap { ["-c", "\($0.0)=\($0.1)"] }
    }
}
