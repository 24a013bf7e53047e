// SPDX-License-Identifier: Apache-2.0

extension SignedRequest {
    /// How far a client's clock may be off, in seconds: S3's 15 minutes.
    public static let maxSkew: Int64 = 15 * 60

    /// Verifies the time and the signature.
    ///
    /// The path is tried as it was sent, then decoded and encoded again. The body is not looked at: who reads it compares it
    /// with `payload`.
    /// - Parameters:
    ///   - head: The request that this was read from.
    ///   - key: For the scope of `credential`; any other does not match.
    ///   - maxSkew: Seconds.
    /// - Returns: What the signatures of the body's chunks follow.
    @discardableResult
    public func verify(
        _ head: RequestHead, key: SigningKey, now: SigningTime, maxSkew: Int64 = SignedRequest.maxSkew
    ) throws(SigV4Error) -> ChunkSignatures {
        try checkTime(now: now, maxSkew: maxSkew)
        try checkFields(of: head)
        var isValid = try matches(head, key: key, path: .asSent)
        if !isValid, CanonicalRequest.path(head.path, .reencoded) != head.path {
            isValid = try matches(head, key: key, path: .reencoded)
        }
        guard isValid else { throw .mismatch }
        return ChunkSignatures(seed: signature, key: key, time: time)
    }

    private func matches(_ head: RequestHead, key: SigningKey, path: CanonicalRequest.PathForm) throws(SigV4Error) -> Bool {
        let request = try CanonicalRequest(head, signedFields: signedFields, payload: payload.text, path: path)
        return key.isValid(signature, of: request.stringToSign(time: time, scope: credential.scope))
    }

    private func checkTime(now: SigningTime, maxSkew: Int64) throws(SigV4Error) {
        switch carrier {
        case .field:
            guard abs(now.secondsSince1970 - time.secondsSince1970) <= maxSkew else { throw .timeTooSkewed }
        case .query(let expires):
            guard time <= now.advanced(by: maxSkew) else { throw .notYetValid }
            guard now <= time.advanced(by: expires) else { throw .expired }
        }
    }

    /// Fields that change what a request does must be signed, or whoever sees it could add them.
    private func checkFields(of head: RequestHead) throws(SigV4Error) {
        var missing: Set<String> = []
        for field in head.fields where field.name.hasPrefix("x-amz-") && !signedFields.contains(field.name) {
            // A presigned URL's body is unsigned unless the URL itself says how it is signed.
            if carrier == .field || field.name != "x-amz-content-sha256" { missing.insert(field.name) }
        }
        guard missing.isEmpty else { throw .unsignedFields(missing.sorted()) }
    }
}
