// SPDX-License-Identifier: Apache-2.0

/// A place that keeps blobs: whole, immutable, addressed by key.
///
/// Every requirement is the least an implementor must write; there are no defaults. One conformance suite runs against
/// every implementation.
public protocol BlobStore: Sendable {
    /// Writes a blob and returns once it would survive a crash of the machine (or at once where durability is switched off).
    ///
    /// Readers never see a part of it: until this returns the key does not exist. A failed or cancelled call, an error
    /// thrown by the stream included, leaves nothing behind under `key`.
    /// - Throws: the stream's own error unchanged; `StorageError` `.lengthMismatch` when `body.length` was announced and another
    ///   number of bytes came; `.backendUnavailable` when the store can't take it.
    func put(_ body: ByteStream, at key: BlobKey) async throws -> BlobInfo

    /// Opens a blob, or a range of it, for reading.
    /// - Throws: `StorageError` `.blobMissing`; `.rangeNotSatisfiable`.
    func get(_ key: BlobKey, range: ByteRange?) async throws -> BlobContent

    /// - Throws: `StorageError` `.blobMissing`.
    func info(_ key: BlobKey) async throws -> BlobInfo

    /// Makes `destination` hold the bytes of `source`, as durable as a put, without passing them through the caller.
    /// - Throws: `StorageError` `.blobMissing`.
    func copy(_ source: BlobKey, to destination: BlobKey) async throws -> BlobInfo

    /// Removes blobs. Keys that are absent are fine.
    func delete(_ keys: [BlobKey]) async throws

    /// Lists blobs whose keys start with `prefix` and follow `cursor`, in byte order of their keys.
    func list(prefix: String, after cursor: String?, limit: Int) async throws -> BlobPage

    /// Begins a blob that arrives in parts.
    func beginMultipart(at key: BlobKey) async throws -> MultipartID

    /// Writes one part, durable when this returns. Writing a number again replaces the part.
    /// - Throws: the stream's own error; `StorageError` `.uploadNotFound` for an unknown id.
    func putPart(_ body: ByteStream, as number: PartNumber, of id: MultipartID, at key: BlobKey) async throws -> BlobPart

    /// How large a part that is appended to should become, in bytes, before the next one is begun. Nil: as large as the blob.
    var preferredPartBytes: Int64? { get }

    /// Makes a part longer: its first `part.size` bytes stay, whatever follows them (left by a call that crashed) goes, and
    /// the body comes behind. Durable when this returns.
    ///
    /// A failed call may leave bytes behind the first `part.size`; a reader never sees them.
    /// - Parameters:
    ///   - part: as it was acknowledged last; of size 0 and with an empty tag when nothing was yet.
    ///   - takingOver: whether bytes that nobody acknowledged may be there. False: the part must be exactly `part`, which
    ///     shows that no other writer is at it.
    /// - Throws: the stream's own error; `StorageError` `.preconditionFailed` when the part is not `part`, before the body
    ///   is read; `.locked` while another call is writing to the part; `.uploadNotFound` for an unknown id.
    func appendPart(
        _ body: ByteStream, to part: BlobPart, takingOver: Bool, of id: MultipartID, at key: BlobKey
    ) async throws -> BlobPart

    /// Makes one blob of the parts, in the order given. The parts stay until the multipart write is given up, so that nothing is
    /// lost when the blob is not wanted after all. What is done to them later does not touch the blob.
    /// - Throws: `StorageError` `.invalidPart` for a part that was never written or has been written anew since;
    ///   `.uploadNotFound` for an unknown id.
    func completeMultipart(_ id: MultipartID, at key: BlobKey, parts: [BlobPart]) async throws -> BlobInfo

    /// Ends a multipart write and removes its parts, but not a blob that was made of them. An unknown id is fine.
    func abortMultipart(_ id: MultipartID, at key: BlobKey) async throws

    /// Shows the multipart writes that nobody has touched since `date`, each once, in batches of `batch` at most. Whether they are
    /// abandoned only the database knows. One that comes or goes meanwhile may be shown or not.
    /// - Throws: what `visit` throws, which ends it.
    func visitUnfinishedMultiparts(
        before date: Timestamp, batch: Int, _ visit: ([UnfinishedMultipart]) async throws -> Void
    ) async throws

    /// Removes temporary files that crashed writes left behind and that nobody has touched since `date`. Parts stay.
    /// - Returns: how many were removed.
    func sweepUnfinished(before date: Timestamp) async throws -> Int
}

/// Finds the store of a backend.
public protocol BlobStoreDirectory: Sendable {
    /// The backend that new blobs go to.
    var defaultBackend: BackendID { get }

    /// - Throws: `StorageError` `.backendUnavailable` for an id that is not configured.
    func store(for backend: BackendID) async throws -> any BlobStore
}

/// The cause of a store's refusal to write a blob: something is at its key, which the refused writer did not put there.
public struct BlobKeyTaken: Error, Hashable, Sendable, CustomStringConvertible {
    public init() {}
    public var description: String { "something is at the key" }
}
