// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// The processes of a Postgres that runs on a cluster, found by their working directory. Its functions block.
///
/// The number in `postmaster.pid` alone is not enough: after a crash it may belong to any other process, and backends may outlive
/// their postmaster.
struct ClusterProcesses: Sendable {
    let cluster: String

    /// Every process of Postgres at work in the cluster.
    func all() -> [pid_t] {
        // A process that ends meanwhile is no error.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter(isAtWork)
    }

    /// The postmaster, if it is alive.
    func postmaster() -> pid_t? {
        guard let text = try? String(contentsOfFile: cluster + "/postmaster.pid", encoding: .utf8),
            let line = text.split(separator: "\n").first, let pid = pid_t(line), isAtWork(pid)
        else { return nil }
        return pid
    }

    private func isAtWork(_ pid: pid_t) -> Bool {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink("/proc/\(pid)/cwd", &buffer, buffer.count)
        guard length > 0 else { return false }
        return String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self) == cluster && isPostgres(pid)
    }

    private func isPostgres(_ pid: pid_t) -> Bool {
        guard let name = try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8) else { return false }
        return name.hasPrefix("postgres")
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
        while true {
            let running = await BlockingWork.run { all() }
            if running.isEmpty { break }
            let waited = start.duration(to: .now)
            guard waited < limit else {
                throw EmbeddedPostgresError(
                    .start,
                    "a Postgres of an earlier server does not stop (processes \(running.map(String.init).joined(separator: ", ")))"
                )
            }
            // At first a fast shutdown, which ends sessions in order; late, or with the postmaster gone, the immediate one.
            if asked == 0, let postmaster = await BlockingWork.run({ postmaster() }) {
                kill(postmaster, SIGINT)
                asked = 1
            } else if asked < 2, waited > limit * 0.75 {
                for pid in running { kill(pid, SIGQUIT) }
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
}
