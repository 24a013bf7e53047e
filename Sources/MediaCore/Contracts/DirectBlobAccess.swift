// SPDX-License-Identifier: Apache-2.0

/// A store whose blobs clients can fetch from the service and send to it, so that the bytes need not pass through the server.
///
/// Whoever has a request made here may do what it says until it expires: nobody is asked again. What it grants can't be taken back.
public protocol DirectBlobAccess: Sendable {
    /// The request that reads a blob. Whether there is one is not asked.
    /// - Parameters:
    ///   - seconds: for how long it is good, at most a week.
    ///   - presentation: what the answer is to say of the bytes.
    /// - Throws: `StorageError` with `.unsupported` where the store's credentials can't grant anything to others.
    func directDownload(
        of key: BlobKey, for seconds: Int64, as presentation: DirectPresentation
    ) async throws -> DirectRequest

    /// The request that writes a blob, where there is none yet as far as the service can tell.
    ///
    /// Nobody but the service sees the bytes: whoever trusts them afterwards asks `BlobStore.info` for their size, or reads them.
    /// - Parameters:
    ///   - length: of the body to be, in bytes. Services that can hold the client to it.
    ///   - seconds: for how long it is good, at most a week.
    /// - Throws: as `directDownload`.
    func directUpload(to key: BlobKey, length: Int64, mediaType: String, for seconds: Int64) async throws -> DirectRequest
}

/// What an answer of the service's says of the bytes, instead of what it would say by itself. Nil: that.
public struct DirectPresentation: Hashable, Sendable {
    /// The value of Content-Type.
    public var mediaType: String?
    /// The value of Content-Disposition.
    public var disposition: String?

    public init(mediaType: String? = nil, disposition: String? = nil) {
        self.mediaType = mediaType
        self.disposition = disposition
    }
}

/// A request that a client sends to a service itself.
public struct DirectRequest: Hashable, Sendable {
    /// In upper case.
    public var method: String
    /// As secret as what it grants: not for logs.
    public var url: String
    /// Fields that the client has to send, by their names in lower case. Content-Length is not among them, which clients send anyway.
    public var fields: [String: String]

    public init(method: String, url: String, fields: [String: String] = [:]) {
        self.method = method
        self.url = url
        self.fields = fields
    }
}
