// SPDX-License-Identifier: Apache-2.0

/// The rows of uploads under way. Each requirement is one transaction, as system: the caller was checked before.
///
/// An upload whose id is unknown, and one that is gone meanwhile, is `.uploadNotFound` to all of them. Completing one is
/// `MetadataStore.commitPut`: the object's row and the end of its upload are one transaction.
public protocol UploadSessionStore: Sendable {
    /// Writes a new upload. - Throws: `.bucketNotFound`.
    func createUpload(_ session: UploadSession) async throws

    /// Reads an upload, expired and complete ones too.
    func upload(_ id: UploadID) async throws -> UploadSession

    /// Makes the caller the upload's only writer: what an earlier one still acknowledges is refused from now on.
    /// - Throws: `.uploadOffsetMismatch` when the offset is not `offset` any more; `.uploadComplete`.
    func claimUpload(_ id: UploadID, at offset: Int64) async throws -> UploadSession

    /// Acknowledges bytes.
    /// - Throws: `.uploadOffsetMismatch` when the offset or the writer is another than `progress` began with; `.uploadComplete`.
    func advanceUpload(_ progress: UploadProgress) async throws

    /// Writes a part's row, or writes it anew. - Throws: `.uploadComplete`.
    func recordPart(_ part: UploadPart, of id: UploadID) async throws

    /// Parts in the order of their numbers. An unknown upload has none.
    func uploadParts(of id: UploadID, after number: PartNumber?, limit: Int) async throws -> [UploadPart]

    /// Uploads that are neither complete nor expired at `now`.
    func uploads(matching query: UploadQuery, now: Timestamp) async throws -> [UploadSession]

    /// Removes the rows of an upload that is not complete. - Throws: `.uploadComplete`.
    func deleteUpload(_ id: UploadID) async throws -> UploadSession

    /// Removes the rows of those of the uploads that are there and not complete, and returns them. One that is being completed, or removed
    /// by somebody else, may be passed over.
    func deleteUploads(_ ids: [UploadID]) async throws -> [UploadSession]

    /// The buckets with uploads of a kind under way that began before `date`, in byte order.
    func bucketsWithUploads(_ kind: UploadSession.Kind, startedBefore date: Timestamp) async throws -> [BucketID]

    /// Removes the rows of up to `limit` uploads that expired before `now`, complete ones too, passing over those that
    /// somebody else is removing.
    func takeExpiredUploads(now: Timestamp, limit: Int) async throws -> [UploadSession]

    /// Of multipart writes in a backend, those that no upload under way knows.
    func unknownMultiparts(among ids: [MultipartID], in backend: BackendID) async throws -> [MultipartID]
}

/// Bytes of an upload that became durable.
public struct UploadProgress: Hashable, Sendable {
    public var id: UploadID
    /// As of the session that the writer saw.
    public var writer: Int64
    public var from: Int64
    public var to: Int64
    /// The digest of all bytes up to `to`.
    public var digest: UploadDigest
    /// The part that holds the bytes, in its new state.
    public var part: UploadPart?
    /// The length of the whole, when the client said it only now.
    public var length: Int64?

    public init(
        id: UploadID, writer: Int64, from: Int64, to: Int64, digest: UploadDigest, part: UploadPart? = nil,
        length: Int64? = nil
    ) {
        self.id = id
        self.writer = writer
        self.from = from
        self.to = to
        self.digest = digest
        self.part = part
        self.length = length
    }
}

/// The upload that ends with the row that is being written.
public struct UploadCompletion: Hashable, Sendable {
    public var id: UploadID
    /// As of the session that the writer saw. While the upload is not complete, one that lost it to another ends nothing.
    public var writer: Int64
    /// How long the session stays for repeated requests, when it would stay forever otherwise.
    public var keptUntil: Timestamp

    public init(id: UploadID, writer: Int64, keptUntil: Timestamp) {
        self.id = id
        self.writer = writer
        self.keptUntil = keptUntil
    }
}
