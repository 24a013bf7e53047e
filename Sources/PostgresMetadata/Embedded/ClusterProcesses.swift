// SPDX-License-Identifier: Apache-2.0

import CLinuxFiles
import Foundation
import Glibc

/// The processes of a Postgres that runs on a cluster. Its functions block.
///
/// Whether there are any tells the lock they hold (`ClusterEntrance`). Which they are tells their working directory: the number in
/// `postmaster.pid` alone is not enough, because after a crash it may belong to any other process, and backends may outlive their
/// postmaster.
struct ClusterProcesses: Sendable {
    /// Where a process works, as far as the kernel tells us.
    private enum Place { case here, elsewhere, unknown }

    let cluster: String

    /// Whether a process of Postgres is, or may be, at work in the cluster, seen or not.
    /// - Throws: `EmbeddedPostgresError` of kind `.directory` when that can't be told.
    func isInUse() throws(EmbeddedPostgresError) -> Bool {
        if try ClusterEntrance.isOccupied(cluster) || !all().isEmpty { return true }
        return recordedPostmaster().map { pid in asOwner { place(of: pid) } == .unknown && belongsToOwner(pid) } ?? false
    }

    /// Every process of Postgres that is seen at work in the cluster.
    func all() -> [pid_t] {
        // A process that ends meanwhile is no error.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return asOwner { names.compactMap { pid_t($0) }.filter { place(of: $0) == .here } }
    }

    /// The postmaster, if it is seen to be alive.
    func postmaster() -> pid_t? {
        guard let pid = recordedPostmaster() else { return nil }
        return asOwner { place(of: pid) } == .here ? pid : nil
    }

    /// The process named in `postmaster.pid`, if it is alive and one of some Postgres.
    private func recordedPostmaster() -> pid_t? {
        // One that can't be read names nobody.
        guard let text = try? AccountFile.text(cluster + "/postmaster.pid"), let line = text.split(separator: "\n").first,
            let pid = pid_t(line), isPostgres(pid)
        else { return nil }
        return pid
    }

    private func place(of pid: pid_t) -> Place {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink("/proc/\(pid)/cwd", &buffer, buffer.count)
        guard length > 0 else { return errno == EACCES || errno == EPERM ? .unknown : .elsewhere }
        let directory = String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return directory == cluster && isPostgres(pid) ? .here : .elsewhere
    }

    private func isPostgres(_ pid: pid_t) -> Bool {
        guard let name = try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8) else { return false }
        return name.hasPrefix("postgres")
    }

    /// Whether a process runs as the owner of the cluster; Postgres refuses a cluster that is not its account's.
    private func belongsToOwner(_ pid: pid_t) -> Bool {
        var directory = stat()
        var process = stat()
        return stat(cluster, &directory) == 0 && stat("/proc/\(pid)", &process) == 0 && directory.st_uid == process.st_uid
    }

    /// Does `work` with the file access of the cluster's owner.
    ///
    /// Root without CAP_SYS_PTRACE, as in most containers, may not look at the processes of others; those of one account may look
    /// at each other. On Linux the identity for file access is a matter of the thread alone.
    private func asOwner<Value>(_ work: () -> Value) -> Value {
        var owner = stat()
        guard geteuid() == 0, stat(cluster, &owner) == 0, owner.st_uid != 0 else { return work() }
        setfsgid(owner.st_gid)
        setfsuid(owner.st_uid)
        defer {
            setfsuid(geteuid())
            setfsgid(getegid())
        }
        return work()
    }
}

extension ClusterProcesses {
    /// Waits until a Postgres of an earlier server has stopped, and clears what it left.
    ///
    /// It stops by itself when its server dies; here it is told once more, in case its supervisor was killed too.
    /// - Throws: `EmbeddedPostgresError` of kind `.start` when it is still there after `limit`.
    func awaitEndOfPrevious(within limit: Duration) async throws {
        let start = ContinuousClock.now
        var asked = 0
        while try await BlockingWork.run({ try isInUse() }) {
            let waited = start.duration(to: .now)
            let seen = await BlockingWork.run { all() }
            guard waited < limit else { throw Self.stillRunning(seen) }
            // At first a fast shutdown, which ends sessions in order; late, or with the postmaster gone, the immediate one.
            if asked == 0, let postmaster = await BlockingWork.run({ postmaster() }) {
                kill(postmaster, SIGINT)
                asked = 1
            } else if asked < 2, waited > limit * 0.75 {
                for pid in seen { kill(pid, SIGQUIT) }
                asked = 2
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        // Nobody is at work and nobody else may start (the lock is ours), so a file that is left names a dead or foreign process.
        try await BlockingWork.run {
            guard unlink(cluster + "/postmaster.pid") == 0 || errno == ENOENT else {
                throw EmbeddedPostgresError(.directory, "can't remove \(cluster)/postmaster.pid")
            }
        }
    }

    private static func stillRunning(_ seen: [pid_t]) -> EmbeddedPostgresError {
        let names =
            seen.isEmpty
            ? "its processes can't be seen from here; they may be in another container"
            : "processes " + seen.map(String.init).joined(separator: ", ")
        return EmbeddedPostgresError(.start, "a Postgres of an earlier server does not stop (\(names))")
    }
}
