// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A compact JWS taken apart, not yet verified. RFC 7515 §3.1.
struct JSONWebToken {
    let algorithm: String
    let keyID: String?
    /// What the signature covers: `header.payload`.
    let signedBytes: [UInt8]
    let signature: [UInt8]
    let claims: Claims

    /// Longer tokens are refused before any work is spent on them.
    static let maxBytes = 16_384

    /// - Throws: `StorageError` with code `.unauthenticated` for anything that is not a compact JWS with a JSON object inside.
    init(_ token: String) throws(StorageError) {
        let parts = token.utf8.split(separator: UInt8(ascii: "."), maxSplits: 3, omittingEmptySubsequences: false).map(
            Substring.init)
        guard token.utf8.count <= Self.maxBytes, parts.count == 3, let header = Base64URL.decode(parts[0]),
            let payload = Base64URL.decode(parts[1]), let signature = Base64URL.decode(parts[2]),
            let fields = Self.object(header), let algorithm = fields["alg"] as? String, fields["crit"] == nil,
            let claims = Claims(payload: payload)
        else { throw StorageError(.unauthenticated, "Invalid Compact JWS") }
        self.algorithm = algorithm
        self.keyID = fields["kid"] as? String
        self.signedBytes = Array("\(parts[0]).\(parts[1])".utf8)
        self.signature = signature
        self.claims = claims
    }

    fileprivate static func object(_ bytes: [UInt8]) -> [String: Any]? {
        (try? JSONSerialization.jsonObject(with: Data(bytes))) as? [String: Any]
    }
}

/// The claims of a token: the text as signed, and those the server itself looks at.
public struct Claims: Sendable {
    public let text: JSONText
    public let role: String?
    public let subject: String?
    public let scope: String?
    /// `bucket/key` of a signed URL.
    public let url: String?
    /// Of a signed upload.
    public let owner: String?
    /// Of a signed upload. Nil when the claim is absent.
    public let upsert: Bool?
    /// Of a signed rendering: in the words of the dialect that signed it. Nil when the claims are absent or say nothing.
    let rendering: SignedRendering?
    /// The last date that a token may carry, in seconds since 1970: its milliseconds are exact in a double.
    static let latestDate: Int64 = 9_007_199_254_740
    let expiresAt: Timestamp?
    let notBefore: Timestamp?

    init?(payload: [UInt8]) {
        guard let text = String(validating: payload, as: UTF8.self), let fields = JSONWebToken.object(payload),
            let expiresAt = Self.time(fields["exp"]), let notBefore = Self.time(fields["nbf"])
        else { return nil }
        self.text = JSONText(trusted: text)
        self.role = fields["role"] as? String
        self.subject = fields["sub"] as? String
        self.scope = fields["scope"] as? String
        self.url = fields["url"] as? String
        self.owner = fields["owner"] as? String
        self.upsert = fields["upsert"] as? Bool
        self.rendering = SignedRendering(
            transformations: fields["transformations"] as? String ?? "", format: fields["format"] as? String)
        self.expiresAt = expiresAt
        self.notBefore = notBefore
    }

    /// A NumericDate (RFC 7519 §2). The outer nil: the claim is there and is no number a date can be.
    private static func time(_ claim: Any?) -> Timestamp?? {
        guard let claim else { return .some(nil) }
        guard let number = claim as? NSNumber, abs(number.doubleValue) <= Double(latestDate) else { return nil }
        return Timestamp(seconds: Int64(number.doubleValue))
    }

    /// - Throws: `StorageError` with code `.unauthenticated` outside `nbf` … `exp`. RFC 7519 §4.1.4, §4.1.5.
    func requireCurrent(at now: Timestamp) throws(StorageError) {
        if let expiresAt, now >= expiresAt {
            throw StorageError(.unauthenticated, "\"exp\" claim timestamp check failed")
        }
        if let notBefore, now < notBefore {
            throw StorageError(.unauthenticated, "\"nbf\" claim timestamp check failed")
        }
    }
}
