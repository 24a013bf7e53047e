// SPDX-License-Identifier: Apache-2.0

/// What the Authorization field and the parameters of a presigned URL have in common.
struct SignatureParts {
    /// The most fields that may be signed: more than any client signs.
    private static let maxSignedFields = 128

    let credential: Credential
    let signedFields: [String]
    let signature: [UInt8]

    /// Reads `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`.
    init(authorization: String, service: String) throws(SigV4Error) {
        let words = authorization[...].parts(separatedBy: " ", maxSplits: 1)
        guard words.count == 2, words[0] == SignedRequest.algorithm else {
            throw .malformedAuthorization("the algorithm must be \(SignedRequest.algorithm)")
        }
        var (credential, names, signature): (Substring?, Substring?, Substring?)
        for part in words[1].parts(separatedBy: ",") {
            let pair = part.trimmingBlanks().parts(separatedBy: "=", maxSplits: 1)
            guard pair.count == 2 else { throw Self.incomplete }
            switch pair[0] {
            case "Credential" where credential == nil: credential = pair[1]
            case "SignedHeaders" where names == nil: names = pair[1]
            case "Signature" where signature == nil: signature = pair[1]
            default: throw Self.incomplete
            }
        }
        guard let credential, let names, let signature else { throw Self.incomplete }
        do {
            try self.init(credential: credential, names: names, signature: signature, service: service)
        } catch {
            throw .malformedAuthorization(error.reason)
        }
    }

    /// Reads the parameters `X-Amz-Credential`, `X-Amz-SignedHeaders` and `X-Amz-Signature`.
    init(query: QueryParameters, service: String) throws(SigV4Error) {
        guard try query.single(SignedRequest.Parameter.algorithm) == SignedRequest.algorithm else {
            throw .malformedQueryAuthorization("X-Amz-Algorithm must be \(SignedRequest.algorithm)")
        }
        guard let credential = try query.single(SignedRequest.Parameter.credential),
            let names = try query.single(SignedRequest.Parameter.signedHeaders),
            let signature = try query.single(SignedRequest.Parameter.signature)
        else {
            throw .malformedQueryAuthorization(
                "it must have X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders and X-Amz-Expires"
            )
        }
        do {
            try self.init(credential: credential[...], names: names[...], signature: signature[...], service: service)
        } catch {
            throw .malformedQueryAuthorization(error.reason)
        }
    }

    private static let incomplete = SigV4Error.malformedAuthorization(
        "it must have Credential, SignedHeaders and Signature, each once")

    private struct Malformed: Error {
        let reason: String
    }

    private init(credential: Substring, names: Substring, signature: Substring, service: String) throws(Malformed) {
        guard let credential = Credential(credential) else {
            throw Malformed(reason: "the credential must be ID/YYYYMMDD/REGION/\(service)/aws4_request")
        }
        guard credential.scope.service == service else { throw Malformed(reason: "the credential's service must be \(service)") }
        let fields = names.asciiLowercased()[...].parts(separatedBy: ";").map(String.init).sorted()
        guard fields.count <= Self.maxSignedFields, zip(fields, fields.dropFirst()).allSatisfy(!=),
            fields.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(ByteSet.token.contains) })
        else { throw Malformed(reason: "the signed headers must be names, each once") }
        guard fields.contains("host") else { throw Malformed(reason: "the header host must be signed") }
        guard let bytes = Hexadecimal.decode(signature, count: SignedRequest.signatureBytes) else {
            throw Malformed(reason: "the signature must be 64 hexadecimal digits")
        }
        self.credential = credential
        self.signedFields = fields
        self.signature = bytes
    }
}
