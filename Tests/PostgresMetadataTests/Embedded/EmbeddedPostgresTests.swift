// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import ServiceLifecycle
import Testing

@testable import PostgresMetadata

@Suite(.serialized) struct EmbeddedPostgresTests {
    private static let count = SQL("test_count", "SELECT count(*) FROM kept")

    /// A data directory that holds a cluster with one row in `kept`, made once and copied.
    private static let template = Task {
        let directory = Scratch.makeDirectory("template")
        let server = try await start(directory)
        try await withClient(of: server) { try await $0.execute(script: "CREATE TABLE kept AS SELECT 1 AS one") }
        await server.stop()
        return directory
    }

    private static func makeDataDirectory(_ name: String = "data") async throws -> String {
        let template = try await template.value
        let directory = Scratch.makeDirectory(name)
        ExitCleanup.stopAndRemove(directory)
        try await ChildProcess.run("cp", "-a", template, directory)
        return directory
    }

    private static func start(
        _ directory: String, _ configure: (inout EmbeddedPostgresConfiguration) -> Void = { _ in }
    ) async throws -> EmbeddedPostgres {
        ExitCleanup.stopAndRemove(directory)
        var configuration = EmbeddedPostgresConfiguration(dataDirectory: directory, durability: .none)
        configure(&configuration)
        return try await EmbeddedPostgres.start(configuration, logger: TestLog.quiet)
    }

    private static func withClient(
        of server: EmbeddedPostgres, _ body: (PostgresClient) async throws -> Void
    ) async throws {
        let client = try PostgresClient(
            configuration: PostgresConfiguration(connectionString: server.connectionString), logger: TestLog.quiet)
        let result: Result<Void, any Error>
        do { result = .success(try await body(client)) } catch { result = .failure(error) }
        await client.shutdown()
        try result.get()
    }

    private static func keptRows(_ server: EmbeddedPostgres) async throws -> Int64 {
        var rows: Int64 = -1
        try await withClient(of: server) {
            rows = try await $0.transaction([.run(count)], ending: .commit)[0].onlyRow().int64(0)
        }
        return rows
    }

    private static func processes(_ directory: String) -> ClusterProcesses {
        ClusterProcesses(cluster: directory + "/postgres/cluster")
    }

    @Test func dataIsThereAfterARestartWhichTakesUnderASecond() async throws {
        let directory = try await Self.makeDataDirectory()
        let start = ContinuousClock.now

        let server = try await Self.start(directory)

        // The bound is generous for a machine that builds at the same time.
        #expect(start.duration(to: .now) < .seconds(5))
        #expect(try await Self.keptRows(server) == 1)
        await server.stop()
    }

    @Test func stoppingLeavesNoProcess() async throws {
        let directory = try await Self.makeDataDirectory()
        let server = try await Self.start(directory)
        #expect(!Self.processes(directory).all().isEmpty)

        await server.stop()

        #expect(Self.processes(directory).all().isEmpty)
        #expect(try !Self.processes(directory).isInUse())
    }

    @Test func aSecondServerOnTheSameDirectoryIsRefused() async throws {
        let directory = try await Self.makeDataDirectory()
        let server = try await Self.start(directory)

        let error = await #expect(throws: EmbeddedPostgresError.self) { try await Self.start(directory) }

        #expect(error?.kind == .inUse)
        #expect(error?.message.contains("\(getpid())") == true)
        #expect(try await Self.keptRows(server) == 1)
        await server.stop()
    }

    @Test func theDirectoryIsFreeAgainAfterAStop() async throws {
        let directory = try await Self.makeDataDirectory()
        await (try Self.start(directory)).stop()

        let server = try await Self.start(directory)

        #expect(try await Self.keptRows(server) == 1)
        await server.stop()
    }

    @Test func aHalfMadeClusterIsMadeAnew() async throws {
        let directory = Scratch.makeDirectory("half")
        let remains = directory + "/postgres/cluster.new/base"
        try FileManager.default.createDirectory(atPath: remains, withIntermediateDirectories: true)
        try Data("15".utf8).write(to: URL(fileURLWithPath: directory + "/postgres/cluster.new/PG_VERSION"))

        let server = try await Self.start(directory)

        #expect(!FileManager.default.fileExists(atPath: remains))
        await server.stop()
    }

    @Test func theDeathOfThePostmasterIsNoticedAndSurvived() async throws {
        let directory = try await Self.makeDataDirectory()
        let server = try await Self.start(directory)
        let postmaster = try #require(Self.processes(directory).postmaster())
        let group = ServiceGroup(configuration: .init(services: [server], logger: TestLog.quiet))
        let running = Task { try await group.run() }

        kill(postmaster, SIGKILL)

        let error = await #expect(throws: EmbeddedPostgresError.self) { try await running.value }
        #expect(error?.kind == .died)
        let next = try await Self.start(directory)
        #expect(try await Self.keptRows(next) == 1)
        await next.stop()
    }

    @Test func aServiceGroupStopsPostgres() async throws {
        let directory = try await Self.makeDataDirectory()
        let server = try await Self.start(directory)
        let group = ServiceGroup(configuration: .init(services: [server], logger: TestLog.quiet))
        let running = Task { try await group.run() }

        await group.triggerGracefulShutdown()
        try await running.value

        #expect(Self.processes(directory).all().isEmpty)
    }

    @Test func postgresStopsWhenItsSupervisorIsKilled() async throws {
        let directory = try await Self.makeDataDirectory()
        let server = try await Self.start(directory)
        let postmaster = try #require(Self.processes(directory).postmaster())

        kill(try #require(ChildProcess.parent(of: postmaster)), SIGKILL)

        _ = await server.waitUntilExit()
        await server.stop()
        let next = try await Self.start(directory)
        #expect(try await Self.keptRows(next) == 1)
        await next.stop()
    }

    @Test func postgresStopsWhenTheProcessThatHoldsThePipeIsKilled() async throws {
        let directory = try await Self.makeDataDirectory()
        let account = try ServerAccount.toBecome()
        let cluster = try ClusterDirectory(dataDirectory: directory, account: account)
        let launch = try await Launch.prepare(
            EmbeddedPostgresConfiguration(dataDirectory: directory, durability: .none), directory: cluster, account: account,
            logger: TestLog.quiet)
        // It becomes the only process with the writing end of the supervisor's input.
        let holder = try ChildProcess.start(
            ["sh", "-c", "mkfifo \"$0\"; \"$@\" <\"$0\" & exec 9>\"$0\"; exec sleep 600", directory + "/pipe"]
                + launch.supervisor.words)
        let processes = Self.processes(directory)
        try await ChildProcess.poll { processes.postmaster() != nil }

        kill(holder.processIdentifier, SIGKILL)

        // What a later start does first: it must not meet a Postgres that lives on.
        try await ChildProcess.poll { processes.all().isEmpty }
        let server = try await Self.start(directory)
        #expect(try await Self.keptRows(server) == 1)
        await server.stop()
    }

    @Test func aStartWaitsForAPostgresLeftBehind() async throws {
        let directory = try await Self.makeDataDirectory()
        let account = try ServerAccount.toBecome()
        let cluster = try ClusterDirectory(dataDirectory: directory, account: account)
        let launch = try await Launch.prepare(
            EmbeddedPostgresConfiguration(dataDirectory: directory, durability: .none), directory: cluster, account: account,
            logger: TestLog.quiet)
        // Without a supervisor: nobody tells it to stop.
        let orphan = try ChildProcess.start(launch.supervisor.entrance.prefix + launch.supervisor.command)
        let processes = Self.processes(directory)
        try await ChildProcess.poll { processes.postmaster() == orphan.processIdentifier }

        let server = try await Self.start(directory)

        #expect(processes.postmaster() != orphan.processIdentifier)
        #expect(try await Self.keptRows(server) == 1)
        await server.stop()
    }

    @Test func aStalePidFileThatNamesAForeignProcessDoesNoHarm() async throws {
        let directory = try await Self.makeDataDirectory()
        try Data("\(getpid())\n/elsewhere\n".utf8).write(to: URL(fileURLWithPath: directory + "/postgres/cluster/postmaster.pid"))

        let server = try await Self.start(directory)

        #expect(try await Self.keptRows(server) == 1)
        await server.stop()
    }

    @Test(.enabled(if: geteuid() == 0, "only root has privileges to lose"))
    func rootWithoutThePrivilegeToTraceSeesItsPostgres() async throws {
        let directory = try await Self.makeDataDirectory()
        let server = try await Self.start(directory)
        let processes = Self.processes(directory)

        let (postmaster, all, isInUse) = try Privileges.withoutTracing {
            (processes.postmaster(), processes.all(), try processes.isInUse())
        }

        #expect(isInUse)
        #expect(postmaster != nil && postmaster == processes.postmaster())
        // Its children as well.
        #expect(postmaster.map(all.contains) == true && all.count > 1)
        await server.stop()
    }

    @Test func aStartLeavesAClusterAloneWhoseProcessesItCannotSee() async throws {
        let directory = try await Self.makeDataDirectory()
        let cluster = directory + "/postgres/cluster"
        let pidFile = cluster + "/postmaster.pid"
        try Data("1\n".utf8).write(to: URL(fileURLWithPath: pidFile))
        // It came in like a Postgres and works elsewhere under another name, as one in another container would seem to.
        let entrance = ClusterEntrance(directory: cluster, account: try ServerAccount.toBecome())
        let unseen = try ChildProcess.start(entrance.prefix + ["sleep", "600"])
        let processes = Self.processes(directory)
        try await ChildProcess.poll { (try? processes.isInUse()) == true }

        let error = await #expect(throws: EmbeddedPostgresError.self) {
            try await Self.start(directory) { $0.previousStopTimeout = .milliseconds(100) }
        }

        #expect(error?.kind == .start)
        #expect(FileManager.default.fileExists(atPath: pidFile))
        kill(unseen.processIdentifier, SIGKILL)
        let server = try await Self.start(directory)
        #expect(try await Self.keptRows(server) == 1)
        await server.stop()
    }

    @Test func anotherChildDoesNotKeepPostgresAlive() async throws {
        let directory = try await Self.makeDataDirectory()
        let server = try await Self.start(directory) { $0.stopTimeout = .seconds(60) }
        let child = try ChildProcess.start(["sleep", "600"])
        let start = ContinuousClock.now

        await server.stop()

        #expect(start.duration(to: .now) < .seconds(30))
        child.terminate()
    }

    @Test func aLongPathPutsTheSocketIntoATemporaryDirectory() async throws {
        let directory = try await Self.makeDataDirectory(String(repeating: "long", count: 25))
        let server = try await Self.start(directory)
        let sockets = try #require(server.connectionString.split(separator: "'").dropFirst().first.map(String.init))

        #expect(!sockets.hasPrefix(directory))
        #expect(try await Self.keptRows(server) == 1)
        #expect(try await EmbeddedPostgres.connectionString(ofServerIn: directory) == server.connectionString)
        await server.stop()
        #expect(!FileManager.default.fileExists(atPath: sockets))
    }

    @Test func commandsFindTheRunningServer() async throws {
        let directory = try await Self.makeDataDirectory("with 'quotes' \\ and \"more\"")
        #expect(try await EmbeddedPostgres.connectionString(ofServerIn: directory) == nil)
        let server = try await Self.start(directory)

        #expect(try await EmbeddedPostgres.connectionString(ofServerIn: directory) == server.connectionString)
        #expect(try await Self.keptRows(server) == 1)

        await server.stop()
        #expect(try await EmbeddedPostgres.connectionString(ofServerIn: directory) == nil)
    }

    @Test func nobodyElseCanReadOrConnect() async throws {
        let directory = try await Self.makeDataDirectory()
        let server = try await Self.start(directory)

        let modes = try ["", "/run", "/log", "/cluster"].map { name in
            let attributes = try FileManager.default.attributesOfItem(atPath: directory + "/postgres" + name)
            return (attributes[.posixPermissions] as? NSNumber)?.intValue
        }

        // The account of Postgres may pass through the root.
        #expect(modes == [geteuid() == 0 ? 0o710 : 0o700, 0o700, 0o700, 0o700])
        await server.stop()
    }

    @Test(.enabled(if: geteuid() == 0, "only root becomes another account"))
    func aServerStartsBelowADirectoryItsAccountCannotEnter() async throws {
        let closed = Scratch.makeDirectory("closed")
        #expect(mkdir(closed, 0o700) == 0)

        for _ in ["made anew", "found"] {
            let server = try await Self.start(closed + "/data")
            #expect(try await EmbeddedPostgres.connectionString(ofServerIn: closed + "/data") == server.connectionString)
            await server.stop()
        }

        #expect(ClusterProcesses(cluster: closed + "/data/postgres/cluster").all().isEmpty)
    }

    @Test func aLargePoolHasItsConnectionsAndOthersRoomBesideIt() async throws {
        let directory = try await Self.makeDataDirectory()
        ExitCleanup.stopAndRemove(directory)
        let server = try await EmbeddedPostgres.start(
            EmbeddedPostgresConfiguration(dataDirectory: directory, durability: .none, poolSize: 70), logger: TestLog.quiet)
        let client = try PostgresClient(
            configuration: PostgresConfiguration(connectionString: server.connectionString, poolSize: 70), logger: TestLog.quiet)

        var leased: [Connection] = []
        for _ in 0..<70 { leased.append(try await client.pool.lease()) }
        #expect(try await Self.keptRows(server) == 1)

        for connection in leased { client.pool.release(connection) }
        await client.shutdown()
        await server.stop()
    }

    @Test func aServerThatDoesNotStartSaysWhy() async throws {
        let directory = try await Self.makeDataDirectory()

        let error = await #expect(throws: EmbeddedPostgresError.self) {
            try await Self.start(directory) { $0.maxConnections = 1 }
        }

        #expect(error?.kind == .start)
        #expect(error?.message.contains("superuser_reserved_connections") == true)
        let server = try await Self.start(directory)
        await server.stop()
    }
}
