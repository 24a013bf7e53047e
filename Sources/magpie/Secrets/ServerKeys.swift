// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// The keys in force: those that were given, and generated ones for the rest.
struct ServerKeys: Equatable, Sendable {
    var jwtSecret: String
    var anonKey: String
    var serviceKey: String
    var s3AccessKey: String
    var s3SecretKey: String
    var s3Region: String
    var masterKey: String
    var publishableKey: String
    var secretKey: String

    /// Loads the data directory's secrets, making both at the first call.
    /// - Throws: `DataDirectory.Failure`, `SecretsFile.Failure`.
    static func load(_ configuration: ServerConfiguration) async throws -> ServerKeys {
        let file = SecretsFile(path: configuration.secretsFile)
        if let secrets = try await BlockingWork.run({ try file.load() }) {
            return try await ServerKeys(secrets, configuration)
        }
        try await DataDirectory(path: configuration.dataDirectory).prepare()
        let fresh = try await Secrets.generate()
        return try await ServerKeys(BlockingWork.run { try file.keep(fresh) }, configuration)
    }

    /// API keys that the file holds are good for the file's own secret and the usual roles; otherwise they are signed anew, to the
    /// same result each time.
    init(_ secrets: Secrets, _ configuration: ServerConfiguration) async throws {
        let given = configuration.keys
        let algorithm = configuration.tokens.algorithm
        jwtSecret = given.jwtSecret ?? secrets.jwtSecret
        let signer = try await APIKeySigner(secret: jwtSecret, algorithm: algorithm, issuedAt: secrets.issuedAt)
        let isFilesOwn = jwtSecret == secrets.jwtSecret && algorithm == Secrets.defaultAlgorithm
        func key(_ given: String?, kept: String, role: String, usual: String) throws -> String {
            if let given { return given }
            return isFilesOwn && role == usual ? kept : try signer.key(role: role)
        }
        anonKey = try key(
            given.anonKey, kept: secrets.anonKey, role: configuration.roles.anonymous, usual: Secrets.defaultRoles.anonymous)
        serviceKey = try key(
            given.serviceKey, kept: secrets.serviceKey, role: configuration.roles.service, usual: Secrets.defaultRoles.service)
        s3AccessKey = given.s3AccessKey ?? secrets.s3AccessKey
        s3SecretKey = given.s3SecretKey ?? secrets.s3SecretKey
        s3Region = configuration.s3Region
        masterKey = given.masterKey ?? secrets.masterKey
        publishableKey = secrets.publishableKey
        secretKey = secrets.secretKey
    }

    /// The principal of the server's own work.
    func servicePrincipal(role: String) -> Principal {
        Principal(
            role: role, subject: nil, claims: JSONText(trusted: JSONWriter.object { $0.field("role", role) }), token: serviceKey)
    }

    /// By the names that `magpie keys` prints, in its order.
    func fields(url: String) -> [(name: String, value: String)] {
        [
            ("url", url), ("anonKey", anonKey), ("serviceKey", serviceKey), ("jwtSecret", jwtSecret),
            ("s3AccessKey", s3AccessKey), ("s3SecretKey", s3SecretKey), ("s3Region", s3Region),
            ("publishableKey", publishableKey), ("secretKey", secretKey),
        ]
    }
}
