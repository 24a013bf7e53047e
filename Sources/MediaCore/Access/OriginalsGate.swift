// SPDX-License-Identifier: Apache-2.0

/// Keeps the originals of buckets that have them signed for from those without a right of their own.
///
/// Images made of them are not its business: a public bucket's stay public.
struct OriginalsGate: Sendable {
    let metadata: any MetadataStore
    let cache: ReadCache
    /// Whoever has no token is this role, and so has no right of their own.
    let anonymousRole: String
    let serviceRole: String

    /// To be asked of an object that was read, before any byte of it is given. Of a public bucket objects are read without asking
    /// policies: here they are asked, of the object that is at the address now.
    /// - Throws: as `require(_:toOriginalsOf:)`.
    func require(_ access: Access, toOriginalAt address: ObjectAddress) async throws {
        try await require(access, toOriginalsOf: address.bucket)
        guard case .policy(let caller) = access, caller.principal.role != serviceRole else { return }
        guard try await areSigned(in: address.bucket, access.facts) else { return }
        do {
            _ = try await metadata.visibleObject(at: address, as: caller)
        } catch let error as StorageError where error.code == .objectNotFound || error.code == .accessDenied {
            throw Self.refusal(address.bucket)
        }
    }

    /// To be asked of objects that policies let `access` see, before any byte of them is given.
    /// - Throws: `StorageError` with `.accessDenied`, `.wrongTokenScope` for a right to an image of the object alone; `.bucketNotFound`.
    func require(_ access: Access, toOriginalsOf bucket: BucketID) async throws {
        switch access {
        case .grant(let grant, _):
            guard grant.rendering == nil else { throw StorageError(.wrongTokenScope, "Token is not scoped for the original") }
            return
        case .policy(let caller) where caller.principal.role != anonymousRole: return
        case .policy, .publicBucket: break
        }
        if try await areSigned(in: bucket, access.facts) { throw Self.refusal(bucket) }
    }

    private func areSigned(in bucket: BucketID, _ facts: RequestFacts) async throws -> Bool {
        try await cache.imageSettings.settings(of: bucket, in: metadata, facts: facts).signsOriginals
    }

    private static func refusal(_ bucket: BucketID) -> StorageError {
        StorageError(.accessDenied, "Originals of this bucket are only given for a signature", resource: bucket.rawValue)
    }
}
