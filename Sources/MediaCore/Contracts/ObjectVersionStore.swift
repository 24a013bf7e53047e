// SPDX-License-Identifier: Apache-2.0

/// Buckets that keep versions.
///
/// The current version of an object is its row in `storage.objects`; older ones and delete markers are rows of
/// `magpie.object_versions`, which has row-level security of its own and no policy: until an operator writes one, only the
/// service sees, reads or deletes what is not current. A row that leaves `storage.objects` of a versioned bucket, by whatever hand,
/// is kept and a delete marker put over it; plain SQL included.
public protocol ObjectVersionStore: Sendable {
    /// Reads a version, or with nil the newest one, be it a delete marker.
    ///
    /// The current version is read as `MetadataStore.object(at:access:)` reads; older ones as caller and by no other access.
    /// - Throws: `.bucketNotFound`; `.objectNotFound` for a version that does not exist or is hidden.
    func version(_ id: VersionID?, at address: ObjectAddress, access: Access) async throws -> FoundVersion

    /// A page of versions as caller.
    func versions(matching query: VersionQuery, in bucket: BucketID, as caller: Caller) async throws -> VersionPage

    /// Deletes as caller, in one transaction under the lock on the address.
    ///
    /// Without a version: the object goes; in a versioned bucket it is kept and a delete marker written, for a key without an object
    /// too if the caller could insert and delete one there. With a version: that one is gone for good, and the newest that is left
    /// becomes current unless it is a delete marker.
    /// - Throws: `.objectNotFound` when there is nothing to delete; `.preconditionFailed`; `.accessDenied` with a refusal; `.locked`.
    func delete(_ deletion: ObjectDeletion, in bucket: BucketID, as caller: Caller) async throws -> DeletionOutcome

    /// The checksums of a version's parts, read as system: for who has read the version. Nil where none were written.
    func partChecksums(of version: ObjectVersion) async throws -> PartChecksums?

    /// Every version that is no longer current, delete markers left out, in the order of their sequence, for `magpie verify`.
    func keptVersions(after sequence: Int64?, limit: Int) async throws -> [KeptVersion]
}
