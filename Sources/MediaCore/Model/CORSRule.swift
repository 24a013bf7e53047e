// SPDX-License-Identifier: Apache-2.0

/// Which pages of other origins may call a bucket (the CORS configuration of S3).
public struct CORSRule: Hashable, Sendable, Codable {
    /// How many rules a bucket may have.
    public static let maxRules = 100

    public var id: String?
    /// With one `*` at most, which stands for any text.
    public var allowedOrigins: [String]
    /// Of `GET`, `PUT`, `POST`, `DELETE`, `HEAD`.
    public var allowedMethods: [String]
    /// With one `*` at most, whatever their case.
    public var allowedHeaders: [String]
    public var exposedHeaders: [String]
    /// For how long a browser may remember the answer, in seconds.
    public var maxAge: Int?

    public init(
        id: String? = nil, allowedOrigins: [String], allowedMethods: [String], allowedHeaders: [String] = [],
        exposedHeaders: [String] = [], maxAge: Int? = nil
    ) {
        self.id = id
        self.allowedOrigins = allowedOrigins
        self.allowedMethods = allowedMethods
        self.allowedHeaders = allowedHeaders
        self.exposedHeaders = exposedHeaders
        self.maxAge = maxAge
    }

    private static let methods: Set<String> = ["GET", "PUT", "POST", "DELETE", "HEAD"]

    /// Whether the rule can be stored.
    /// - Throws: `StorageError` with code `.invalidRequest` that names what is wrong.
    public func check() throws(StorageError) {
        guard !allowedOrigins.isEmpty, !allowedMethods.isEmpty else {
            throw StorageError(.invalidRequest, "A CORS rule needs an origin and a method", resource: id)
        }
        for method in allowedMethods where !Self.methods.contains(method) {
            throw StorageError(.invalidRequest, "A CORS rule can't allow the method \(method.prefix(32))", resource: id)
        }
        for pattern in allowedOrigins + allowedHeaders where pattern.utf8.count(where: { $0 == UInt8(ascii: "*") }) > 1 {
            throw StorageError(.invalidRequest, "A CORS rule takes one * in \(pattern.prefix(128)), no more", resource: id)
        }
        // They are written into header fields as they are.
        for text in allowedOrigins + allowedHeaders + exposedHeaders
        where text.utf8.contains(where: { $0 < 0x21 || $0 > 0x7E || $0 == UInt8(ascii: ",") }) {
            throw StorageError(.invalidRequest, "A CORS rule names what can't stand in a header", resource: id)
        }
    }

    /// Whether a call of `method` from a page of `origin` that sends `headers` is allowed. The Fetch standard, §3.2.
    public func allows(origin: String, method: String, headers: [String] = []) -> Bool {
        allowedMethods.contains(method) && allowedOrigins.contains { Self.matches($0, origin) }
            && headers.allSatisfy { header in allowedHeaders.contains { Self.matches($0.lowercased(), header.lowercased()) } }
    }

    private static func matches(_ pattern: String, _ text: String) -> Bool {
        let (pattern, text) = (Array(pattern.utf8), Array(text.utf8))
        guard let star = pattern.firstIndex(of: UInt8(ascii: "*")) else { return pattern == text }
        let (head, tail) = (pattern[..<star], pattern[(star + 1)...])
        return text.count >= head.count + tail.count && text.starts(with: head) && text.reversed().starts(with: tail.reversed())
    }
}
