// SPDX-License-Identifier: Apache-2.0

import BlobStores
import Foundation
import HTTPFrontends
import Logging
import MediaCore

/// What the commands need to know, parsed and checked once.
struct ServerConfiguration: Sendable {
    enum Durability: String, CaseIterable, Sendable { case fsync, none }
    fileprivate enum Algorithm: String, CaseIterable {
        case hs256 = "HS256", hs384 = "HS384", hs512 = "HS512"

        /// RFC 7518 §3.2: a key of at least the digest's length, in bytes.
        var shortestSecret: Int {
            switch self {
            case .hs256: 32
            case .hs384: 48
            case .hs512: 64
            }
        }
    }

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
    /// In lower case, without a port.
    var s3Domain: String?
    var compute: Compute
    /// Nil: blobs are on this machine's disk.
    var r2: R2?
    /// Where projects' own storage may be.
    var ownStorage: AddressPolicy
    var migrations: MigrationLimits
    var files: Files.Configuration
    /// Nil: nobody wants events.
    var events: Events?
    /// Nil: images are only delivered as they are.
    var images: Images?
    var assets: Assets.Configuration
    var jobs: Jobs
    var accounts: AccountSettings
    /// Of bkend's interface.
    var envelope: FilesEnvelope
    /// Nil: PostScript and videos are only kept.
    var conversions: Conversions?
    var limits: Limits
    var warnings: [String]

    struct Limits: Sendable {
        /// In bytes, as the other sizes here.
        var upload: Int64
        var json: Int
        var userMetadata: Int
        var watermark: Int
        var header: Int
        var target: Int
        var cache: Int
        var cachedObject: Int
        var minBodyRate: Int64
        var objectsToEmpty: Int
        /// A minute, of each key of projects.
        var uploadsPerMinute: Int
        var uploadQueue: Int
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
        var uploadExpiry: Duration
        /// Nil: for ever.
        var multipartExpiry: Duration?
        var sweepInterval: Duration
        var orphanAge: Duration
        var lifecycleDay: Duration
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
        databaseURL = try settings.text("DATABASE_URL")
        publicURL = try settings.text("PUBLIC_URL").map(Self.publicURL)
        durability = try settings.choice("DURABILITY", of: Durability.self)
        logLevel = try settings.choice("LOG_LEVEL", of: Logger.Level.self)
        let algorithm = try settings.choice("JWT_ALGORITHM", of: Algorithm.self)
        jwtAlgorithm = algorithm.rawValue
        jwks = try settings.text("JWT_JWKS")
        anonymousRole = try Self.role("ANON_ROLE", settings)
        serviceRole = try Self.role("SERVICE_ROLE", settings)
        givenSecrets = try GivenSecrets(settings, algorithm)
        s3Domain = try settings.text("S3_DOMAIN").map(Self.domain)
        tls = try Self.tls(settings)
        compute = try Compute(settings)
        r2 = try R2(settings)
        ownStorage = try AddressPolicy(settings)
        migrations = try MigrationLimits(settings)
        files = try Files.Configuration(settings)
        events = try Events(settings)
        images = try Images(settings)
        assets = try Assets.Configuration(settings)
        images?.variants.assetLimits = assets.limits
        jobs = try Jobs(settings)
        accounts = try AccountSettings(settings)
        envelope = try settings.choice("BKEND_ENVELOPE", of: FilesEnvelope.self)
        conversions = try Conversions(settings)
        limits = try Limits(settings)
        corsOrigins = try Self.origins(settings.required("CORS_ORIGINS"))
        warnings = settings.unknown.map { "\($0) is not a setting of Magpie and has no effect" }
    }

    private static func role(_ name: String, _ settings: Settings) throws -> String {
        let role = try settings.required(name)
        guard role != ProjectScope.role else {
            throw ConfigurationError("MAGPIE_\(name) must not be \(role): that is the role of keys of projects")
        }
        return role
    }

    private static func publicURL(_ text: String) throws -> String {
        let trimmed = String(text.reversed().drop { $0 == "/" }.reversed())
        guard let parts = URLComponents(string: trimmed), parts.scheme == "http" || parts.scheme == "https",
            parts.host?.isEmpty == false, parts.query == nil, parts.fragment == nil, parts.user == nil
        else { throw ConfigurationError("MAGPIE_PUBLIC_URL must be a URL such as https://media.example.com, not \(text)") }
        return trimmed
    }

    private static func domain(_ text: String) throws -> String {
        let isName = text.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
        }
        guard isName, !text.hasPrefix("."), !text.hasSuffix(".") else {
            throw ConfigurationError("MAGPIE_S3_DOMAIN must be a host name such as s3.example.com, not \(text)")
        }
        return text.lowercased()
    }

    /// Nil: any.
    private static func origins(_ text: String) throws -> Set<String>? {
        let origins = text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        if origins.contains("*") { return nil }
        for origin in origins {
            // RFC 6454 §6.2: a scheme and an authority, nothing behind.
            guard let parts = URLComponents(string: origin), parts.scheme != nil, parts.host?.isEmpty == false,
                parts.path.isEmpty,
                parts.query == nil, parts.fragment == nil
            else {
                throw ConfigurationError(
                    "MAGPIE_CORS_ORIGINS must be * or origins such as https://app.example.com, not \(origin)")
            }
        }
        return Set(origins)
    }

    private static func tls(_ settings: Settings) throws -> TLS? {
        switch (try settings.text("TLS_CERTIFICATE"), try settings.text("TLS_KEY")) {
        case (nil, nil): return nil
        case (let certificate?, let key?): return TLS(certificateFile: certificate, keyFile: key)
        default: throw ConfigurationError("MAGPIE_TLS_CERTIFICATE and MAGPIE_TLS_KEY must be given together")
        }
    }

    /// Where clients find the server.
    var url: String {
        if let publicURL { return publicURL }
        // An address that stands for all of them is none to connect to.
        let host =
            switch host {
            case "0.0.0.0": "127.0.0.1"
            case "::": "[::1]"
            case let host: host.contains(":") ? "[\(host)]" : host
            }
        return "\(tls == nil ? "http" : "https")://\(host):\(port)"
    }

    /// The host by which clients know the server, with a port that is not the scheme's.
    var urlHost: String {
        String(url.drop { $0 != "/" }.drop { $0 == "/" }.prefix { $0 != "/" })
    }

    var blobDirectory: String { dataDirectory + "/store" }
    var variantDirectory: String { dataDirectory + "/variants" }
    /// Of files that are being converted.
    var scratchDirectory: String { dataDirectory + "/scratch" }
}

extension ServerConfiguration.GivenSecrets {
    fileprivate init(_ settings: Settings, _ algorithm: ServerConfiguration.Algorithm) throws {
        jwtSecret = try settings.text("JWT_SECRET")
        if let jwtSecret, jwtSecret.utf8.count < algorithm.shortestSecret {
            throw ConfigurationError(
                "MAGPIE_JWT_SECRET must have at least \(algorithm.shortestSecret) bytes for \(algorithm.rawValue)")
        }
        anonKey = try settings.text("ANON_KEY")
        serviceKey = try settings.text("SERVICE_KEY")
        s3AccessKey = try settings.text("S3_ACCESS_KEY")
        s3SecretKey = try settings.text("S3_SECRET_KEY")
        guard (s3AccessKey == nil) == (s3SecretKey == nil) else {
            throw ConfigurationError("MAGPIE_S3_ACCESS_KEY and MAGPIE_S3_SECRET_KEY must be given together")
        }
        s3Region = try settings.required("S3_REGION")
        masterKey = try settings.text("MASTER_KEY")
        if let masterKey, Data(base64Encoded: masterKey)?.count != 32 {
            throw ConfigurationError("MAGPIE_MASTER_KEY must be 32 bytes in base64")
        }
    }
}

extension ServerConfiguration.Limits {
    /// A sweep that came between the bytes of an upload and its row would lose an upload that is then acknowledged. Longer than
    /// the locks and statements of a row may take.
    private static let shortestOrphanAge = Duration.seconds(600)

    init(_ settings: Settings) throws {
        func bytes(_ name: String) throws -> Int { Int(clamping: try settings.bytes(name)) }
        self.init(
            upload: try settings.bytes("UPLOAD_LIMIT"), json: try bytes("JSON_LIMIT"),
            userMetadata: try bytes("USER_METADATA_LIMIT"), watermark: try bytes("WATERMARK_LIMIT"),
            header: try bytes("HEADER_LIMIT"), target: try bytes("TARGET_LIMIT"), cache: try bytes("CACHE_SIZE"),
            cachedObject: try bytes("CACHED_OBJECT_LIMIT"), minBodyRate: try settings.bytes("MIN_BODY_RATE"),
            objectsToEmpty: try settings.integer("EMPTY_BUCKET_MAX", in: 0...100_000_000),
            uploadsPerMinute: try settings.integer("UPLOAD_RATE", in: 0...1_000_000),
            uploadQueue: try settings.integer("UPLOAD_QUEUE", in: 0...10_000),
            connections: try settings.integer("MAX_CONNECTIONS", in: 1...1_000_000),
            databasePool: try settings.text("DATABASE_POOL").map { _ in try settings.integer("DATABASE_POOL", in: 1...1000) },
            sharedMaxAge: try settings.integer("RESPONSE_S_MAXAGE", in: 0...31_536_000),
            databaseWait: try settings.duration("DATABASE_WAIT"), headerTimeout: try settings.duration("HEADER_TIMEOUT"),
            idleTimeout: try settings.duration("IDLE_TIMEOUT"), bodyTimeout: try settings.duration("BODY_TIMEOUT"),
            sendTimeout: try settings.duration("SEND_TIMEOUT"), shutdownTimeout: try settings.duration("SHUTDOWN_TIMEOUT"),
            signedUploadExpiry: try settings.duration("SIGNED_UPLOAD_EXPIRY"),
            uploadExpiry: try settings.duration("UPLOAD_EXPIRY", atLeast: .seconds(1)),
            multipartExpiry: try settings.durationOrNone("MULTIPART_EXPIRY", atLeast: .seconds(1)),
            sweepInterval: try settings.duration("SWEEP_INTERVAL"),
            orphanAge: try settings.duration("ORPHAN_AGE", atLeast: Self.shortestOrphanAge),
            lifecycleDay: try settings.duration("LIFECYCLE_DAY"))
    }
}
