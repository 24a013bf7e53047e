// SPDX-License-Identifier: Apache-2.0

/// The signature that a request carries, read but not verified: Signature Version 4 with HMAC-SHA256, in the Authorization
/// field or in the query of a presigned URL.
///
/// ```swift
/// guard let signed = try SignedRequest(head) else { … no signature … }
/// let secret = … the secret of signed.credential.accessKeyID …
/// try signed.verify(head, key: SigningKey(secretAccessKey: secret, scope: signed.credential.scope), now: now)
/// ```
public struct SignedRequest: Hashable, Sendable {
    /// Where the signature was.
    public enum Carrier: Hashable, Sendable {
        case field
        /// - Parameter expires: Seconds from the signing time, 1 to 604800.
        case query(expires: Int64)
    }

    static let algorithm = "AWS4-HMAC-SHA256"
    /// The bytes of a signature.
    static let signatureBytes = 32
    /// The most seconds that a presigned URL lives: a week.
    public static let maxExpires: Int64 = 604_800

    /// The names of a presigned URL's parameters.
    enum Parameter {
        static let algorithm = "X-Amz-Algorithm"
        static let credential = "X-Amz-Credential"
        static let date = "X-Amz-Date"
        static let expires = "X-Amz-Expires"
        static let signedHeaders = "X-Amz-SignedHeaders"
        static let signature = "X-Amz-Signature"
        static let securityToken = "X-Amz-Security-Token"
        static let contentSHA256 = "X-Amz-Content-Sha256"
    }

    public let credential: Credential
    /// The names of the signed fields in lower case, sorted.
    public let signedFields: [String]
    public let time: SigningTime
    public let carrier: Carrier
    public let payload: PayloadHash
    /// `x-amz-security-token`.
    public let sessionToken: String?
    /// Compared in constant time, so it is nobody else's to compare.
    let signature: [UInt8]

    init(parts: SignatureParts, time: SigningTime, carrier: Carrier, payload: PayloadHash, sessionToken: String?) {
        credential = parts.credential
        signedFields = parts.signedFields
        signature = parts.signature
        self.time = time
        self.carrier = carrier
        self.payload = payload
        self.sessionToken = sessionToken
    }

    /// Reads the signature of a request for a service.
    /// - Returns: nil when the request carries none. An Authorization field of another scheme is not looked at.
    public init?(_ head: RequestHead, service: String = "s3") throws(SigV4Error) {
        let authorization = try head.single("authorization")
        let isInField = authorization?.hasPrefix("AWS4-") ?? false
        let query: QueryParameters
        do {
            query = try QueryParameters(parsing: head.query)
        } catch {
            throw .malformedQuery
        }
        let isInQuery = query.contains(Parameter.algorithm) || query.contains(Parameter.signature)
        switch (isInField, isInQuery) {
        case (false, false): return nil
        case (true, true): throw .ambiguous("a signature in the Authorization field and in the query")
        case (true, false): try self.init(authorization: authorization ?? "", head: head, service: service)
        case (false, true): try self.init(query: query, head: head, service: service)
        }
    }

    private init(authorization: String, head: RequestHead, service: String) throws(SigV4Error) {
        let parts = try SignatureParts(authorization: authorization, service: service)
        guard let time = try Self.time(of: head) else { throw .missingDate }
        guard time.day == parts.credential.scope.day else {
            throw .malformedAuthorization("the credential's date is not the request's")
        }
        guard let payload = try head.single("x-amz-content-sha256") else { throw .missingPayloadHash }
        self.init(
            parts: parts, time: time, carrier: .field, payload: try PayloadHash(payload),
            sessionToken: try head.single("x-amz-security-token"))
    }

    private init(query: QueryParameters, head: RequestHead, service: String) throws(SigV4Error) {
        let parts = try SignatureParts(query: query, service: service)
        guard let time = try query.single(Parameter.date).flatMap({ SigningTime(basic: $0) }) else {
            throw .malformedQueryAuthorization("X-Amz-Date must be of the form 20130524T000000Z")
        }
        guard time.day == parts.credential.scope.day else {
            throw .malformedQueryAuthorization("the credential's date is not X-Amz-Date's")
        }
        let lifetime = try query.single(Parameter.expires).flatMap({ Int64($0) })
        // A URL that was over when it was made is over.
        if let lifetime, lifetime <= 0 { throw .expired }
        guard let expires = lifetime, (1...Self.maxExpires).contains(expires) else {
            throw .malformedQueryAuthorization("X-Amz-Expires must be 1 to \(Self.maxExpires) seconds")
        }
        // A field counts when it is signed: else whoever holds the URL could choose how its body is read.
        let field = parts.signedFields.contains("x-amz-content-sha256") ? try head.single("x-amz-content-sha256") : nil
        let parameter = try query.single(Parameter.contentSHA256)
        let payload: PayloadHash = if let text = field ?? parameter { try PayloadHash(text) } else { .unsigned }
        let token = (try query.single(Parameter.securityToken), try head.single("x-amz-security-token"))
        self.init(
            parts: parts, time: time, carrier: .query(expires: expires), payload: payload, sessionToken: token.0 ?? token.1)
    }

    private static func time(of head: RequestHead) throws(SigV4Error) -> SigningTime? {
        if let text = try head.single("x-amz-date") { return SigningTime(basic: text) ?? SigningTime(httpDate: text) }
        guard let text = try head.single("date") else { return nil }
        return SigningTime(httpDate: text) ?? SigningTime(basic: text)
    }
}

extension RequestHead {
    /// The value of a field that may come once.
    fileprivate func single(_ name: String) throws(SigV4Error) -> String? {
        let values = values(of: name)
        guard values.count <= 1 else { throw .ambiguous("more than one \(name)") }
        return values.first
    }
}

extension QueryParameters {
    /// The value of a parameter that may come once.
    func single(_ name: String) throws(SigV4Error) -> String? {
        let values = all.filter { $0.name == name }
        guard values.count <= 1 else { throw .malformedQueryAuthorization("more than one \(name)") }
        return values.first?.value
    }
}
