// SPDX-License-Identifier: Apache-2.0

/// What is known of a file besides its bytes: a row of `magpie.files`, beside the object that has them.
public struct FileRecord: Hashable, Sendable {
    public var id: FileID
    /// Where the object is. Keys of files don't change.
    public var address: ObjectAddress
    public var object: ObjectID
    /// As its owner calls it: not the key.
    public var originalName: String
    public var mediaType: String
    /// In bytes.
    public var size: Int64
    /// In pixels, as the uploader said.
    public var width: Int?
    public var height: Int?
    public var visibility: FileVisibility
    public var label: FileLabel
    public var owner: FileOwner
    /// With whom a `shared` file is shared: subjects of tokens, in byte order. Kept while it is not `shared`.
    public var sharedWith: [String]
    public var metadata: FileMetadata
    public var createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(
        id: FileID, address: ObjectAddress, object: ObjectID, originalName: String, mediaType: String, size: Int64,
        width: Int? = nil, height: Int? = nil, visibility: FileVisibility, label: FileLabel, owner: FileOwner,
        sharedWith: [String] = [], metadata: FileMetadata = FileMetadata(), createdAt: Timestamp, updatedAt: Timestamp
    ) {
        self.id = id
        self.address = address
        self.object = object
        self.originalName = originalName
        self.mediaType = mediaType
        self.size = size
        self.width = width
        self.height = height
        self.visibility = visibility
        self.label = label
        self.owner = owner
        self.sharedWith = sharedWith
        self.metadata = metadata
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }

    /// `{project}/{key}`, by which apps know the file: the path below `/raw/` and `/img/`.
    public var s3Key: String { address.description }
}

/// A file as its caller may see it: who sees a file that is somebody else's sees less of it.
public struct FileView: Hashable, Sendable {
    /// Without what the caller must not see: it is as if it were not set.
    public var file: FileRecord
    /// Whether the caller sees everything: owners, and who acts for the project.
    public var isWhole: Bool

    /// What `principal`, who may see the file, sees of it.
    init(_ file: FileRecord, for principal: Principal, serviceRole: String) {
        var file = file
        self.isWhole = file.isManaged(by: principal, serviceRole: serviceRole)
        if !isWhole {
            file.owner = FileOwner(kind: .public, subject: nil)
            file.sharedWith = []
            file.metadata = file.metadata.publicPart
        }
        self.file = file
    }

    /// The key, where the caller may know it.
    public var s3Key: String? { isWhole || file.visibility == .public ? file.s3Key : nil }
    /// The owner, where the caller may know them.
    public var owner: FileOwner? { isWhole ? file.owner : nil }
    /// With whom it is shared, where the caller may know that.
    public var sharedWith: [String]? { isWhole ? file.sharedWith : nil }
}

extension FileRecord {
    /// Whether somebody has all rights to the file, as row-level security has it.
    func isManaged(by principal: Principal, serviceRole: String) -> Bool {
        if principal.role == serviceRole { return true }
        if principal.role == ProjectScope.role { return principal.scope?.projects.contains(address.bucket) == true }
        return principal.subject != nil && principal.subject == owner.subject
    }
}
