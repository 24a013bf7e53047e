// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The account that Postgres runs under when the server itself is root, which Postgres refuses to be.
struct ServerAccount: Hashable, Sendable {
    static let name = "postgres"

    let userID: uid_t
    let groupID: gid_t

    /// Nil when the process is not root: Postgres then runs as the same user.
    /// - Throws: `EmbeddedPostgresError` of kind `.notInstalled` when the account does not exist.
    static func toBecome() throws(EmbeddedPostgresError) -> ServerAccount? {
        guard geteuid() == 0 else { return nil }
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16_384)
        guard getpwnam_r(name, &entry, &buffer, buffer.count, &found) == 0, found != nil else {
            throw EmbeddedPostgresError(
                .notInstalled,
                "Postgres does not run as root, and there is no account '\(name)' to become: run 'apt install postgresql'")
        }
        return ServerAccount(userID: entry.pw_uid, groupID: entry.pw_gid)
    }

    /// What goes in front of a command so that it runs as this account.
    var prefix: [String] {
        ["setpriv", "--reuid=\(userID)", "--regid=\(groupID)", "--clear-groups", "--no-new-privs", "--"]
    }
}
