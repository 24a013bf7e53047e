// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore
import WireFormats

/// Who sends a request, as its signature says, and what the signature says of the body.
struct S3Identity: Sendable {
    let access: Access
    let payload: PayloadHash
    /// The chain that an aws-chunked body continues. Nil for nobody in particular.
    let signatures: ChunkSignatures?

    /// Nobody in particular: reads what is public.
    static func anonymous(_ facts: RequestFacts) -> S3Identity {
        S3Identity(access: .publicBucket(facts), payload: .unsigned, signatures: nil)
    }
}

/// Finds out who signed a request, by what right they act, and whether they did sign it.
///
/// Three kinds of credentials: the server's own pair, whose holder is the service; further pairs, which carry the claims of
/// a token; and Supabase's session form, where the anonymous key is the secret, any text the access key, and a user's token
/// travels along.
struct S3Authentication: Sendable {
    let storage: Storage
    let anonymousKey: String
    private let signingKeys = S3SigningKeys()

    init(storage: Storage, anonymousKey: String) {
        self.storage = storage
        self.anonymousKey = anonymousKey
    }

    /// A secret and whom it makes its holder.
    struct Credentials {
        var secret: String
        var principal: Principal
    }

    /// - Parameter outerPath: The path before a proxy in front cut something off it, where it means the same.
    /// - Throws: `S3Error`, `SigV4Error`; `StorageError` when the database fails.
    func identity(_ head: RequestHead, outerPath: String?, facts: RequestFacts) async throws -> S3Identity {
        guard let signed = try SignedRequest(head) else {
            guard !Self.hasOldSignature(head) else {
                throw S3Error.invalidRequest(
                    "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")
            }
            return .anonymous(facts)
        }
        let credentials = try await credentials(of: signed.credential.accessKeyID, sessionToken: signed.sessionToken)
        let key = signingKeys.key(for: signed.credential, secret: credentials.secret)
        let signatures = try Self.verify(signed, head, key, outerPath: outerPath)
        return S3Identity(
            access: .policy(Caller(principal: credentials.principal, facts: facts)), payload: signed.payload,
            signatures: signatures)
    }

    /// Whether a request is signed, rightly and with a key pair that is in memory, by one whose reads are kept.
    func isSignedByUnboundRole(_ head: RequestHead) -> Bool {
        do {
            guard let signed = try SignedRequest(head), signed.sessionToken == nil,
                let found = storage.accessKeys?.known(AccessKeyID(signed.credential.accessKeyID)),
                storage.keepsReads(of: found.principal)
            else { return false }
            let key = signingKeys.key(for: signed.credential, secret: found.secret)
            try signed.verify(head, key: key, now: SigningTime(secondsSince1970: Timestamp.now().seconds))
            return true
        } catch {
            return false
        }
    }

    /// Whether the request is signed by Version 2, which is only there for forms.
    private static func hasOldSignature(_ head: RequestHead) -> Bool {
        head.fields.contains { $0.name == "authorization" && $0.value.hasPrefix("AWS ") }
            || (head.query ?? "").split(separator: "&").contains { $0.hasPrefix("AWSAccessKeyId=") }
    }

    private static func verify(
        _ signed: SignedRequest, _ head: RequestHead, _ key: SigningKey, outerPath: String?
    ) throws(SigV4Error) -> ChunkSignatures {
        let now = SigningTime(secondsSince1970: Timestamp.now().seconds)
        do {
            return try signed.verify(head, key: key, now: now)
        } catch {
            guard error == .mismatch, let outerPath else { throw error }
            var outer = head
            outer.path = outerPath
            return try signed.verify(outer, key: key, now: now)
        }
    }

    /// - Throws: `S3Error` with `InvalidAccessKeyId`; `StorageError` for a token that is none.
    func credentials(of accessKeyID: String, sessionToken: String?) async throws -> Credentials {
        if let sessionToken {
            return Credentials(secret: anonymousKey, principal: try storage.authenticator.principal(token: sessionToken))
        }
        let unknown = S3Error(
            .forbidden, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
        guard let keys = storage.accessKeys else { throw unknown }
        do {
            let found = try await keys.credential(AccessKeyID(accessKeyID))
            return Credentials(secret: found.secret, principal: found.principal)
        } catch let error as StorageError where error.code == .unauthenticated {
            throw unknown
        }
    }
}
