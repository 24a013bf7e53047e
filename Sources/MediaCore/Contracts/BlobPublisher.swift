// SPDX-License-Identifier: Apache-2.0

/// Puts copies of blobs where others find them by names of their own: a CDN in front of a bucket.
public protocol BlobPublisher: Sendable {
    /// The backend whose blobs are copied without passing through here.
    var backend: BackendID { get }

    /// Makes `name` hold what `blob` holds, instead of what it held. Readers see the one or the other.
    /// - Throws: `StorageError` with `.blobMissing`, `.backendUnavailable`.
    func publish(_ blob: BlobKey, of size: Int64, as name: String, mediaType: String, cacheControl: String?) async throws

    /// The same with the bytes of another backend's blob.
    func publish(_ body: ByteStream, as name: String, mediaType: String, cacheControl: String?) async throws

    /// Removes a name. One that is absent is fine.
    func withdraw(_ name: String) async throws

    /// A page of the names that follow `name`, in byte order.
    func published(after name: String?, limit: Int) async throws -> BlobPage

    /// Whether `name` can be published: a URL could not carry every key unchanged.
    func canPublish(_ name: String) -> Bool

    /// Where readers find `name`.
    func url(of name: String) -> String
}
