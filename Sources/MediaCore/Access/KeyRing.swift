// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import JWTKit

/// The keys that tokens are verified and signed with: one shared secret and, where configured, a JSON Web Key Set.
///
/// An immutable snapshot, so that verifying never waits for another task.
public struct KeyRing: Sendable {
    /// A key of the set with an algorithm object for each `alg` it may be used with.
    private struct Key: Sendable {
        let id: String?
        /// The `alg` the key is bound to, when it names one.
        let boundAlgorithm: String?
        let algorithms: [String: any JWTAlgorithm]
        let isSymmetric: Bool
    }

    private let secretAlgorithm: String
    private let secrets: [String: any JWTAlgorithm]
    private let keys: [Key]
    private let urlSigningKey: Key?

    /// - Parameters:
    ///   - secret: the shared secret, at least as long as the algorithm's digest: 32, 48 or 64 bytes.
    ///   - algorithm: `HS256`, `HS384` or `HS512`: what tokens without a key id must be signed with.
    ///   - jwks: `{"keys": […], "urlSigningKey": {…}}`, RFC 7517. Keys of a kind that can't be used here are refused.
    /// - Throws: `StorageError` with code `.invalidParameter` that says which key is unusable, never showing it.
    public init(secret: String, algorithm: String = "HS256", jwks: String? = nil) async throws {
        guard let digestBytes = Self.hmacAlgorithms[algorithm] else {
            throw StorageError(.invalidParameter, "The JWT algorithm must be HS256, HS384 or HS512")
        }
        guard secret.utf8.count >= digestBytes else {
            throw StorageError(.invalidParameter, "The JWT secret must have at least \(digestBytes) bytes for \(algorithm)")
        }
        self.secretAlgorithm = algorithm
        self.secrets = try await Self.hmac(Array(secret.utf8))
        guard let jwks else {
            self.keys = []
            self.urlSigningKey = nil
            return
        }
        guard let set = (try? JSONSerialization.jsonObject(with: Data(jwks.utf8))) as? [String: Any],
            let list = set["keys"] as? [[String: Any]]
        else { throw StorageError(.invalidParameter, "The JWKS is not a JSON object with a list \"keys\"") }
        var keys: [Key] = []
        for (index, fields) in list.enumerated() { keys.append(try await Self.key(fields, name: "keys[\(index)]")) }
        if let fields = set["urlSigningKey"] as? [String: Any] {
            let key = try await Self.key(fields, name: "urlSigningKey")
            guard key.isSymmetric else {
                throw StorageError(.invalidParameter, "The urlSigningKey of the JWKS must be of type oct")
            }
            self.urlSigningKey = key
            keys.append(key)
        } else {
            self.urlSigningKey = nil
        }
        self.keys = keys
    }

    /// Verifies signature and dates and returns the claims.
    /// - Throws: `StorageError` with code `.unauthenticated`.
    public func verify(_ token: String, at now: Timestamp = .now()) throws(StorageError) -> Claims {
        let token = try JSONWebToken(token)
        let algorithm = try self.algorithm(for: token)
        let isValid: Bool
        do { isValid = try algorithm.verify(token.signature, signs: token.signedBytes) } catch { isValid = false }
        guard isValid else { throw StorageError(.unauthenticated, "signature verification failed") }
        try token.claims.requireCurrent(at: now)
        return token.claims
    }

    /// Signs claims as a compact JWS with the key for URLs, or else the secret.
    public func sign(_ claims: JSONText) throws -> String {
        let (name, signer) = urlSigner
        let header = JSONWriter.object { writer in
            writer.field("alg", name)
            writer.field("typ", "JWT")
            if let id = urlSigningKey?.id { writer.field("kid", id) }
        }
        let signed = Base64URL.encode(header.utf8) + "." + Base64URL.encode(claims.rawValue.utf8)
        return signed + "." + Base64URL.encode(try signer.sign(Array(signed.utf8)))
    }

    private var urlSigner: (name: String, signer: any JWTAlgorithm) {
        let algorithms = urlSigningKey?.algorithms ?? secrets
        let wanted = urlSigningKey?.boundAlgorithm ?? (algorithms[secretAlgorithm] != nil ? secretAlgorithm : "HS256")
        // `init` refuses keys that are too short for the algorithm they are for.
        guard let signer = algorithms[wanted] else { preconditionFailure("a symmetric key without its own algorithm") }
        return (wanted, signer)
    }

    private func algorithm(for token: JSONWebToken) throws(StorageError) -> any JWTAlgorithm {
        if Self.hmacAlgorithms[token.algorithm] != nil { return try symmetric(for: token) }
        for key in keys where !key.isSymmetric && Self.sameID(key.id, token.keyID) {
            if let algorithm = key.algorithms[token.algorithm] { return algorithm }
        }
        throw StorageError(.unauthenticated, "no applicable key found in the JSON Web Key Set")
    }

    private func symmetric(for token: JSONWebToken) throws(StorageError) -> any JWTAlgorithm {
        if token.keyID != nil || token.algorithm != secretAlgorithm {
            for key in keys where key.isSymmetric && (key.id == nil || Self.sameID(key.id, token.keyID)) {
                if let algorithm = key.algorithms[token.algorithm] { return algorithm }
                if key.id != nil, let bound = key.boundAlgorithm {
                    throw StorageError(
                        .unauthenticated, "JWT algorithm \"\(token.algorithm)\" does not match JWK algorithm \"\(bound)\"")
                }
            }
        }
        guard token.algorithm == secretAlgorithm, let algorithm = secrets[secretAlgorithm] else {
            throw StorageError(.unauthenticated, "\"alg\" (Algorithm) Header Parameter value not allowed")
        }
        return algorithm
    }

    // Quirk: tokens signed by Supabase's older storage service carry this prefix before the key id.
    private static let legacyIDPrefix = "storage-url-signing-key_"

    private static func sameID(_ key: String?, _ token: String?) -> Bool {
        guard let key, let token else { return key == nil && token == nil }
        return key == token || legacyIDPrefix + key == token || key == legacyIDPrefix + token
    }
}

extension KeyRing {
    /// The HMAC algorithms with the length of their digests in bytes, which is the least a key must have (RFC 7518 §3.2).
    private static let hmacAlgorithms = ["HS256": 32, "HS384": 48, "HS512": 64]

    /// The algorithms that `secret` is long enough for.
    private static func hmac(_ secret: [UInt8]) async throws -> [String: any JWTAlgorithm] {
        var result: [String: any JWTAlgorithm] = [:]
        for (name, digest) in [("HS256", DigestAlgorithm.sha256), ("HS384", .sha384), ("HS512", .sha512)]
        where secret.count >= hmacAlgorithms[name] ?? .max {
            let collection = JWTKeyCollection()
            await collection.add(hmac: HMACKey(key: SymmetricKey(data: secret)), digestAlgorithm: digest)
            result[name] = try await collection.getKey()
        }
        return result
    }

    private static func key(_ fields: [String: Any], name: String) async throws -> Key {
        let id = fields["kid"] as? String
        let bound = fields["alg"] as? String
        if fields["kty"] as? String == "oct" {
            guard let text = fields["k"] as? String, let secret = Base64URL.decode(text) else {
                throw StorageError(.invalidParameter, "The JWKS key \(name) has no usable \"k\"")
            }
            let algorithms = try await hmac(secret).filter { bound == nil || $0.key == bound }
            guard !algorithms.isEmpty else {
                throw StorageError(.invalidParameter, "The \"k\" of the JWKS key \(name) is too short for its algorithm")
            }
            return Key(id: id, boundAlgorithm: bound, algorithms: algorithms, isSymmetric: true)
        }
        return Key(
            id: id, boundAlgorithm: bound, algorithms: try await asymmetric(fields, bound: bound, name: name), isSymmetric: false)
    }

    private static func asymmetric(_ fields: [String: Any], bound: String?, name: String) async throws -> [String:
        any JWTAlgorithm]
    {
        let candidates: [String]
        switch (fields["kty"] as? String, fields["crv"] as? String) {
        case ("RSA", _): candidates = ["RS256", "RS384", "RS512"]
        case ("EC", "P-256"): candidates = ["ES256"]
        case ("EC", "P-384"): candidates = ["ES384"]
        case ("EC", "P-521"): candidates = ["ES512"]
        case ("OKP", "Ed25519"): candidates = ["EdDSA"]
        default: candidates = []
        }
        var result: [String: any JWTAlgorithm] = [:]
        for algorithm in candidates where bound == nil || bound == algorithm {
            var fields = fields
            // A private part would let the key sign; verifying needs none. The library wants an id to file the key under.
            for part in ["d", "p", "q", "dp", "dq", "qi", "oth"] { fields[part] = nil }
            fields["kid"] = "key"
            fields["alg"] = algorithm
            // Fields the library would try to read and we have no use for.
            for part in ["key_ops", "use", "ext", "x5c", "x5t", "x5u"] { fields[part] = nil }
            do {
                let data = try JSONSerialization.data(withJSONObject: fields)
                let collection = JWTKeyCollection()
                try await collection.add(jwk: JSONDecoder().decode(JWK.self, from: data))
                result[algorithm] = try await collection.getKey(for: "key", alg: algorithm)
            } catch {
                throw StorageError(.invalidParameter, "The JWKS key \(name) can't be read", cause: error)
            }
        }
        guard !result.isEmpty else {
            throw StorageError(.invalidParameter, "The JWKS key \(name) is of a kind that is not supported")
        }
        return result
    }
}
