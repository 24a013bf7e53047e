// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import Synchronization

@testable import PostgresMetadata

/// The PostgreSQL of this test process: started at its first use, stopped and removed when the process ends.
///
/// Each suite takes a database of its own with `makeDatabase()`.
actor TestCluster {
    static let shared = TestCluster()

    private var start: Task<EmbeddedPostgres, any Error>?
    private var admin: PostgresClient?
    private var databases = 0

    /// Makes an empty database. - Returns: a connection string for its superuser.
    func makeDatabase() async throws -> String {
        databases += 1
        let name = "test_\(databases)"
        let server = try await server()
        if admin == nil {
            admin = try PostgresClient(
                configuration: PostgresConfiguration(connectionString: server.connectionString), logger: TestLog.quiet)
        }
        try await admin?.execute(script: "CREATE DATABASE \(name)")
        return Self.connectionString(server, database: name)
    }

    /// A client of a fresh database; the caller shuts it down.
    func makeClient(_ configure: @Sendable (inout PostgresConfiguration) -> Void = { _ in }) async throws -> PostgresClient {
        var configuration = PostgresConfiguration(connectionString: try await makeDatabase())
        configure(&configuration)
        return try PostgresClient(configuration: configuration, logger: TestLog.quiet)
    }

    private func server() async throws -> EmbeddedPostgres {
        if let start { return try await start.value }
        let task = Task {
            let directory = Scratch.makeDirectory("cluster")
            ExitCleanup.stopAndRemove(directory)
            return try await EmbeddedPostgres.start(
                EmbeddedPostgresConfiguration(dataDirectory: directory, durability: .none), logger: TestLog.quiet)
        }
        start = task
        return try await task.value
    }

    private static func connectionString(_ server: EmbeddedPostgres, database: String) -> String {
        server.connectionString.replacingOccurrences(of: "dbname=postgres", with: "dbname=\(database)")
    }
}

/// Runs `body` with a client of a fresh database.
func withClient(
    _ configure: @Sendable (inout PostgresConfiguration) -> Void = { _ in },
    _ body: (PostgresClient) async throws -> Void
) async throws {
    let client = try await TestCluster.shared.makeClient(configure)
    let result: Result<Void, any Error>
    do { result = .success(try await body(client)) } catch { result = .failure(error) }
    await client.shutdown()
    return try result.get()
}

enum TestLog {
    /// Logs nothing: failures are asserted, not read.
    static let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
}

/// Directories of this test process, removed at its end or, after a crash, by the next one.
enum Scratch {
    private static let prefix = "magpie-tests-"
    private static let count = Mutex(0)
    private static let root: String = {
        let temporary = "/tmp"
        for name in (try? FileManager.default.contentsOfDirectory(atPath: temporary)) ?? [] where name.hasPrefix(prefix) {
            guard let pid = pid_t(name.dropFirst(prefix.count)), kill(pid, 0) != 0 else { continue }
            try? FileManager.default.removeItem(atPath: "\(temporary)/\(name)")
        }
        return "\(temporary)/\(prefix)\(getpid())"
    }()

    /// A path that does not exist yet, below a directory that others may enter.
    static func makeDirectory(_ name: String) -> String {
        let number = count.withLock { count in
            count += 1
            return count
        }
        mkdir(root, 0o711)
        ExitCleanup.stopAndRemove(root)
        return "\(root)/\(number)-\(name)"
    }
}

/// What has to happen when the process ends.
enum ExitCleanup {
    private static let directories = Mutex<[String]>([])

    /// At the end of the process, stops the Postgres below `directory` and removes it.
    static func stopAndRemove(_ directory: String) {
        let isFirst = directories.withLock { directories in
            if !directories.contains(directory) { directories.append(directory) }
            return directories.count == 1
        }
        if isFirst { atexit { ExitCleanup.run() } }
    }

    private static func run() {
        let all = directories.withLock { $0 }
        for directory in all {
            let processes = ClusterProcesses(cluster: directory + "/postgres/cluster")
            if let postmaster = processes.postmaster() { kill(postmaster, SIGINT) }
            for _ in 0..<500 {
                if processes.all().isEmpty { break }
                usleep(10_000)
            }
        }
        for directory in all { try? FileManager.default.removeItem(atPath: directory) }
    }
}
