// SPDX-License-Identifier: Apache-2.0

/// Signs requests that we send to an S3 service.
public struct RequestSigner: Sendable {
    /// A pair of keys, with the token of a temporary pair.
    public struct Credentials: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
        public let accessKeyID: String
        let secretAccessKey: String
        let sessionToken: String?

        public init(accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil) {
            self.accessKeyID = accessKeyID
            self.secretAccessKey = secretAccessKey
            self.sessionToken = sessionToken
        }

        /// Never the secret.
        public var description: String { "Credentials(\(accessKeyID))" }
        public var debugDescription: String { description }
    }

    /// Fields that a proxy or the HTTP client itself may change.
    private static let unsignable: Set<String> = [
        "accept-encoding", "authorization", "connection", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
        "user-agent", "x-amzn-trace-id",
    ]

    private let credentials: Credentials
    private let region: String
    private let service: String

    public init(credentials: Credentials, region: String, service: String = "s3") {
        self.credentials = credentials
        self.region = region
        self.service = service
    }

    /// Adds `x-amz-date`, `x-amz-content-sha256`, the token if there is one, and Authorization to a request, instead of those
    /// it may have.
    /// - Parameter head: With a `host`. Its path and query are signed as they are, so they must be sent so.
    /// - Returns: What signs the chunks of an aws-chunked body.
    /// - Throws: `SigV4Error.unsignedFields` without a `host`, `.malformedQuery`.
    @discardableResult
    public func sign(_ head: inout RequestHead, payload: PayloadHash, at time: SigningTime) throws(SigV4Error) -> ChunkSignatures
    {
        var signed = head
        signed.setField("x-amz-date", to: time.basic)
        signed.setField("x-amz-content-sha256", to: payload.text)
        signed.setField("x-amz-security-token", to: credentials.sessionToken)
        let names = try signedNames(of: signed)
        let (signature, key) = try signature(of: signed, names: names, payload: payload, at: time)
        let credential = Credential(accessKeyID: credentials.accessKeyID, scope: key.scope)
        signed.setField(
            "authorization",
            to: "\(SignedRequest.algorithm) Credential=\(credential), SignedHeaders=\(names.joined(separator: ";")), "
                + "Signature=\(Hexadecimal.encode(signature))")
        head = signed
        return ChunkSignatures(seed: signature, key: key, time: time)
    }

    /// The request whose query carries the signature, good for anyone until it expires. Whoever sends it has to send its
    /// fields too.
    /// - Parameters:
    ///   - head: With a `host`, and without `x-amz-` fields that are not to be demanded.
    ///   - expires: Seconds, 1 to `SignedRequest.maxExpires`.
    /// - Throws: `SigV4Error.malformedQueryAuthorization` when `expires` is out of its range, `.unsignedFields` without a
    ///   `host`, `.malformedQuery`.
    public func presign(_ head: RequestHead, expires: Int64, at time: SigningTime) throws(SigV4Error) -> RequestHead {
        guard (1...SignedRequest.maxExpires).contains(expires) else {
            throw .malformedQueryAuthorization("X-Amz-Expires must be 1 to \(SignedRequest.maxExpires) seconds")
        }
        let names = try signedNames(of: head)
        let scope = CredentialScope(day: time.day, region: region, service: service)
        typealias Parameter = SignedRequest.Parameter
        var parameters = [
            (Parameter.algorithm, SignedRequest.algorithm),
            (Parameter.credential, Credential(accessKeyID: credentials.accessKeyID, scope: scope).description),
            (Parameter.date, time.basic), (Parameter.expires, String(expires)),
            (Parameter.signedHeaders, names.joined(separator: ";")),
        ]
        if let token = credentials.sessionToken { parameters.append((Parameter.securityToken, token)) }
        var signed = head
        let pairs = parameters.map { "\($0.0)=\(PercentEncoding.encodeComponent($0.1))" }
        signed.query = ([head.query ?? ""].filter { !$0.isEmpty } + pairs).joined(separator: "&")
        let (signature, _) = try signature(of: signed, names: names, payload: .unsigned, at: time)
        signed.query? += "&\(Parameter.signature)=\(Hexadecimal.encode(signature))"
        return signed
    }

    private func signedNames(of head: RequestHead) throws(SigV4Error) -> [String] {
        let names = Set(head.fields.map(\.name)).subtracting(Self.unsignable)
        guard names.contains("host") else { throw .unsignedFields(["host"]) }
        return names.sorted()
    }

    private func signature(
        of head: RequestHead, names: [String], payload: PayloadHash, at time: SigningTime
    ) throws(SigV4Error) -> ([UInt8], SigningKey) {
        let scope = CredentialScope(day: time.day, region: region, service: service)
        let key = SigningKey(secretAccessKey: credentials.secretAccessKey, scope: scope)
        let request = try CanonicalRequest(head, signedFields: names, payload: payload.text)
        return (key.sign(request.stringToSign(time: time, scope: scope)), key)
    }
}

extension RequestHead {
    /// Replaces all fields of that name by one, or by none.
    fileprivate mutating func setField(_ name: String, to value: String?) {
        fields.removeAll { $0.name == name }
        if let value { fields.append(NamedValue(name, value)) }
    }
}
