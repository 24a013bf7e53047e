// SPDX-License-Identifier: Apache-2.0

/// One thing that can be set: its name, what holds when it is not, and what it is for.
///
/// This table is the only list of settings: values are looked up by its entries, and the documentation is checked against it.
struct Setting: Hashable, Sendable {
    /// The environment variable, and the key in the configuration file.
    let name: String
    /// The value when none is given, as it would be written. Nil: there is none.
    let fallback: String?
    /// What it does, for people.
    let summary: String
    /// Its value is never shown.
    let isSecret: Bool

    private init(_ name: String, _ fallback: String?, _ summary: String, isSecret: Bool = false) {
        self.name = name
        self.fallback = fallback
        self.summary = summary
        self.isSecret = isSecret
    }
}

// Where the server listens and keeps its data
extension Setting {
    static let host = Setting("MAGPIE_HOST", "127.0.0.1", "Address to listen on; `0.0.0.0` for every IPv4 address")
    static let port = Setting("MAGPIE_PORT", "5000", "Port to listen on; `0` for a free one")
    static let publicURL = Setting("MAGPIE_PUBLIC_URL", nil, "URL under which clients reach the server, when it is another")
    static let tlsCertificate = Setting("MAGPIE_TLS_CERTIFICATE", nil, "PEM file with the certificate chain; switches to HTTPS")
    static let tlsKey = Setting("MAGPIE_TLS_KEY", nil, "PEM file with the private key of the certificate")
    static let dataDirectory = Setting("MAGPIE_DATA_DIR", "./data", "Directory for blobs, the private PostgreSQL and generated secrets")
    static let durability = Setting(
        "MAGPIE_DURABILITY", "fsync", "`fsync`: an acknowledged write survives power loss; `none`: only the end of the process")
    static let logLevel = Setting("MAGPIE_LOG_LEVEL", "info", "`trace`, `debug`, `info`, `notice`, `warning`, `error` or `critical`")
}

// The database
extension Setting {
    static let databaseURL = Setting(
        "MAGPIE_DATABASE_URL", nil, "`postgres://` URL of a database to use instead of the private PostgreSQL", isSecret: true)
    static let databasePool = Setting("MAGPIE_DATABASE_POOL", nil, "Connections to the database; two per core when not set, at least four")
    static let databaseWait = Setting("MAGPIE_DATABASE_WAIT", "10s", "How long a request waits for a free connection")
    static let databaseTimeout = Setting("MAGPIE_DATABASE_TIMEOUT", "30s", "How long one statement may run; `0` for no limit")
    static let anonymousRole = Setting("MAGPIE_ANON_ROLE", "anon", "Database role of callers without a token")
    static let authenticatedRole = Setting("MAGPIE_AUTHENTICATED_ROLE", "authenticated", "Database role of signed-in users")
    static let serviceRole = Setting("MAGPIE_SERVICE_ROLE", "service_role", "Database role that row-level security does not bind")
}

// Keys and tokens
extension Setting {
    static let jwtSecret = Setting(
        "MAGPIE_JWT_SECRET", nil, "Secret that tokens are signed with, at least 16 bytes; generated when not set", isSecret: true)
    static let jwtAlgorithm = Setting("MAGPIE_JWT_ALGORITHM", "HS256", "`HS256`, `HS384` or `HS512`: how the secret signs")
    static let jwtJWKS = Setting("MAGPIE_JWT_JWKS", nil, "JSON Web Key Set with further keys to trust, as JSON", isSecret: true)
    static let anonKey = Setting("MAGPIE_ANON_KEY", nil, "Public API key; made from the JWT secret when not set", isSecret: true)
    static let serviceKey = Setting("MAGPIE_SERVICE_KEY", nil, "Secret API key; made from the JWT secret when not set", isSecret: true)
    static let s3AccessKey = Setting("MAGPIE_S3_ACCESS_KEY", nil, "Access key id for S3 clients; generated when not set", isSecret: true)
    static let s3SecretKey = Setting("MAGPIE_S3_SECRET_KEY", nil, "Secret access key for S3 clients; generated when not set", isSecret: true)
    static let s3Region = Setting("MAGPIE_S3_REGION", "us-east-1", "Region that S3 clients sign for")
    static let masterKey = Setting(
        "MAGPIE_MASTER_KEY", nil, "Key that stored credentials are sealed with: 32 bytes in Base64; generated when not set",
        isSecret: true)
    static let signedUploadExpiry = Setting("MAGPIE_SIGNED_UPLOAD_EXPIRY", "7200s", "How long a signed upload URL is valid")
}

// Limits and times
extension Setting {
    static let uploadLimit = Setting("MAGPIE_UPLOAD_LIMIT", "5GiB", "Largest object; buckets may set a lower limit")
    static let emptyBucketMax = Setting("MAGPIE_EMPTY_BUCKET_MAX", "200000", "Most objects that one call empties a bucket of")
    static let jsonLimit = Setting("MAGPIE_JSON_LIMIT", "1MiB", "Largest JSON request body")
    static let userMetadataLimit = Setting("MAGPIE_USER_METADATA_LIMIT", "1MiB", "Largest custom metadata of an object")
    static let headerLimit = Setting("MAGPIE_HEADER_LIMIT", "32KiB", "All header fields of a request together")
    static let maxConnections = Setting("MAGPIE_MAX_CONNECTIONS", "4096", "Connections served at once; further ones wait")
    static let idleTimeout = Setting("MAGPIE_IDLE_TIMEOUT", "75s", "How long a connection may stay open without a request")
    static let headerTimeout = Setting("MAGPIE_HEADER_TIMEOUT", "15s", "How long a request's head may take to arrive")
    static let bodyTimeout = Setting("MAGPIE_BODY_TIMEOUT", "60s", "How long a request's body may pause")
    static let shutdownTimeout = Setting("MAGPIE_SHUTDOWN_TIMEOUT", "30s", "How long requests under way may take once the server is told to stop")
    static let corsOrigins = Setting(
        "MAGPIE_CORS_ORIGINS", "*", "Web origins that may use the server, separated by commas; `*` for all, `none` for no one")
    static let responseSMaxAge = Setting("MAGPIE_RESPONSE_S_MAXAGE", "0s", "`s-maxage` that answers carry for shared caches; `0` for none")
    static let cacheSize = Setting("MAGPIE_CACHE_SIZE", "128MiB", "Memory for objects that are read often")
    static let cachedObjectLimit = Setting("MAGPIE_CACHED_OBJECT_LIMIT", "256KiB", "Largest object kept in that memory")
    static let sweepInterval = Setting("MAGPIE_SWEEP_INTERVAL", "6h", "How often the server looks for what crashed uploads left behind")
    static let orphanAge = Setting("MAGPIE_ORPHAN_AGE", "1h", "How old such leftovers must be to be removed")
}

extension Setting {
    /// Where the configuration file is. Not a key of that file.
    static let configFile = Setting("MAGPIE_CONFIG", nil, "JSON file with settings, by these names; the environment wins over it")

    /// Every setting, in the order of the documentation.
    static let all: [Setting] = [
        host, port, publicURL, tlsCertificate, tlsKey, dataDirectory, durability, logLevel, configFile,
        databaseURL, databasePool, databaseWait, databaseTimeout, anonymousRole, authenticatedRole, serviceRole,
        jwtSecret, jwtAlgorithm, jwtJWKS, anonKey, serviceKey, s3AccessKey, s3SecretKey, s3Region, masterKey, signedUploadExpiry,
        uploadLimit, emptyBucketMax, jsonLimit, userMetadataLimit, headerLimit, maxConnections, idleTimeout, headerTimeout,
        bodyTimeout, shutdownTimeout, corsOrigins, responseSMaxAge, cacheSize, cachedObjectLimit, sweepInterval, orphanAge,
    ]

    /// The table as Markdown, for the documentation.
    static var markdown: String {
        let rows = all.map { "| `\($0.name)` | \($0.fallback.map { "`\($0)`" } ?? "–") | \($0.summary) |" }
        return (["| name | default | what it does |", "|---|---|---|"] + rows).joined(separator: "\n")
    }
}
