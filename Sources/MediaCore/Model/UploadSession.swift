// SPDX-License-Identifier: Apache-2.0

/// Names an upload under way: unguessable and safe in a URL.
///
/// It is also the version of the object that the upload becomes, so the key of its blob is known from the beginning.
public struct UploadID: Hashable, Sendable, CustomStringConvertible {
    /// A lower-case random UUID for ids made here.
    public let rawValue: String

    public init() { self.rawValue = ObjectVersion().rawValue }

    /// An id from a request or from the database. One that was never given out is simply not found.
    public init(_ rawValue: String) { self.rawValue = rawValue }

    public var description: String { rawValue }

    /// What the upload becomes.
    public var version: ObjectVersion { ObjectVersion(stored: rawValue) }
    /// Where its bytes go.
    public var blobKey: BlobKey { BlobKey(rawValue) }
}

/// An object that arrives in several requests: a row of `magpie.upload_sessions`.
public struct UploadSession: Hashable, Sendable {
    /// How the bytes come.
    public enum Kind: String, Sendable, CaseIterable {
        /// One after the other, at an offset (TUS, the IETF draft).
        case appended
        /// In numbered parts in any order (S3).
        case parts
        /// One after the other, to become a piece of another upload and never an object by itself (TUS concatenation).
        case partial
    }

    public var id: UploadID
    public var kind: Kind
    public var address: ObjectAddress
    public var backend: BackendID
    /// The write that takes the bytes in the backend.
    public var multipart: MultipartID
    /// The subject that will own the object, and that alone (besides the service) may go on with the upload.
    public var ownerID: String?
    /// The role that began the upload: where there is no subject, only that role may go on with it. Nil when a grant began it.
    public var role: String?
    public var mode: PutMode
    /// What is known of the object before its bytes have come: media type, caching, robots. The rest is nil.
    public var details: ObjectMetadata
    public var userMetadata: JSONText?
    /// What the dialect keeps for itself. Not looked into.
    public var attributes: JSONText
    /// Of the whole, in bytes. Nil while the client has not said; always nil for `.parts`.
    public var length: Int64?
    /// How many bytes are durable. For `.parts` 0 until the parts are chosen, then their sum.
    public var offset: Int64
    public var digest: UploadDigest
    /// Counts the writers that took the upload over; a writer that lost it can't acknowledge bytes any more.
    public var writer: Int64
    public var createdAt: Timestamp
    /// Nil: until it is given up. Afterwards the upload is gone, complete or not.
    public var expiresAt: Timestamp?
    /// Since when the object exists. The session stays for a while, so that a repeated request gets the same answer.
    public var completedAt: Timestamp?

    public init(
        id: UploadID = UploadID(), kind: Kind, address: ObjectAddress, backend: BackendID, multipart: MultipartID,
        ownerID: String?, role: String?, mode: PutMode, details: ObjectMetadata, userMetadata: JSONText? = nil,
        attributes: JSONText = .emptyObject, length: Int64? = nil, offset: Int64 = 0, digest: UploadDigest = .empty,
        writer: Int64 = 0, createdAt: Timestamp, expiresAt: Timestamp? = nil, completedAt: Timestamp? = nil
    ) {
        self.id = id
        self.kind = kind
        self.address = address
        self.backend = backend
        self.multipart = multipart
        self.ownerID = ownerID
        self.role = role
        self.mode = mode
        self.details = details
        self.userMetadata = userMetadata
        self.attributes = attributes
        self.length = length
        self.offset = offset
        self.digest = digest
        self.writer = writer
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.completedAt = completedAt
    }

    /// Whether every byte has come.
    public var isWhole: Bool { length == offset }

    public var isComplete: Bool { completedAt != nil }

    public func isExpired(at now: Timestamp) -> Bool { expiresAt.map { $0 <= now } ?? false }

    /// The object's ETag, with its quotes, as far as the bytes have come: `"md5"` for an upload of one append, else
    /// `"md5-N"`, where N counts the appends or parts.
    public var eTag: String {
        kind == .parts || digest.pieces > 1 ? "\"\(digest.md5)-\(digest.pieces)\"" : "\"\(digest.md5)\""
    }
}

/// A part of an upload, durable.
public struct UploadPart: Hashable, Sendable {
    public var blob: BlobPart
    /// In lower-case hex; its ETag. Nil for the parts that an appended upload is kept in.
    public var md5: String?
    /// Further digests in base64 by the names of their algorithms, `CRC64NVME` among them.
    public var checksums: [String: String]
    public var createdAt: Timestamp

    public init(blob: BlobPart, md5: String? = nil, checksums: [String: String] = [:], createdAt: Timestamp) {
        self.blob = blob
        self.md5 = md5
        self.checksums = checksums
        self.createdAt = createdAt
    }

    public var number: PartNumber { blob.number }
    /// In bytes.
    public var size: Int64 { blob.size }
}

/// Which uploads under way to list: in the order of their keys, then of their ids, by bytes.
public struct UploadQuery: Hashable, Sendable {
    public var bucket: BucketID
    public var kind: UploadSession.Kind
    public var prefix: String
    /// Only those with keys greater than this, and those with this key whose ids are greater than `idMarker`.
    public var keyMarker: String?
    /// Without it nothing of `keyMarker` itself is listed.
    public var idMarker: UploadID?
    public var limit: Int
    /// Only uploads of this subject.
    public var owner: Owner

    public enum Owner: Hashable, Sendable {
        case anyone
        case subject(String)
    }

    public init(
        bucket: BucketID, kind: UploadSession.Kind, prefix: String = "", keyMarker: String? = nil, idMarker: UploadID? = nil,
        limit: Int = 1000, owner: Owner = .anyone
    ) {
        self.bucket = bucket
        self.kind = kind
        self.prefix = prefix
        self.keyMarker = keyMarker
        self.idMarker = idMarker
        self.limit = limit
        self.owner = owner
    }
}
