// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// The files of the private PostgreSQL below the data directory. Its functions block.
struct ClusterDirectory: Hashable, Sendable {
    /// The longest path that fits `sockaddr_un` with its NUL.
    static let maxSocketPath = 107

    /// `<data>/postgres`
    let root: String
    private let dataDirectory: String
    private let account: ServerAccount?

    /// - Throws: `EmbeddedPostgresError` of kind `.directory` when the path has no absolute form.
    init(dataDirectory: String, account: ServerAccount?) throws(EmbeddedPostgresError) {
        guard mkdir(dataDirectory, 0o700) == 0 || errno == EEXIST || Self.makeParents(of: dataDirectory) else {
            throw Self.failure("make", dataDirectory)
        }
        guard let resolved = realpath(dataDirectory, nil) else { throw Self.failure("find", dataDirectory) }
        defer { free(resolved) }
        self.dataDirectory = String(cString: resolved)
        self.root = self.dataDirectory + "/postgres"
        self.account = account
    }

    /// The cluster itself, as initdb makes it.
    var cluster: String { root + "/cluster" }
    /// A cluster in the making.
    var unfinishedCluster: String { root + "/cluster.new" }
    var logs: String { root + "/log" }
    /// What Postgres says before its log begins; written anew at each start.
    var startLog: String { logs + "/start.log" }
    /// Its sockets, unless their path is too long.
    var sockets: String { root + "/run" }
    var lockFile: String { root + "/lock" }
    var postmasterFile: String { cluster + "/postmaster.pid" }

    var exists: Bool { FileManager.default.fileExists(atPath: cluster + "/PG_VERSION") }

    /// The version of PostgreSQL that made the cluster; nil when there is none yet.
    func majorVersion() throws -> Int? {
        guard let text = try AccountFile.text(cluster + "/PG_VERSION") else { return nil }
        guard let major = Int(text.prefix { $0.isNumber }) else {
            throw EmbeddedPostgresError(.directory, "\(cluster)/PG_VERSION holds no version")
        }
        return major
    }

    /// Makes the directories, for the account alone. It need not be able to get there: see `ClusterEntrance`.
    ///
    /// The account may pass through the root but not change what is there, so that it can't put a link where we, as root, are
    /// about to do something.
    func prepare() throws(EmbeddedPostgresError) {
        if let account {
            try makeDirectory(root, mode: 0o710, owner: (geteuid(), account.groupID))
        } else {
            try makeDirectory(root, mode: 0o700, owner: nil)
        }
        for directory in [logs, sockets] { try makePrivate(directory) }
    }

    /// Makes the directory for a new cluster, where there must be none.
    func makeUnfinishedCluster() throws(EmbeddedPostgresError) { try makePrivate(unfinishedCluster) }

    private func makePrivate(_ directory: String) throws(EmbeddedPostgresError) {
        try makeDirectory(directory, mode: 0o700, owner: account.map { ($0.userID, $0.groupID) })
    }

    /// Makes a directory or takes the one that is there, but never what a link points to.
    private func makeDirectory(
        _ directory: String, mode: mode_t, owner: (user: uid_t, group: gid_t)?
    ) throws(EmbeddedPostgresError) {
        guard mkdir(directory, 0o700) == 0 || errno == EEXIST else { throw Self.failure("make", directory) }
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure("open", directory) }
        defer { close(descriptor) }
        if let owner, fchown(descriptor, owner.user, owner.group) != 0 { throw Self.failure("give away", directory) }
        guard fchmod(descriptor, mode) == 0 else { throw Self.failure("close", directory) }
    }

    /// Makes the new cluster the cluster, durably.
    func adoptUnfinishedCluster() throws(EmbeddedPostgresError) {
        guard rename(unfinishedCluster, cluster) == 0 else { throw Self.failure("rename", unfinishedCluster) }
        let descriptor = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure("open", root) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw Self.failure("sync", root) }
    }

    /// The directory for the socket: below the root, or a private temporary one where that path is too long for a socket.
    func makeSocketDirectory(temporaryRoot: String) throws(EmbeddedPostgresError) -> SocketDirectory {
        if (sockets + SocketDirectory.socketName).utf8.count <= Self.maxSocketPath {
            return SocketDirectory(path: sockets, isTemporary: false)
        }
        var parent = temporaryRoot
        if let account, try Self.closedDirectory(on: parent, for: account) != nil { parent = "/tmp" }
        var template = Array((parent + "/magpie-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw Self.failure("make a directory in", parent) }
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if let account, chown(path, account.userID, account.groupID) != 0 { throw Self.failure("give away", path) }
        guard (path + SocketDirectory.socketName).utf8.count <= Self.maxSocketPath else {
            throw EmbeddedPostgresError(.directory, "both \(sockets) and \(path) are too long for a unix socket")
        }
        return SocketDirectory(path: path, isTemporary: true)
    }

    /// The last lines of what Postgres said at its start.
    func startLogTail() -> String {
        let text: String?
        do { text = try AccountFile.text(startLog) } catch { return error.message }
        guard let text else { return "(no log)" }
        return text.split(separator: "\n").suffix(8).joined(separator: "\n")
    }

    // Postgres makes its temporary socket by its path, so every directory above has to let the account through.
    private static func closedDirectory(
        on path: String, for account: ServerAccount
    ) throws(EmbeddedPostgresError) -> String? {
        var prefix = ""
        for component in path.split(separator: "/") {
            prefix += "/" + component
            var status = stat()
            guard stat(prefix, &status) == 0 else { throw failure("look at", prefix) }
            let bit: mode_t =
                status.st_uid == account.userID ? 0o100 : status.st_gid == account.groupID ? 0o010 : 0o001
            if status.st_mode & bit == 0 { return prefix }
        }
        return nil
    }

    private static func makeParents(of path: String) -> Bool {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            return true
        } catch {
            return false
        }
    }

    private static func failure(_ verb: String, _ path: String) -> EmbeddedPostgresError {
        EmbeddedPostgresError(.directory, "can't \(verb) \(path): \(String(cString: strerror(errno)))")
    }
}

/// Where Postgres makes its socket.
struct SocketDirectory: Hashable, Sendable {
    static let port = 5432
    static let socketName = "/.s.PGSQL.\(port)"

    let path: String
    /// True when it goes with the server.
    let isTemporary: Bool

    /// How Postgres, at work in its cluster, names the directory.
    var pathFromCluster: String { isTemporary ? path : "../run" }

    /// Removes a temporary directory once the server has stopped. Blocks.
    func remove() {
        // The supervisor tries first, but may lack the right to remove from where the directory is.
        if isTemporary { rmdir(path) }
    }

    /// What libpq connects to.
    var connectionString: String {
        let quoted = path.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "'", with: "\\'")
        return "host='\(quoted)' port=\(Self.port) user=postgres dbname=postgres"
    }
}
