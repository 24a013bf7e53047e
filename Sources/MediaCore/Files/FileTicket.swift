// SPDX-License-Identifier: Apache-2.0

/// A key that was given to somebody to upload a file to: a row of `magpie.file_tickets`, until the file is registered or swept.
public struct FileTicket: Hashable, Sendable {
    /// Also of the file that comes of it.
    public var id: FileID
    public var address: ObjectAddress
    /// Who will own the file, and alone may go on with it.
    public var owner: FileOwner
    /// The role of whoever asked.
    public var role: String
    public var originalName: String
    public var mediaType: String
    /// In bytes, as was announced. Nil: nothing was.
    public var size: Int64?
    public var visibility: FileVisibility
    public var label: FileLabel
    /// Of a file that comes in parts.
    public var upload: UploadID?
    /// Where a client of the project's own store sends the bytes itself.
    public var direct: DirectReservation?
    public var issuedAt: Timestamp
    /// Nil: not yet.
    public var registeredAt: Timestamp?

    /// A key in a project's own store that is reserved for a version.
    public struct DirectReservation: Hashable, Sendable {
        public var backend: BackendID
        public var key: BlobKey
        public var version: ObjectVersion

        public init(backend: BackendID, key: BlobKey, version: ObjectVersion) {
            self.backend = backend
            self.key = key
            self.version = version
        }
    }

    public init(
        id: FileID, address: ObjectAddress, owner: FileOwner, role: String, originalName: String, mediaType: String, size: Int64?,
        visibility: FileVisibility, label: FileLabel, upload: UploadID? = nil, direct: DirectReservation? = nil,
        issuedAt: Timestamp, registeredAt: Timestamp? = nil
    ) {
        self.id = id
        self.address = address
        self.owner = owner
        self.role = role
        self.originalName = originalName
        self.mediaType = mediaType
        self.size = size
        self.visibility = visibility
        self.label = label
        self.upload = upload
        self.direct = direct
        self.issuedAt = issuedAt
        self.registeredAt = registeredAt
    }

    /// `{project}/{key}`, which the file will be known by.
    public var s3Key: String { address.description }
    /// The last segment of the key: the name as it is normalised.
    public var fileName: String {
        address.key.rawValue.split(separator: "/").last.map(String.init) ?? originalName
    }
}

/// What somebody says of a file that they are going to upload.
public struct FileAnnouncement: Hashable, Sendable {
    public var name: String
    public var mediaType: String
    /// In bytes. Nil: they don't say.
    public var size: Int64?
    public var visibility: FileVisibility
    public var label: FileLabel

    public init(
        name: String, mediaType: String, size: Int64? = nil, visibility: FileVisibility = .private,
        label: FileLabel = .attachments
    ) {
        self.name = name
        self.mediaType = mediaType
        self.size = size
        self.visibility = visibility
        self.label = label
    }
}

/// How the bytes get to a ticket's key.
public struct IssuedUpload: Sendable {
    public var ticket: FileTicket
    public var destination: Destination
    public var expiresAt: Timestamp

    public enum Destination: Sendable {
        /// `PUT /raw/{s3Key}?token=…` of this server. The token is as secret as what it grants.
        case server(token: String)
        /// The store itself.
        case store(DirectRequest)
    }
}

/// The right to send one part: `PUT /raw/{s3Key}?partNumber=…&uploadId=…&token=…`.
public struct IssuedPart: Sendable {
    public var ticket: FileTicket
    public var upload: UploadID
    public var number: PartNumber
    /// As secret as what it grants.
    public var token: String
    public var expiresAt: Timestamp
}

/// What somebody says of a file that they have uploaded.
public struct FileRegistration: Hashable, Sendable {
    /// `{project}/{key}`, as it was issued.
    public var s3Key: String
    public var originalName: String
    public var mediaType: String
    /// In bytes.
    public var size: Int64
    /// In pixels.
    public var width: Int?
    public var height: Int?
    /// Nil: as was announced.
    public var visibility: FileVisibility?
    /// Nil: as was announced.
    public var label: FileLabel?
    public var metadata: FileMetadata
    /// Subjects of tokens.
    public var sharedWith: [String]

    public init(
        s3Key: String, originalName: String, mediaType: String, size: Int64, width: Int? = nil, height: Int? = nil,
        visibility: FileVisibility? = nil, label: FileLabel? = nil, metadata: FileMetadata = FileMetadata(),
        sharedWith: [String] = []
    ) {
        self.s3Key = s3Key
        self.originalName = originalName
        self.mediaType = mediaType
        self.size = size
        self.width = width
        self.height = height
        self.visibility = visibility
        self.label = label
        self.metadata = metadata
        self.sharedWith = sharedWith
    }
}

/// A file's row to be written.
public struct FileDraft: Hashable, Sendable {
    public var id: FileID
    public var address: ObjectAddress
    /// The version whose bytes were looked at.
    public var version: ObjectVersion
    public var originalName: String
    public var mediaType: String
    public var width: Int?
    public var height: Int?
    public var visibility: FileVisibility
    public var label: FileLabel
    public var metadata: FileMetadata
    public var sharedWith: [String]

    public init(
        id: FileID, address: ObjectAddress, version: ObjectVersion, originalName: String, mediaType: String, width: Int? = nil,
        height: Int? = nil, visibility: FileVisibility, label: FileLabel, metadata: FileMetadata = FileMetadata(),
        sharedWith: [String] = []
    ) {
        self.id = id
        self.address = address
        self.version = version
        self.originalName = originalName
        self.mediaType = mediaType
        self.width = width
        self.height = height
        self.visibility = visibility
        self.label = label
        self.metadata = metadata
        self.sharedWith = sharedWith
    }
}

/// How a file's bytes are fetched.
public struct FileDownload: Sendable {
    public var file: FileView
    /// Where the file is. Who may fetch it may know this.
    public var address: ObjectAddress
    /// A token of `SignedURLs` for downloads, to be shown at `/raw/{s3Key}?token=…`. Nil: the file is everybody's, and its URL is good for ever.
    public var token: String?
    /// Of the token.
    public var expiresAt: Timestamp?
}
