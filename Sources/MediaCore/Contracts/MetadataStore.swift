// SPDX-License-Identifier: Apache-2.0

/// The database: what exists, who may see it, and where its bytes are.
///
/// Each requirement is one transaction, so none can stay open while bytes flow. "As caller" means: with the caller's
/// role, claims and request facts in force, so that row-level security decides; "as system" means as the service role,
/// which it does not bind. One conformance suite runs against every implementation.
///
/// When a change throws, it has happened or not and will not happen later, unless `watch` then reports it.
///
/// All of them throw `StorageError`: besides what each names, `.tooManyConnections` when no connection came free in time,
/// `.timedOut`, `.databaseFailure`, and `.accessDenied` for a role that can't be assumed.
public protocol MetadataStore: AccessKeyStore, AccountStore, AssetStore, BackendStore, BucketSettingsStore, EventOutbox,
    FileStore, ImageSettingsStore,
    JobStore,
    KeyListingStore, ObjectVersionStore, ProjectStore, UploadSessionStore
{
    // MARK: Buckets

    /// Inserts as caller, made when it says so, or else now. - Throws: `.bucketExists`; `.accessDenied` with a refusal.
    func createBucket(_ bucket: Bucket, as caller: Caller) async throws -> Bucket

    /// Reads as caller. - Throws: `.bucketNotFound`, also when hidden.
    func bucket(_ id: BucketID, as caller: Caller) async throws -> Bucket

    /// Reads as system: limits, visibility and where blobs go, which no caller needs a policy for. - Throws: `.bucketNotFound`.
    func bucketRules(_ id: BucketID, facts: RequestFacts) async throws -> Bucket

    /// Lists as caller.
    func buckets(matching query: BucketQuery, as caller: Caller) async throws -> [Bucket]

    /// Updates as caller and returns the bucket before and after. - Throws: `.bucketNotFound` when none is visible and updatable.
    func updateBucket(_ id: BucketID, changes: BucketChanges, as caller: Caller) async throws -> (before: Bucket, after: Bucket)

    /// Locks and counts as system, deletes as caller.
    /// - Throws: `.bucketNotFound` when missing, hidden or not deletable; `.bucketNotEmpty`; `.bucketReferenced` while multipart
    ///   uploads are pending.
    func deleteBucket(_ id: BucketID, as caller: Caller) async throws

    /// As system: how many objects the bucket holds, counted no further than `limit`. - Throws: `.bucketNotFound`.
    func countObjects(in id: BucketID, upTo limit: Int, facts: RequestFacts) async throws -> Int

    /// As system: deletes up to `limit` objects and kept versions created before `date` for good, requesting the deletion of their
    /// blobs in the same transaction. - Returns: how many went.
    func deleteObjects(in id: BucketID, createdBefore date: Timestamp, limit: Int, facts: RequestFacts) async throws -> Int

    // MARK: Objects

    /// Tries the write as caller and rolls it back: the early answer to "may this caller do this".
    ///
    /// `.create` inserts without returning and so needs INSERT; `.replace` upserts returning and so needs INSERT and SELECT,
    /// and UPDATE when the key exists. Of the service, whom no policy binds, `.replace` may be taken for granted.
    /// - Throws: `.accessDenied` with a refusal that names the missing command; `.objectExists` (`.create`);
    ///   `.relatedResourceMissing` when the bucket does not exist.
    /// - Returns: the trial, for `commitPut`.
    @discardableResult
    func checkPut(_ draft: ObjectDraft, mode: PutMode, as caller: Caller) async throws -> PutTrial

    /// Writes the row and the blob's location as system under a lock on the address; the final word on "must not exist".
    ///
    /// The id and creation time of a replaced object survive; its blob is queued for deletion in the same transaction, or kept as a
    /// version where the bucket keeps them. With `object.completing` the upload is marked complete in it too. Where `.replace` finds a
    /// row that `object.trial` did not see, the trial is made again first. In a store of a project's own the reservation of the blob's key
    /// ends in the transaction; one that was given up meanwhile, or whose store is no longer to be had, refuses the write. With
    /// `object.isAdopted` the key is reserved in the transaction, too. In mode `.create` the row takes over `object.past`.
    /// - Throws: what `object.condition` throws; `.objectExists` (`.create`, lost race); `.accessDenied` with a refusal (`.replace`,
    ///   another row than was tried); `.relatedResourceMissing`; `.locked` when the lock does not come in 5 s; `.uploadComplete` and `.uploadNotFound` for `object.completing`,
    ///   the latter also when the upload is another writer's; `.backendUnavailable` for a key that is not reserved any more;
    ///   `.objectExists` for an adopted blob whose key rows know already.
    func commitPut(_ object: NewObject, mode: PutMode, facts: RequestFacts) async throws -> ObjectRecord

    /// Reads an object with its bucket's rules and its blob's location.
    ///
    /// The bucket is read as system. `.policy`: the object is read as caller, in a public bucket as system.
    /// `.publicBucket`: `.bucketNotFound` unless the bucket is public; the object as system. `.grant`: as system.
    /// - Throws: `.bucketNotFound`; `.objectNotFound`, also when hidden.
    func object(at address: ObjectAddress, access: Access) async throws -> ReadableObject

    /// Reads an object as caller, in public buckets too. - Throws: `.objectNotFound`.
    func visibleObject(at address: ObjectAddress, as caller: Caller) async throws -> ReadableObject

    /// Which of `keys` the caller may read. An unknown bucket has none.
    func visibleKeys(among keys: [ObjectKey], in bucket: BucketID, as caller: Caller) async throws -> Set<ObjectKey>

    /// Finds as system, deletes as caller, queues the blob's deletion: one transaction.
    /// - Throws: `.objectNotFound`; `.accessDenied` with a refusal when it exists and the caller may not delete it.
    func deleteObject(at address: ObjectAddress, as caller: Caller) async throws -> ObjectRecord

    /// Deletes as caller what the caller may delete of `keys`, in one transaction, queueing the blobs' deletion.
    /// - Returns: the rows deleted; unknown and forbidden keys are silently absent.
    func deleteObjects(_ keys: [ObjectKey], in bucket: BucketID, as caller: Caller) async throws -> [ObjectRecord]

    /// Moves a row: tried as caller (SELECT and UPDATE with the new address, rolled back), then done as system under locks.
    ///
    /// The id, creation time and version survive; the owner becomes the caller where it has a subject. A versioned bucket that the row
    /// leaves gets a delete marker; at the destination the version has an id of its own where the bucket gives ids.
    /// - Throws: `.objectNotFound` when the source is missing, hidden or not updatable; `.accessDenied` when the new row is refused;
    ///   `.objectExists` when the destination is taken; `.relatedResourceMissing` when its bucket does not exist.
    func moveObject(from source: ObjectAddress, to destination: ObjectAddress, as caller: Caller) async throws -> ObjectRecord

    /// One level of a bucket as caller: `storage.search`. Capped at 1500 entries.
    func folder(_ query: FolderQuery, in bucket: BucketID, as caller: Caller) async throws -> [ListEntry]

    /// A page of a bucket as caller. Capped at 1000 entries.
    func objects(matching query: ListQuery, in bucket: BucketID, as caller: Caller) async throws -> ObjectPage

    // MARK: Upkeep

    /// The backends in which requested blob deletions are due.
    func backendsWithDeletions() async throws -> [BackendID]

    /// Takes up to `limit` requested blob deletions that are due, hidden from other takers for a while. Forgets requests for blobs
    /// that an object points to again, as plain SQL can bring about.
    /// - Parameter backend: nil for those of all.
    func takeBlobDeletions(in backend: BackendID?, limit: Int) async throws -> [BlobDeletion]

    /// The blobs are gone: forget the requests and the blobs' rows, but not those of versions that are elsewhere now.
    func finishBlobDeletions(_ ids: [Int64]) async throws

    /// Deletions failed: try again later, later each time.
    func postponeBlobDeletions(_ ids: [Int64], because reason: String) async throws

    /// Of `keys` in a backend, those that no object, blob row, requested deletion or upload knows: left by crashed uploads.
    func unknownBlobs(among keys: [BlobKey], in backend: BackendID) async throws -> [BlobKey]

    /// Blob rows that no object points to and whose deletion nobody requested: queues their deletion. - Returns: how many.
    func queueUnreferencedBlobs(olderThan date: Timestamp) async throws -> Int

    /// Every object with its blob, in the order of ids, for `magpie verify`.
    func objects(after id: ObjectID?, limit: Int) async throws -> [(record: ObjectRecord, blob: BlobLocation?)]

    /// Whether there is such an object, and it still has the version given, whose bytes are still where they were.
    func isCurrent(_ id: ObjectID, version: ObjectVersion?, at blob: BlobLocation) async throws -> Bool

    /// Removes the row of an object whose bytes are lost, if it still has the version given, and that its place. - Returns: whether it had.
    func dropLostObject(_ id: ObjectID, version: ObjectVersion?, at blob: BlobLocation) async throws -> Bool

    // MARK: State

    /// One cheap statement as system: is the database there and migrated?
    func ping() async throws

    /// Reports changes to objects and buckets made by others (another server, plain SQL) until cancelled.
    ///
    /// The handler is called in order; `.lostTrack` comes first of all and whenever changes may have been missed, `.tracking` once
    /// every later change will be reported.
    func watch(_ handler: @escaping @Sendable (MetadataChange) -> Void) async throws
}

extension MetadataStore {
    /// Takes deletions in whatever backend they are due.
    public func takeBlobDeletions(limit: Int) async throws -> [BlobDeletion] {
        try await takeBlobDeletions(in: nil, limit: limit)
    }
}

/// A blob to be removed.
public struct BlobDeletion: Hashable, Sendable {
    public var id: Int64
    public var backend: BackendID
    public var key: BlobKey
    public var version: ObjectVersion
    /// Whether the version goes with the blob. False for what is left of one that is elsewhere now.
    public var endsVersion: Bool
    /// How often it was tried before.
    public var attempts: Int

    public init(
        id: Int64, backend: BackendID, key: BlobKey, version: ObjectVersion, endsVersion: Bool = true, attempts: Int
    ) {
        self.id = id
        self.backend = backend
        self.key = key
        self.version = version
        self.endsVersion = endsVersion
        self.attempts = attempts
    }
}

/// Something that changed in the database.
public enum MetadataChange: Hashable, Sendable {
    case object(ObjectAddress)
    /// A bucket or its settings.
    case bucket(BucketID)
    /// An access key was revoked.
    case accessKey(AccessKeyID)
    /// Jobs became due.
    case jobs
    /// A store of a project's own was configured anew, or its credentials were forgotten.
    case backend(BackendID)
    /// A key of projects was revoked, or opens other projects than before.
    case projectKey(ProjectKeyID)
    /// Changes may go unreported from now on: forget everything, cache nothing.
    case lostTrack
    /// Every change from now on is reported.
    case tracking
}
