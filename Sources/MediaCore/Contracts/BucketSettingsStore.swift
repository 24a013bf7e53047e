// SPDX-License-Identifier: Apache-2.0

/// What is configured of buckets beyond Supabase's columns. Nobody but the service reads the table itself.
public protocol BucketSettingsStore: Sendable {
    /// Reads as system. - Throws: `.bucketNotFound`.
    func bucketSettings(_ id: BucketID, facts: RequestFacts) async throws -> BucketSettings

    /// Changes the settings of a bucket that the caller sees and may update, and returns them.
    /// - Throws: `.bucketNotFound` when there is none such; `.invalidRequest` for versioning to be `.off` that was ever on.
    func updateBucketSettings(_ id: BucketID, changes: BucketSettingsChanges, as caller: Caller) async throws -> BucketSettings

    /// As system: the buckets with lifecycle rules, in byte order, and their settings.
    func bucketsWithLifecycle() async throws -> [(id: BucketID, settings: BucketSettings)]

    /// Replaces the tags of an object, or of one of its versions, as caller: by what it may update. - Throws: `.objectNotFound` when
    /// there is none that the caller sees; `.accessDenied` with a refusal when it may not update it, and for a delete marker.
    func replaceTags(
        _ tags: TagSet, of address: ObjectAddress, version: VersionID?, as caller: Caller
    ) async throws -> VersionID
}
