// SPDX-License-Identifier: Apache-2.0

import Foundation
public import Logging
public import ServiceLifecycle
import Subprocess
import Synchronization

/// A private PostgreSQL that this process initialises, starts and supervises under its data directory.
///
/// It listens on a unix socket that only this user and root can reach. It stops with this process in every case, also when
/// that is killed; a later start waits for that.
public final class EmbeddedPostgres: Service, Sendable {
    /// What to give a client: a libpq connection string without a password.
    public let connectionString: String

    private let directory: ClusterDirectory
    private let sockets: SocketDirectory
    private let lock: DirectoryLock
    private let configuration: EmbeddedPostgresConfiguration
    private let logger: Logger
    // Owned by this object; ends with Postgres, which `stop()` brings about.
    private let supervision: Task<TerminationStatus, any Error>
    private let isStopping = Mutex(false)
    private let stopSignal: AsyncStream<Never>.Continuation

    private init(
        _ launch: Launch, lock: DirectoryLock, configuration: EmbeddedPostgresConfiguration, logger: Logger
    ) {
        let (stop, stopSignal) = AsyncStream.makeStream(of: Never.self)
        let supervisor = launch.supervisor
        self.sockets = launch.sockets
        self.connectionString = launch.sockets.connectionString
        self.directory = launch.directory
        self.lock = lock
        self.configuration = configuration
        self.logger = logger
        self.stopSignal = stopSignal
        self.supervision = Task { try await supervisor.run(until: stop) }
    }

    deinit { stopSignal.finish() }

    /// Starts Postgres, making its cluster first where there is none, and waits until it accepts connections.
    ///
    /// - Throws: `EmbeddedPostgresError`, of kind `.inUse` when another server uses the directory; `CancellationError`.
    public static func start(
        _ configuration: EmbeddedPostgresConfiguration, logger: Logger
    ) async throws -> EmbeddedPostgres {
        let account = try ServerAccount.toBecome()
        let (directory, lock) = try await BlockingWork.run {
            let directory = try ClusterDirectory(dataDirectory: configuration.dataDirectory, account: account)
            try directory.prepare()
            return (directory, try DirectoryLock(file: directory.lockFile))
        }
        do {
            try await ClusterProcesses(cluster: directory.cluster).awaitEndOfPrevious(within: configuration.previousStopTimeout)
            let launch = try await Launch.prepare(configuration, directory: directory, account: account, logger: logger)
            let server = EmbeddedPostgres(launch, lock: lock, configuration: configuration, logger: logger)
            do {
                try await server.waitUntilReady()
            } catch {
                await server.stop()
                throw error
            }
            return server
        } catch {
            lock.release()
            throw error
        }
    }

    /// The connection string of the server that uses a data directory now, for commands beside it; nil when none does.
    public static func connectionString(ofServerIn dataDirectory: String) async throws -> String? {
        try await BlockingWork.run {
            guard FileManager.default.fileExists(atPath: dataDirectory + "/postgres") else { return nil }
            let directory = try ClusterDirectory(dataDirectory: dataDirectory, account: nil)
            guard try ClusterProcesses(cluster: directory.cluster).isInUse(),
                let text = try AccountFile.text(directory.postmasterFile)
            else { return nil }
            // The fifth line is the socket's directory (PostgreSQL 15, src/include/utils/pidfile.h), as it was named to Postgres.
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            guard lines.count >= 5, !lines[4].isEmpty else { return nil }
            let isTemporary = lines[4].hasPrefix("/")
            let path = isTemporary ? String(lines[4]) : directory.sockets
            return SocketDirectory(path: path, isTemporary: isTemporary).connectionString
        }
    }

    /// Waits until Postgres has ended, for whatever reason. - Returns: how.
    public func waitUntilExit() async -> String {
        do { return "\(try await supervision.value)" } catch { return "\(error)" }
    }

    /// Shuts Postgres down, ending open sessions, and waits for it. Data is as safe as after any shutdown.
    public func stop() async {
        isStopping.withLock { $0 = true }
        stopSignal.finish()
        let escalation = Task { [directory, configuration] in
            try await Task.sleep(for: configuration.stopTimeout)
            let processes = await BlockingWork.run { ClusterProcesses(cluster: directory.cluster).all() }
            for pid in processes { kill(pid, SIGQUIT) }
        }
        _ = await waitUntilExit()
        escalation.cancel()
        await awaitStragglers()
        await BlockingWork.run { [sockets] in sockets.remove() }
        lock.release()
    }

    // The process that writes the log ends a moment after the one that everything hangs on.
    private func awaitStragglers() async {
        let processes = ClusterProcesses(cluster: directory.cluster)
        let end = ContinuousClock.now + .seconds(2)
        while ContinuousClock.now < end {
            // The next start looks again, and says what is wrong.
            do { if try await !BlockingWork.run({ try processes.isInUse() }) { return } } catch { return }
            // A cancelled task looks more often, no more than that.
            do { try await Task.sleep(for: .milliseconds(5)) } catch { await Task.yield() }
        }
    }

    /// Waits for the graceful shutdown and stops Postgres.
    ///
    /// - Throws: `EmbeddedPostgresError` of kind `.died` when Postgres ends before.
    public func run() async throws {
        let died = await withTaskGroup(of: Bool.self) { group in
            group.addTask { await self.endsBeforeShutdown() }
            group.addTask {
                // Throws when the group is cancelled, which is a reason to stop as well.
                do { try await gracefulShutdown() } catch {}
                return false
            }
            let first = await group.next() ?? false
            if !first { await self.stop() }
            group.cancelAll()
            return first
        }
        if died, !isStopping.withLock({ $0 }) {
            let status = await waitUntilExit()
            lock.release()
            throw EmbeddedPostgresError(.died, "Postgres ended by itself (\(status)); its log is in \(directory.logs)")
        }
    }

    private func endsBeforeShutdown() async -> Bool {
        _ = await waitUntilExit()
        return true
    }

    /// Waits until Postgres answers, which after a crash is when it has recovered.
    private func waitUntilReady() async throws {
        let thread = try ConnectionThread()
        defer { thread.stop() }
        var probe = PostgresConfiguration(connectionString: connectionString)
        probe.connectTimeout = configuration.startTimeout
        let target = probe
        let exit = try await withThrowingTaskGroup(of: String?.self) { group in
            group.addTask { await self.exitOrCancellation() }
            group.addTask {
                try await Connection.open(target, for: .session, id: 1, thread: thread).close()
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
        if let exit {
            let tail = await BlockingWork.run { [directory] in directory.startLogTail() }
            throw EmbeddedPostgresError(.start, "Postgres did not start (\(exit)); see \(directory.logs):\n\(tail)")
        }
    }

    /// Waits for the end of Postgres, or, unlike `waitUntilExit`, for the cancellation of the task.
    private func exitOrCancellation() async -> String {
        let (exits, report) = AsyncStream.makeStream(of: String.self)
        // Ends with Postgres; nobody listens any more by then.
        Task { report.yield(await self.waitUntilExit()) }
        for await exit in exits { return exit }
        return "cancelled"
    }
}
