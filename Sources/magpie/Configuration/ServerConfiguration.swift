// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging

/// What the commands need to know, parsed and checked once.
struct ServerConfiguration: Sendable {
    enum Durability: String, CaseIterable, Sendable { case fsync, none }

    struct TLS: Sendable {
        var certificateFile: String
        var keyFile: String
    }

    var host: String
    var port: Int
    /// Absolute.
    var dataDirectory: String
    /// Nil: the private PostgreSQL.
    var databaseURL: String?
    var publicURL: String?
    var durability: Durability
    var tls: TLS?
    var logLevel: Logger.Level
    /// What was given of the secrets; what was not is generated.
    var givenSecrets: GivenSecrets
    var jwtAlgorithm: String
    var jwks: String?
    var anonymousRole: String
    var serviceRole: String
    var limits: Limits
    var warnings: [String]

    struct Limits: Sendable {
        /// In bytes, as the other sizes here.
        var upload: Int64
        var json: Int
        var userMetadata: Int
        var header: Int
        var target: Int
        var cache: Int
        var cachedObject: Int
        var minBodyRate: Int64
        var objectsToEmpty: Int
        var connections: Int
        var databasePool: Int?
        var sharedMaxAge: Int
        var databaseWait: Duration
        var headerTimeout: Duration
        var idleTimeout: Duration
        var bodyTimeout: Duration
        var sendTimeout: Duration
        var shutdownTimeout: Duration
        var signedUploadExpiry: Duration
        var sweepInterval: Duration
        var orphanAge: Duration
    }

    struct GivenSecrets: Sendable {
        var jwtSecret: String?
        var anonKey: String?
        var serviceKey: String?
        var s3AccessKey: String?
        var s3SecretKey: String?
        var s3Region: String
        var masterKey: String?
    }

    /// Nil: any.
    var corsOrigins: Set<String>?

    /// - Throws: `ConfigurationError` that names the setting.
    init(_ settings: Settings) throws {
        host = try settings.required("HOST")
        port = try settings.integer("PORT", in: 0...65_535)
        dataDirectory = URL(fileURLWithPath: try settings.required("DATA_DIR")).standardizedFileURL.path
        databaseURL = settings.text("DATABASE_URL")
        publicURL = settings.text("PUBLIC_URL").map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
        durability = try settings.choice("DURABILITY", of: Durability.self)
        logLevel = try settings.choice("LOG_LEVEL", of: Logger.Level.self)
        jwtAlgorithm = try settings.required("JWT_ALGORITHM")
        jwks = settings.text("JWT_JWKS")
        anonymousRole = try settings.required("ANON_ROLE")
        serviceRole = try settings.required("SERVICE_ROLE")
        givenSecrets = GivenSecrets(
            jwtSecret: settings.text("JWT_SECRET"), anonKey: settings.text("ANON_KEY"), serviceKey: settings.text("SERVICE_KEY"),
            s3AccessKey: settings.text("S3_ACCESS_KEY"), s3SecretKey: settings.text("S3_SECRET_KEY"),
            s3Region: try settings.required("S3_REGION"), masterKey: try Self.masterKey(settings))
        tls = try Self.tls(settings)
        limits = try Limits(settings)
        let origins = try settings.required("CORS_ORIGINS").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        corsOrigins = origins.contains("*") ? nil : Set(origins)
        warnings = settings.unknown.map { "\($0) is not a setting of Magpie and has no effect" }
    }

    private static func masterKey(_ settings: Settings) throws -> String? {
        guard let text = settings.text("MASTER_KEY") else { return nil }
        guard Data(base64Encoded: text)?.count == 32 else {
            throw ConfigurationError("MAGPIE_MASTER_KEY must be 32 bytes in base64")
        }
        return text
    }

    private static func tls(_ settings: Settings) throws -> TLS? {
        switch (settings.text("TLS_CERTIFICATE"), settings.text("TLS_KEY")) {
        case (nil, nil): return nil
        case (let certificate?, let key?): return TLS(certificateFile: certificate, keyFile: key)
        default: throw ConfigurationError("MAGPIE_TLS_CERTIFICATE and MAGPIE_TLS_KEY must be given together")
        }
    }

    /// Where clients find the server.
    var url: String {
        publicURL ?? "\(tls == nil ? "http" : "https")://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }

    var blobDirectory: String { dataDirectory + "/store" }
}

extension ServerConfiguration.Limits {
    init(_ settings: Settings) throws {
        func bytes(_ name: String) throws -> Int { Int(clamping: try settings.bytes(name)) }
        self.init(
            upload: try settings.bytes("UPLOAD_LIMIT"), json: try bytes("JSON_LIMIT"), userMetadata: try bytes("USER_METADATA_LIMIT"),
            header: try bytes("HEADER_LIMIT"), target: try bytes("TARGET_LIMIT"), cache: try bytes("CACHE_SIZE"),
            cachedObject: try bytes("CACHED_OBJECT_LIMIT"), minBodyRate: try settings.bytes("MIN_BODY_RATE"),
            objectsToEmpty: try settings.integer("EMPTY_BUCKET_MAX", in: 0...100_000_000),
            connections: try settings.integer("MAX_CONNECTIONS", in: 1...1_000_000),
            databasePool: try settings.text("DATABASE_POOL").map { _ in try settings.integer("DATABASE_POOL", in: 1...1000) },
            sharedMaxAge: try settings.integer("RESPONSE_S_MAXAGE", in: 0...31_536_000),
            databaseWait: try settings.duration("DATABASE_WAIT"), headerTimeout: try settings.duration("HEADER_TIMEOUT"),
            idleTimeout: try settings.duration("IDLE_TIMEOUT"), bodyTimeout: try settings.duration("BODY_TIMEOUT"),
            sendTimeout: try settings.duration("SEND_TIMEOUT"), shutdownTimeout: try settings.duration("SHUTDOWN_TIMEOUT"),
            signedUploadExpiry: try settings.duration("SIGNED_UPLOAD_EXPIRY"),
            sweepInterval: try settings.duration("SWEEP_INTERVAL"), orphanAge: try settings.duration("ORPHAN_AGE"))
    }
}
