// SPDX-License-Identifier: Apache-2.0

/// Listing keys as S3 does.
public protocol KeyListingStore: Sendable {
    /// A page as caller: what policies hide is not there. An unknown bucket is empty.
    ///
    /// A common prefix counts as one entry and never comes twice, however many keys it folds; keys are in byte order.
    func keys(matching query: KeyQuery, in bucket: BucketID, as caller: Caller) async throws -> KeyPage

    /// As system: which of `keys` name an object. An unknown bucket has none.
    func existingKeys(among keys: [ObjectKey], in bucket: BucketID, facts: RequestFacts) async throws -> Set<ObjectKey>
}
