// SPDX-License-Identifier: Apache-2.0

public import MediaCore

/// What a request for others shall be able to do.
enum DirectGrant: Sendable {
    case read(DirectPresentation)
    case write(length: Int64, mediaType: String)

    /// A week, in seconds: the longest that services sign for.
    static let longest: Int64 = 604_800
}

extension ObjectBlobs {
    func direct(_ grant: DirectGrant, _ key: BlobKey, for seconds: Int64) async throws -> DirectRequest {
        guard (1...DirectGrant.longest).contains(seconds) else {
            throw StorageError(.invalidParameter, "A direct request is good for 1 second to 7 days", resource: "expiresIn")
        }
        return try await mapped { try await service.direct(grant, name(key), for: seconds) }
    }
}

extension StorageError {
    /// The store's credentials are themselves a grant, which can't be divided.
    static var noDirectAccess: StorageError {
        StorageError(.unsupported, "The storage backend's credentials can't sign URLs for others")
    }
}

extension RemoteBlobStore: DirectBlobAccess {
    public func directDownload(
        of key: BlobKey, for seconds: Int64, as presentation: DirectPresentation
    ) async throws -> DirectRequest {
        try await blobs.direct(.read(presentation), key, for: seconds)
    }

    public func directUpload(
        to key: BlobKey, length: Int64, mediaType: String, for seconds: Int64
    ) async throws -> DirectRequest {
        try await blobs.direct(.write(length: length, mediaType: mediaType), key, for: seconds)
    }
}

extension CustomerBlobStore: DirectBlobAccess {
    public func directDownload(
        of key: BlobKey, for seconds: Int64, as presentation: DirectPresentation
    ) async throws -> DirectRequest {
        try await blobs.direct(.read(presentation), key, for: seconds)
    }

    public func directUpload(
        to key: BlobKey, length: Int64, mediaType: String, for seconds: Int64
    ) async throws -> DirectRequest {
        try await blobs.direct(.write(length: length, mediaType: mediaType), key, for: seconds)
    }
}
