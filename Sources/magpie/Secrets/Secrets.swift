// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore

/// What a server needs and nobody gave: made once, at its first start.
struct Secrets: Codable, Equatable, Sendable {
    /// When they were made, in seconds since 1970: the `iat` of the API keys, so that signing them again gives the same ones.
    var issuedAt: Int64
    var jwtSecret: String
    var anonKey: String
    var serviceKey: String
    var s3AccessKey: String
    var s3SecretKey: String
    var s3Region: String
    /// Base64 of 32 bytes.
    var masterKey: String
    var publishableKey: String
    var secretKey: String

    static let defaultRoles = (anonymous: "anon", service: "service_role")
    static let defaultAlgorithm = "HS256"

    /// New ones, from the system's random source.
    static func generate(at now: Timestamp = .now()) async throws -> Secrets {
        let jwtSecret = randomHex(bytes: 32)
        let signer = try await APIKeySigner(secret: jwtSecret, algorithm: defaultAlgorithm, issuedAt: now.seconds)
        return Secrets(
            issuedAt: now.seconds, jwtSecret: jwtSecret, anonKey: try signer.key(role: defaultRoles.anonymous),
            serviceKey: try signer.key(role: defaultRoles.service), s3AccessKey: randomHex(bytes: 16),
            s3SecretKey: randomHex(bytes: 32), s3Region: "us-east-1", masterKey: Data(randomBytes(32)).base64EncodedString(),
            publishableKey: "pk_" + randomHex(bytes: 24), secretKey: "sk_" + randomHex(bytes: 24))
    }

    private static func randomBytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    private static func randomHex(bytes count: Int) -> String {
        randomBytes(count).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

/// Signs API keys: tokens that name a role and live for ten years.
struct APIKeySigner: Sendable {
    private static let lifetime: Int64 = 10 * 365 * 86400
    private let keys: KeyRing
    private let issuedAt: Int64

    /// - Throws: `StorageError` for a secret or algorithm that can't sign.
    init(secret: String, algorithm: String, issuedAt: Int64) async throws {
        self.keys = try await KeyRing(secret: secret, algorithm: algorithm)
        self.issuedAt = issuedAt
    }

    func key(role: String) throws -> String {
        try keys.sign(
            JSONText(
                trusted: JSONWriter.object { writer in
                    writer.field("role", role)
                    writer.field("iss", "magpie")
                    writer.field("iat", issuedAt)
                    writer.field("exp", issuedAt + Self.lifetime)
                }))
    }
}
