// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore
import PostgresMetadata

/// What ends a command, as one line for whoever started it.
enum Failure {
    static func isOurs(_ error: any Error) -> Bool {
        error is ConfigurationError || error is StorageError || error is EmbeddedPostgresError || error is IOError
            || error is Migrator.Failure
            || error is ServeCommand.Ended
    }

    static func line(_ error: any Error) -> String {
        switch error {
        case let error as StorageError where error.code == .databaseFailure:
            "the database can't be used (MAGPIE_DATABASE_URL, if it is not the private one): \(error.cause.map { "\($0)" } ?? error.message)"
        case let error as StorageError where error.cause == nil: error.message
        case let error as StorageError: "\(error.message) (\(error.cause.map { "\($0)" } ?? ""))"
        case let error as EmbeddedPostgresError where error.kind == .notInstalled:
            "\(error.message) (on Debian 12: the package postgresql-15)"
        case let error as IOError where error.errnoCode == addressInUse:
            "the address is in use: is another server running? Choose another with --port"
        case let error as IOError: "the network can't be used: \(error)"
        default: "\(error)"
        }
    }

    private static let addressInUse: CInt = 98
}
