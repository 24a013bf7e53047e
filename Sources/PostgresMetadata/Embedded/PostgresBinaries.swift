// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The installed programs of one major version of PostgreSQL.
struct PostgresBinaries: Hashable, Sendable {
    /// The oldest version that has what the driver and the schema use.
    static let oldestMajor = 15
    /// Where Debian's packages put the versions.
    static let packageRoot = "/usr/lib/postgresql"

    let directory: String

    var postgres: String { directory + "/postgres" }
    var initdb: String { directory + "/initdb" }

    /// Finds the programs for a cluster.
    ///
    /// - Parameters:
    ///   - setting: a directory the operator has chosen, not looked behind.
    ///   - major: the version that made the cluster, which alone can run it; nil for a new one, which gets the newest.
    /// - Throws: `EmbeddedPostgresError` of kind `.notInstalled`.
    static func find(
        setting: String?, for major: Int?, root: String = packageRoot
    ) throws(EmbeddedPostgresError) -> PostgresBinaries {
        if let setting {
            let chosen = PostgresBinaries(directory: setting)
            guard chosen.isComplete else {
                throw EmbeddedPostgresError(.notInstalled, "there are no postgres and initdb in \(setting)")
            }
            return chosen
        }
        let installed = installedMajors(in: root)
        guard let choice = major ?? installed.max() else {
            throw EmbeddedPostgresError(
                .notInstalled,
                "PostgreSQL \(oldestMajor) or newer is not installed: run 'apt install postgresql', or set MAGPIE_DATABASE_URL")
        }
        guard installed.contains(choice) else {
            throw EmbeddedPostgresError(
                .notInstalled,
                """
                the data directory was made by PostgreSQL \(choice), which is not installed (there are: \
                \(installed.sorted().map(String.init).joined(separator: ", "))); install it, or move the data with pg_upgrade
                """)
        }
        return PostgresBinaries(directory: "\(root)/\(choice)/bin")
    }

    private var isComplete: Bool {
        FileManager.default.isExecutableFile(atPath: postgres) && FileManager.default.isExecutableFile(atPath: initdb)
    }

    private static func installedMajors(in root: String) -> [Int] {
        // A missing root is no error: nothing is installed then.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return names.compactMap { Int($0) }.filter {
            $0 >= oldestMajor && PostgresBinaries(directory: "\(root)/\($0)/bin").isComplete
        }
    }
}
