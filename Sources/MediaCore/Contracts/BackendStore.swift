// SPDX-License-Identifier: Apache-2.0

/// Stores of projects' own, and what is being written to them. Each requirement is one transaction.
///
/// In such a store Magpie owns only what its rows name. So what a crash leaves there is not found by looking: a key is reserved before
/// anything is written under it, and the reservation goes with the transaction that writes the blob's row, or with the one that requests the
/// deletion of whatever came of it. No key is given out twice while anything of its first use may still happen.
public protocol BackendStore: Sendable {
    // MARK: Rows

    /// Makes a store the place of a project's new blobs, as caller. Where the project has a row of the same place, used now or before, that
    /// row gets the settings and credentials; its id stays.
    /// - Returns: the row as it is now.
    /// - Throws: `.bucketNotFound` when the caller does not see the bucket; `.accessDenied` when it may not update it.
    func useBackend(_ backend: Backend, of project: BucketID, as caller: Caller) async throws -> Backend

    /// New blobs go to the server's default store from now on, as caller. What is in the project's own stays there and is read there.
    /// - Parameter forgetsCredentials: of every store that the project has or had: nobody gets at the bytes from then on.
    /// - Returns: whether there was one in use.
    /// - Throws: as `useBackend`.
    func leaveBackend(of project: BucketID, forgetsCredentials: Bool, as caller: Caller) async throws -> Bool

    /// As system. Nil when there is none.
    func backend(_ id: BackendID) async throws -> Backend?

    /// The one that new blobs of a project go to, as system. Nil: the server's default store.
    func currentBackend(of project: BucketID, facts: RequestFacts) async throws -> Backend?

    /// Of a project, or all, with what is in them, as system: in the order in which they were configured.
    func backends(of project: BucketID?) async throws -> [BackendContents]

    /// Takes down how a store was found. Nothing is reported: nobody's work depends on it.
    func recordHealth(_ health: BackendHealth, of id: BackendID) async throws

    /// Removes the rows that no project uses and that hold nothing, configured before `date`. - Returns: how many went.
    func removeUnusedBackends(before date: Timestamp) async throws -> Int

    // MARK: Keys

    /// Reserves the first of `keys` that nothing is at, was lately, or is about to be.
    /// - Returns: nil when all are taken.
    /// - Throws: `.backendUnavailable` when the store is not one of the project's any more, or its credentials were forgotten.
    func reserveBlob(
        at keys: [BlobKey], in backend: BackendID, for version: ObjectVersion, of project: BucketID
    ) async throws -> BlobKey?

    /// Requests the deletion of what may be at a reserved key. The row of the blob can't be written any more.
    func giveUpBlob(_ key: BlobKey, in backend: BackendID) async throws

    /// Takes a reserved key out of use, without deleting anything: what is at it somebody else put there.
    func forgoBlob(_ key: BlobKey, in backend: BackendID) async throws

    /// As `giveUpBlob` for every key that was reserved before `date`, and forgets the keys that were used up before `date` by a day.
    /// - Returns: how many were given up.
    func giveUpBlobs(reservedBefore date: Timestamp) async throws -> Int

    // MARK: Importing

    /// Which of `keys` rows know in one of `backends`: a blob is there, or its deletion is requested, or the key is reserved or was used
    /// lately.
    func knownBlobs(among keys: [BlobKey], in backends: [BackendID]) async throws -> Set<BlobKey>

    // MARK: Moving

    /// How many blobs of a project's versions, current and kept, are in other stores than `backend`.
    func countMovableBlobs(of project: BucketID, to backend: BackendID) async throws -> Int64

    /// Those blobs, in the order of their cursors, from behind `cursor`.
    func movableBlobs(
        of project: BucketID, to backend: BackendID, after cursor: MovableBlob.Cursor, limit: Int
    ) async throws -> MovableBlobPage

    /// Has a version's bytes be where they were copied to, and requests the deletion of the place where they were, in so many seconds: who
    /// learned of it before is still reading there. A reservation of the new place ends with that.
    ///
    /// Overwriting, deleting and moving the object come either before or after.
    /// - Returns: false when the version is not there any more, or its bytes are elsewhere already; nothing is changed then.
    /// - Throws: `.backendUnavailable` when the new place is not the project's to write to any more.
    func moveBlob(
        _ blob: MovableBlob, to key: BlobKey, in backend: BackendID, keepingSourceFor seconds: Int64
    ) async throws -> Bool
}

/// A store and what the rows say is in it.
public struct BackendContents: Hashable, Sendable {
    public var backend: Backend
    /// Whether new blobs of its project go there.
    public var isCurrent: Bool
    public var blobs: Int64
    /// Of the blobs.
    public var bytes: Int64
    /// Requested deletions that are still to be done.
    public var deletions: Int64

    public init(backend: Backend, isCurrent: Bool, blobs: Int64, bytes: Int64, deletions: Int64) {
        self.backend = backend
        self.isCurrent = isCurrent
        self.blobs = blobs
        self.bytes = bytes
        self.deletions = deletions
    }
}
