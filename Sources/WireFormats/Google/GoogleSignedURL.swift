// SPDX-License-Identifier: Apache-2.0

import Crypto

/// A request to Google Cloud Storage whose URL carries the signature of a service account: "V4 signing process", with RSA.
///
/// Who signs is the caller's affair: RSA is not among what this target knows.
public struct GoogleSignedURL: Hashable, Sendable {
    /// Seconds: a week.
    public static let maxExpires: Int64 = 604_800

    /// In upper case.
    public var method: String
    /// Percent-encoded: bucket and object, as they stand in the URL.
    public var path: String
    /// Fields that whoever sends the request has to send, `host` among them.
    public var fields: [NamedValue]
    /// Further parameters, `response-content-type` for one.
    public var parameters: [QueryParameters.Parameter]
    /// The e-mail address of the account.
    public var account: String
    public var time: SigningTime
    /// Seconds, 1 to `maxExpires`.
    public var expires: Int64

    public init(
        method: String, path: String, fields: [NamedValue], parameters: [QueryParameters.Parameter] = [], account: String,
        time: SigningTime, expires: Int64
    ) {
        self.method = method
        self.path = path
        self.fields = fields
        self.parameters = parameters
        self.account = account
        self.time = time
        self.expires = min(max(expires, 1), Self.maxExpires)
    }

    private static let algorithm = "GOOG4-RSA-SHA256"

    /// What the account's key has to sign, with RSASSA-PKCS1-v1_5 and SHA-256.
    public var textToSign: String {
        let digest = Checksum.of(Array(canonicalRequest.utf8), .sha256).hexadecimal
        return [Self.algorithm, time.basic, scope, digest].joined(separator: "\n")
    }

    /// The query of the URL.
    public func query(signature: some Collection<UInt8>) -> String {
        unsignedQuery + "&X-Goog-Signature=" + Hexadecimal.encode(Array(signature))
    }

    private var scope: String { "\(time.day)/auto/storage/goog4_request" }

    private var signedFields: [NamedValue] { fields.sorted { $0.name < $1.name } }

    private var unsignedQuery: String {
        let own = [
            ("X-Goog-Algorithm", Self.algorithm), ("X-Goog-Credential", "\(account)/\(scope)"), ("X-Goog-Date", time.basic),
            ("X-Goog-Expires", String(expires)), ("X-Goog-SignedHeaders", signedFields.map(\.name).joined(separator: ";")),
        ]
        return (own + parameters.map { ($0.name, $0.value) })
            .map { (PercentEncoding.encodeComponent($0.0), PercentEncoding.encodeComponent($0.1)) }
            .sorted { $0 < $1 }.map { "\($0)=\($1)" }.joined(separator: "&")
    }

    var canonicalRequest: String {
        let lines = signedFields.map { field in
            "\(field.name):\(field.value.split(whereSeparator: { $0 == " " || $0 == "\t" }).joined(separator: " "))\n"
        }
        return [
            method, path, unsignedQuery, lines.joined(), signedFields.map(\.name).joined(separator: ";"), "UNSIGNED-PAYLOAD",
        ].joined(separator: "\n")
    }
}
