// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging

extension ServerConfiguration {
    /// Parses and checks every setting.
    /// - Throws: `ConfigurationError` that names the first setting that can't be used.
    init(_ sources: SettingSources) throws {
        listener = try Listener(sources)
        publicURL = try sources.text(.publicURL).map(Self.publicURL)
        origins = try Self.origins(sources.required(.corsOrigins))
        sharedMaxAge = try sources.duration(.responseSMaxAge, in: .zero ... .seconds(31_536_000))
        shutdownTimeout = try sources.duration(.shutdownTimeout, in: .milliseconds(100) ... .seconds(3600))
        dataDirectory = try Self.directory(sources.required(.dataDirectory))
        durability = try sources.choice(.durability, "fsync or none", Durability.init(rawValue:))
        logLevel = try sources.choice(.logLevel, "trace, debug, info, notice, warning, error or critical") {
            Logger.Level(rawValue: $0.lowercased())
        }
        database = try Database(sources)
        roles = try Roles(sources)
        keys = try GivenKeys(sources)
        tokens = try Tokens(sources)
        s3Region = try sources.required(.s3Region)
        limits = try Limits(sources)
        cache = try Cache(
            capacity: Int(sources.size(.cacheSize, in: 0...(1 << 40))), objectLimit: Int(sources.size(.cachedObjectLimit, in: 0...(1 << 30))))
        upkeep = try Upkeep(
            sweepInterval: sources.duration(.sweepInterval, in: .seconds(1) ... .seconds(30 * 86400)),
            orphanAge: sources.duration(.orphanAge, in: .seconds(60) ... .seconds(365 * 86400)))
        unknownNames = sources.unknownNames
    }

    private static func publicURL(_ text: String) throws -> String {
        let trimmed = String(text.reversed().drop { $0 == "/" }.reversed())
        guard let parts = URLComponents(string: trimmed), parts.scheme == "http" || parts.scheme == "https",
            parts.host?.isEmpty == false, parts.query == nil, parts.fragment == nil, parts.user == nil
        else { throw ConfigurationError(.publicURL, "must be a URL such as https://media.example.com, not \"\(text)\"") }
        return trimmed
    }

    private static func origins(_ text: String) throws -> Origins {
        if text == "*" { return .any }
        if text == "none" { return .only([]) }
        let origins = text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        for origin in origins {
            // RFC 6454 §6.2: a scheme and an authority, nothing behind.
            guard let parts = URLComponents(string: origin), parts.scheme != nil, parts.host?.isEmpty == false, parts.path.isEmpty,
                parts.query == nil, parts.fragment == nil
            else {
                throw ConfigurationError(
                    .corsOrigins, "must be *, none, or origins such as https://app.example.com, and \"\(origin)\" is none of them")
            }
        }
        return .only(Set(origins))
    }

    /// Absolute, so that it means the same in messages and for child processes.
    private static func directory(_ text: String) -> String {
        URL(fileURLWithPath: text).standardizedFileURL.path
    }
}

extension ServerConfiguration.Listener {
    fileprivate init(_ sources: SettingSources) throws {
        host = try sources.required(.host)
        port = try sources.integer(.port, in: 0...65535)
        switch (try sources.text(.tlsCertificate), try sources.text(.tlsKey)) {
        case (let certificate?, let key?): tls = TLS(certificatePath: certificate, keyPath: key)
        case (nil, nil): tls = nil
        case (_?, nil): throw ConfigurationError(.tlsKey, "must be set together with \(Setting.tlsCertificate.name)")
        case (nil, _?): throw ConfigurationError(.tlsCertificate, "must be set together with \(Setting.tlsKey.name)")
        }
        maxConnections = try sources.integer(.maxConnections, in: 1...1_000_000)
        headerLimit = Int(try sources.size(.headerLimit, in: 4096...(1 << 20)))
        let times = Duration.milliseconds(100) ... .seconds(86400)
        idleTimeout = try sources.duration(.idleTimeout, in: times)
        headerTimeout = try sources.duration(.headerTimeout, in: times)
        bodyTimeout = try sources.duration(.bodyTimeout, in: times)
    }
}

extension ServerConfiguration.Database {
    fileprivate init(_ sources: SettingSources) throws {
        url = try sources.text(.databaseURL)
        if let url, !url.hasPrefix("postgres://"), !url.hasPrefix("postgresql://"), !url.contains("=") {
            throw ConfigurationError(.databaseURL, "must be a postgres:// URL or a connection string of libpq")
        }
        poolSize = try sources.optionalInteger(.databasePool, in: 1...1000)
        waitTimeout = try sources.duration(.databaseWait, in: .milliseconds(10) ... .seconds(600))
        statementTimeout = try sources.duration(.databaseTimeout, in: .zero ... .seconds(86400))
    }
}

extension ServerConfiguration.Roles {
    fileprivate init(_ sources: SettingSources) throws {
        func role(_ setting: Setting) throws -> String {
            try sources.choice(setting, "the name of a database role, of at most 63 bytes") {
                $0.utf8.count <= 63 && !$0.utf8.contains(0) ? $0 : nil
            }
        }
        anonymous = try role(.anonymousRole)
        authenticated = try role(.authenticatedRole)
        service = try role(.serviceRole)
    }
}

extension ServerConfiguration.GivenKeys {
    fileprivate init(_ sources: SettingSources) throws {
        jwtSecret = try sources.text(.jwtSecret)
        if let jwtSecret, jwtSecret.utf8.count < 16 { throw ConfigurationError(.jwtSecret, "must have at least 16 bytes") }
        anonKey = try sources.text(.anonKey)
        serviceKey = try sources.text(.serviceKey)
        s3AccessKey = try sources.text(.s3AccessKey)
        s3SecretKey = try sources.text(.s3SecretKey)
        guard (s3AccessKey == nil) == (s3SecretKey == nil) else {
            let missing = s3AccessKey == nil ? Setting.s3AccessKey : .s3SecretKey
            throw ConfigurationError(missing, "must be set together with the other half of the S3 key")
        }
        masterKey = try sources.text(.masterKey)
        if let masterKey, Data(base64Encoded: masterKey)?.count != 32 {
            throw ConfigurationError(.masterKey, "must be 32 bytes in Base64")
        }
    }
}

extension ServerConfiguration.Tokens {
    fileprivate init(_ sources: SettingSources) throws {
        algorithm = try sources.choice(.jwtAlgorithm, "HS256, HS384 or HS512") {
            ["HS256", "HS384", "HS512"].contains($0) ? $0 : nil
        }
        jwks = try sources.text(.jwtJWKS)
        signedUploadLifetime = try sources.duration(.signedUploadExpiry, in: .seconds(1) ... .seconds(365 * 86400))
    }
}

extension ServerConfiguration.Limits {
    fileprivate init(_ sources: SettingSources) throws {
        upload = try sources.size(.uploadLimit, in: 1...(1 << 50))
        objectsToEmpty = try sources.integer(.emptyBucketMax, in: 1...100_000_000)
        json = Int(try sources.size(.jsonLimit, in: 1024...(64 << 20)))
        userMetadata = Int(try sources.size(.userMetadataLimit, in: 0...(16 << 20)))
    }
}
