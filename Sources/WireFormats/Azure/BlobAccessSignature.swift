// SPDX-License-Identifier: Apache-2.0

/// What a service SAS allows whoever has its URL to do with one blob: "Create a service SAS", version 2021-12-02.
public struct BlobAccessSignature: Sendable {
    /// The version whose rules the signature follows. It is also that of the requests we send.
    public static let version = "2021-12-02"

    /// Letters in the order `racwd`: read, add, create, write, delete.
    public var permissions: String
    /// Decoded.
    public var container: String
    /// Decoded.
    public var blob: String
    public var expires: SigningTime
    /// Whether it is good over TLS only.
    public var isSecureOnly: Bool
    /// What an answer says instead of what the blob's properties say.
    public var contentType: String?
    public var contentDisposition: String?
    public var cacheControl: String?

    public init(
        permissions: String, container: String, blob: String, expires: SigningTime, isSecureOnly: Bool = true
    ) {
        self.permissions = permissions
        self.container = container
        self.blob = blob
        self.expires = expires
        self.isSecureOnly = isSecureOnly
    }

    /// The query that carries the signature.
    public func query(signedBy key: SharedKey) -> String {
        var parameters = [
            ("sv", Self.version), ("sr", "b"), ("sp", permissions), ("se", expires.extended),
            ("spr", isSecureOnly ? "https" : "https,http"),
        ]
        let overrides = [("rscc", cacheControl), ("rscd", contentDisposition), ("rsct", contentType)]
        parameters += overrides.compactMap { name, value in value.map { (name, $0) } }
        parameters.append(("sig", key.sign(stringToSign(account: key.account))))
        return parameters.map { "\($0.0)=\(PercentEncoding.encodeComponent($0.1))" }.joined(separator: "&")
    }

    func stringToSign(account: String) -> String {
        [
            permissions, "", expires.extended, "/blob/\(account)/\(container)/\(blob)",
            // A stored policy and an address.
            "", "",
            isSecureOnly ? "https" : "https,http", Self.version, "b",
            // A snapshot and an encryption scope.
            "", "",
            cacheControl ?? "", contentDisposition ?? "",
            // Coding and language.
            "", "",
            contentType ?? "",
        ].joined(separator: "\n")
    }
}
