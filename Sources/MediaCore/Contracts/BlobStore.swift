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
    func putPart(_ body: ByteStream, as number: PartNumber, of id: MultipartID, at key: BlobKey) async throws -> BlobPart

    /// Makes one blob of the parts, in the order given. Afterwards the multipart write is gone.
    /// - Throws: `StorageError` `.invalidParameter` for a part that was never written.
    func completeMultipart(_ id: MultipartID, at key: BlobKey, parts: [BlobPart]) async throws -> BlobInfo

    /// Gives up a multipart write and its parts. An unknown id is fine.
    func abortMultipart(_ id: MultipartID, at key: BlobKey) async throws

    /// Removes what crashed writes left behind (temporary files, abandoned parts) that nobody has touched since `date`.
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
