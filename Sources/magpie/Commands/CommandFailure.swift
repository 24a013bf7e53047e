// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPFrontends
import MediaCore
import NIOCore
import PostgresMetadata

/// What a command says on stderr before it ends with status 1: one clear line.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String

    /// - Parameter configuration: what was being done with it, for what to change.
    init(_ error: any Error, _ configuration: ServerConfiguration? = nil) {
        description = Self.line(error, configuration)
    }

    private static func line(_ error: any Error, _ configuration: ServerConfiguration?) -> String {
        switch error {
        case let error as EmbeddedPostgresError where error.kind == .notInstalled:
            return "\(error.message) (on Debian 12: the package postgresql-15)"
        case let error as IOError:
            return socketLine(error, configuration)
        case let error as StorageError:
            let cause = error.cause.map { ": \($0)" } ?? ""
            let hint = configuration?.database.url == nil ? "" : " (\(Setting.databaseURL.name))"
            switch error.code {
            case .databaseFailure, .timedOut, .tooManyConnections: return "the database can't be used\(hint): \(error.message)\(cause)"
            default: return error.message + cause
            }
        case let error as Migrator.Failure:
            return "the database can't be migrated: \(error)"
        default:
            return "\(error)"
        }
    }

    private static func socketLine(_ error: IOError, _ configuration: ServerConfiguration?) -> String {
        guard let listener = configuration?.listener else { return "\(error)" }
        switch error.errnoCode {
        case EADDRINUSE:
            return "port \(listener.port) on \(listener.host) is in use: choose another with --port or \(Setting.port.name)"
        case EACCES:
            return "port \(listener.port) may not be used by this user: choose one above 1023 with --port or \(Setting.port.name)"
        case EADDRNOTAVAIL:
            return "\(listener.host) is no address of this machine: change --host or \(Setting.host.name)"
        default:
            return "can't listen on \(listener.host):\(listener.port): \(error)"
        }
    }
}
