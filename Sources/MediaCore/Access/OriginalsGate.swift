// SPDX-License-Identifier: Apache-2.0

/// Keeps the originals of buckets that have them signed for from those without a right of their own.
///
/// Images made of them are not its business: a public bucket's stay public.
struct OriginalsGate: Sendable {
    let metadata: any MetadataStore
    let cache: ReadCache
    /// Whoever has no token is this role, and so has no right of their own.
    let anonymousRole: String

    /// To be asked of an object that `access` may see otherwise, before any byte of it is given.
    /// - Throws: `StorageError` with `.accessDenied`, `.wrongTokenScope` for a right to an image of the object alone; `.bucketNotFound`.
    func require(_ access: Access, toOriginalsOf bucket: BucketID) async throws {
        switch access {
        case .grant(let grant, _):
            guard grant.rendering == nil else { throw StorageError(.wrongTokenScope, "Token is not scoped for the original") }
            return
        case .policy(let caller) where caller.principal.role != anonymousRole: return
        case .policy, .publicBucket: break
        }
        let settings = try await cache.imageSettings.settings(of: bucket, in: metadata, facts: access.facts)
        guard !settings.signsOriginals else {
            throw StorageError(
                .accessDenied, "Originals of this bucket are only given for a signature", resource: bucket.rawValue)
        }
    }
}
