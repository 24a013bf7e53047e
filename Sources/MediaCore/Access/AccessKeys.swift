// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation

/// Key pairs of the S3 dialect: the server's own, which is the service, and those that were made, which are whom their claims say.
public struct AccessKeys: Sendable {
    /// What the executable knows.
    public struct Configuration: Sendable {
        /// Seals secrets: 32 bytes.
        public var masterKey: [UInt8]
        /// The server's own pair and whom it stands for.
        public var server: AccessCredential?
        /// The role of keys whose claims name none.
        public var anonymousRole: String

        public init(masterKey: [UInt8], server: AccessCredential?, anonymousRole: String = "anon") {
            self.masterKey = masterKey
            self.server = server
            self.anonymousRole = anonymousRole
        }
    }

    /// How long a key is good for without being looked up again, in seconds. Revocations are announced; this is for those that get lost.
    static let lifetime: Int64 = 30

    private let store: any AccessKeyStore
    private let projects: any ProjectStore
    private let configuration: Configuration
    private let seal: SecretSeal
    private let known = RecentCredentials<AccessKeyID, AccessCredential>()

    public init(_ configuration: Configuration, store: any AccessKeyStore & ProjectStore) {
        self.store = store
        self.projects = store
        self.configuration = configuration
        self.seal = SecretSeal(masterKey: configuration.masterKey)
    }

    /// Makes a key pair. The secret is shown this once.
    /// - Parameter claims: a JSON object; `role` is the Postgres role to assume, `sub` the subject that will own what is written.
    /// - Throws: `StorageError` with `.invalidRequest` for claims that are none, or name the role of keys of projects.
    public func create(claims: JSONText, description: String) async throws -> AccessCredential {
        let principal = try principal(claims)
        guard principal.scope == nil else {
            throw StorageError(.invalidRequest, "The role \(ProjectScope.role) is for keys that are made for a project")
        }
        return try await insert(principal, description)
    }

    /// Makes a key pair that opens a project and nothing besides. The secret is shown this once.
    /// - Throws: `StorageError` with `.bucketNotFound` when there is no such project.
    public func create(for project: BucketID, description: String) async throws -> AccessCredential {
        guard try await projects.project(project, facts: RequestFacts(operation: .upkeep)) != nil else {
            throw StorageError.bucketNotFound(project)
        }
        let scope = ProjectScope(keyID: "", projects: [project])
        return try await insert(try principal(scope.claims), description)
    }

    private func insert(_ principal: Principal, _ description: String) async throws -> AccessCredential {
        let id = AccessKeyID("MGP" + Self.random(17, from: "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
        let secret = Base64URL.encode(SymmetricKey(size: SymmetricKeySize(bitCount: 240)).withUnsafeBytes { Array($0) })
        try await store.insertAccessKey(
            StoredAccessKey(
                id: id, sealedSecret: try seal(secret, for: id), claims: principal.claims, description: description,
                createdAt: .now()))
        return AccessCredential(id: id, secret: secret, principal: principal)
    }

    /// All that were made, revoked ones too, the newest first.
    public func list() async throws -> [StoredAccessKey] { try await store.accessKeys() }

    /// From now on the key opens nothing. - Returns: false when there is none, or it was revoked before.
    public func revoke(_ id: AccessKeyID) async throws -> Bool {
        defer { known.forget(id) }
        return try await runToEnd { try await store.revokeAccessKey(id) }
    }

    /// The key pair that a request names: to verify its signature, and to act as whom it stands for.
    /// - Throws: `StorageError` with `.unauthenticated` when there is none, or it was revoked; `.notConfigured` when it was sealed
    ///   under another master key.
    public func credential(_ id: AccessKeyID, at now: Timestamp = .now()) async throws -> AccessCredential {
        if let credential = self.known(id, at: now) { return credential }
        let ticket = known.ticket
        guard let stored = try await store.accessKey(id), stored.revokedAt == nil else {
            throw StorageError(.unauthenticated, "The access key does not exist", resource: String(id.rawValue.prefix(128)))
        }
        let credential = AccessCredential(
            id: id, secret: try open(stored.sealedSecret, for: id), principal: try principal(stored.claims, of: id))
        known.remember(credential, as: id, until: now.adding(seconds: Self.lifetime), ticket: ticket)
        return credential
    }

    /// The key pair that a request names, if it needs no asking: the server's own, or one that was used lately.
    public func known(_ id: AccessKeyID, at now: Timestamp = .now()) -> AccessCredential? {
        if let server = configuration.server, server.id == id { return server }
        return known.credential(id, at: now)
    }

    /// Follows what others change.
    public func apply(_ change: MetadataChange) {
        switch change {
        case .accessKey(let id): known.forget(id)
        case .lostTrack: known.forgetAll()
        case .object, .bucket, .backend, .jobs, .projectKey, .tracking: break
        }
    }

    private func principal(_ claims: JSONText, of id: AccessKeyID? = nil) throws -> Principal {
        guard let value = try? JSONSerialization.jsonObject(with: Data(claims.rawValue.utf8)),
            let fields = value as? [String: Any]
        else { throw StorageError(.invalidRequest, "The claims of a key must be a JSON object") }
        for name in ["role", "sub"] {
            guard let given = fields[name], !(given is String), !(given is NSNull) else { continue }
            throw StorageError(.invalidRequest, "The claim \(name) must be text")
        }
        let role = fields["role"] as? String ?? configuration.anonymousRole
        let scope =
            role == ProjectScope.role
            ? ProjectScope(
                keyID: id?.rawValue ?? "",
                projects: (fields["projects"] as? [String] ?? []).map { BucketID(stored: $0) }) : nil
        return Principal(role: role, subject: fields["sub"] as? String, claims: claims, token: "", scope: scope)
    }

    private func seal(_ secret: String, for id: AccessKeyID) throws -> String {
        try seal.seal(Data(secret.utf8), of: id.rawValue).base64EncodedString()
    }

    private func open(_ sealed: String, for id: AccessKeyID) throws -> String {
        do {
            guard let data = Data(base64Encoded: sealed) else { throw CryptoKitError.incorrectParameterSize }
            return String(decoding: try seal.open(data, of: id.rawValue), as: UTF8.self)
        } catch {
            throw StorageError(
                .notConfigured, "The access key can't be used: it was made under another master key", resource: id.rawValue)
        }
    }

    private static func random(_ count: Int, from alphabet: String) -> String {
        var generator = SystemRandomNumberGenerator()
        let characters = Array(alphabet)
        return String((0..<count).map { _ in characters[Int.random(in: characters.indices, using: &generator)] })
    }
}

/// A key pair, opened. Its secret is never logged.
public struct AccessCredential: Hashable, Sendable, CustomStringConvertible {
    public var id: AccessKeyID
    public var secret: String
    /// Whom the pair stands for.
    public var principal: Principal

    public init(id: AccessKeyID, secret: String, principal: Principal) {
        self.id = id
        self.secret = secret
        self.principal = principal
    }

    public var description: String { "access key \(id)" }
}
