// SPDX-License-Identifier: Apache-2.0

/// Key pairs of the S3 dialect: rows of `magpie.s3_keys`, read and written by the service only. Secrets are sealed before they get here.
public protocol AccessKeyStore: Sendable {
    /// - Throws: `.invalidRequest` for an id that is taken.
    func insertAccessKey(_ key: StoredAccessKey) async throws

    /// Revoked ones too. Nil when there is none.
    func accessKey(_ id: AccessKeyID) async throws -> StoredAccessKey?

    /// All, the newest first.
    func accessKeys() async throws -> [StoredAccessKey]

    /// From now on the key opens nothing; announced to every server. - Returns: false when there is none, or it was revoked before.
    func revokeAccessKey(_ id: AccessKeyID) async throws -> Bool
}

/// The public half of a key pair.
public struct AccessKeyID: Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String
    public init(_ rawValue: String) { self.rawValue = rawValue }
    public var description: String { rawValue }
}

/// A key pair as it is stored.
public struct StoredAccessKey: Hashable, Sendable {
    public var id: AccessKeyID
    /// The secret under AES-GCM (NIST SP 800-38D): nonce, ciphertext and tag, in base64. The id is authenticated with it.
    public var sealedSecret: String
    /// A JSON object of JWT claims: whom the key makes its holder.
    public var claims: JSONText
    public var description: String
    public var createdAt: Timestamp
    public var revokedAt: Timestamp?

    public init(
        id: AccessKeyID, sealedSecret: String, claims: JSONText, description: String, createdAt: Timestamp,
        revokedAt: Timestamp? = nil
    ) {
        self.id = id
        self.sealedSecret = sealedSecret
        self.claims = claims
        self.description = description
        self.createdAt = createdAt
        self.revokedAt = revokedAt
    }
}
