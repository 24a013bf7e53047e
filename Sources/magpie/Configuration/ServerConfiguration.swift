// SPDX-License-Identifier: Apache-2.0

import Logging

/// Everything that was set, parsed and checked once. Nothing below the executable sees the environment.
struct ServerConfiguration: Sendable {
    /// Where and how the server listens.
    struct Listener: Sendable {
        struct TLS: Sendable {
            /// A PEM file.
            var certificatePath: String
            /// A PEM file.
            var keyPath: String
        }

        var host: String
        var port: Int
        var tls: TLS?
        var maxConnections: Int
        /// In bytes.
        var headerLimit: Int
        var idleTimeout: Duration
        var headerTimeout: Duration
        var bodyTimeout: Duration
    }

    struct Database: Sendable {
        /// Nil: the private PostgreSQL.
        var url: String?
        /// Nil: as the driver chooses.
        var poolSize: Int?
        var waitTimeout: Duration
        /// Zero: none.
        var statementTimeout: Duration
    }

    struct Roles: Hashable, Sendable {
        var anonymous: String
        var authenticated: String
        var service: String
    }

    /// Keys that were given. Those that were not come from the secrets file.
    struct GivenKeys: Sendable {
        var jwtSecret: String?
        var anonKey: String?
        var serviceKey: String?
        var s3AccessKey: String?
        var s3SecretKey: String?
        /// Base64 of 32 bytes.
        var masterKey: String?
    }

    struct Tokens: Sendable {
        /// `HS256`, `HS384` or `HS512`.
        var algorithm: String
        var jwks: String?
        var signedUploadLifetime: Duration
    }

    /// In bytes, except for the count.
    struct Limits: Sendable {
        var upload: Int64
        var objectsToEmpty: Int
        var json: Int
        var userMetadata: Int
    }

    /// In bytes.
    struct Cache: Sendable {
        var capacity: Int
        var objectLimit: Int
    }

    struct Upkeep: Sendable {
        var sweepInterval: Duration
        var orphanAge: Duration
    }

    enum Durability: String, Sendable {
        case fsync, none
    }

    /// Which web origins may use the server.
    enum Origins: Hashable, Sendable {
        case any
        case only(Set<String>)
    }

    var listener: Listener
    /// Without a slash at its end. Nil: what the listener says.
    var publicURL: String?
    var origins: Origins
    /// Zero: no `s-maxage`.
    var sharedMaxAge: Duration
    var shutdownTimeout: Duration
    var dataDirectory: String
    var durability: Durability
    var logLevel: Logger.Level
    var database: Database
    var roles: Roles
    var keys: GivenKeys
    var tokens: Tokens
    var s3Region: String
    var limits: Limits
    var cache: Cache
    var upkeep: Upkeep
    /// Names that look like settings and are none.
    var unknownNames: [String]
}

extension ServerConfiguration {
    /// The URL that clients use.
    /// - Parameter port: the one that is listened on, where it was left to the system.
    func url(port: Int? = nil) -> String {
        if let publicURL { return publicURL }
        // An address that stands for all of them is none to connect to.
        let host =
            switch listener.host {
            case "0.0.0.0": "127.0.0.1"
            case "::": "[::1]"
            case let host where host.contains(":"): "[\(host)]"
            case let host: host
            }
        return "\(listener.tls == nil ? "http" : "https")://\(host):\(port ?? listener.port)"
    }

    var secretsFile: String { dataDirectory + "/secrets.json" }
    var blobDirectory: String { dataDirectory + "/blobs" }
}
