// SPDX-License-Identifier: Apache-2.0

/// What is known of the media that an object of a project is.
public struct Asset: Hashable, Sendable {
    public var id: AssetID
    /// The object that holds its bytes.
    public var address: ObjectAddress
    /// The version that `facts` tell of. Nil until an object that came by another dialect was looked at.
    public var inspectedVersion: ObjectVersion?
    /// Its readable name in URLs. Assets that came by another dialect, and derived ones, have none.
    public var publicID: String?
    public var originalFileName: String?
    public var facts: AssetFacts
    public var details: AssetDetails
    /// By EXIF's names of tags, as text.
    public var exif: [String: String]
    public var origin: Derivation?
    /// The image that stands for a video or a document.
    public var thumbnailID: AssetID?
    public var uploadedAt: Timestamp
    public var modifiedAt: Timestamp

    public init(
        id: AssetID, address: ObjectAddress, inspectedVersion: ObjectVersion?, publicID: String? = nil,
        originalFileName: String? = nil, facts: AssetFacts, details: AssetDetails = AssetDetails(), exif: [String: String] = [:],
        origin: Derivation? = nil, thumbnailID: AssetID? = nil, uploadedAt: Timestamp, modifiedAt: Timestamp
    ) {
        self.id = id
        self.address = address
        self.inspectedVersion = inspectedVersion
        self.publicID = publicID
        self.originalFileName = originalFileName
        self.facts = facts
        self.details = details
        self.exif = exif
        self.origin = origin
        self.thumbnailID = thumbnailID
        self.uploadedAt = uploadedAt
        self.modifiedAt = modifiedAt
    }
}

/// Where a derived asset comes from.
public struct Derivation: Hashable, Sendable {
    public var source: AssetID
    /// `page-1`, `split-1`, `svg`, `svg-1`, `poster`: the first of a kind is 1.
    public var type: String

    public init(source: AssetID, type: String) {
        self.source = source
        self.type = type
    }
}

/// What sort of media an asset is.
public enum AssetKind: String, Sendable, CaseIterable {
    case image, video
    /// EPS and other PostScript.
    case document
    /// An object of a project that is no media: kept, delivered, and in no list of assets.
    case other

    /// As a media type says, which is a guess until the bytes were looked at.
    public init(mediaType: String?) {
        let type = mediaType?.prefix { $0 != ";" }.lowercased() ?? ""
        if type.hasPrefix("image/"), !type.hasSuffix("eps") {
            self = .image
        } else if type.hasPrefix("video/") {
            self = .video
        } else if type == "application/postscript" || type.hasSuffix("/eps") || type.hasSuffix("/x-eps") {
            self = .document
        } else {
            self = .other
        }
    }
}

/// What the bytes of an asset say of themselves.
public struct AssetFacts: Hashable, Sendable {
    public var kind: AssetKind
    public var mediaType: String
    /// In bytes.
    public var size: Int64
    /// As it is to be shown, in pixels; of a document at 300 dots per inch. 0 where it is not known.
    public var width: Int
    public var height: Int
    /// EXIF's number, 1...8.
    public var orientation: Int
    /// Of a video, in seconds.
    public var duration: Double?
    public var hasAudio: Bool?
    /// The video codec, in ffprobe's words: `h264`.
    public var codec: String?

    public init(
        kind: AssetKind, mediaType: String, size: Int64, width: Int = 0, height: Int = 0, orientation: Int = 1,
        duration: Double? = nil, hasAudio: Bool? = nil, codec: String? = nil
    ) {
        self.kind = kind
        self.mediaType = mediaType
        self.size = size
        self.width = width
        self.height = height
        self.orientation = orientation
        self.duration = duration
        self.hasAudio = hasAudio
        self.codec = codec
    }
}

/// What people say of an asset. All of it may be changed.
public struct AssetDetails: Hashable, Sendable {
    /// The title.
    public var name: String?
    public var description: String?
    /// The text to show in place of the image.
    public var caption: String?
    public var category: String?
    public var folder: FolderPath
    public var author: String?
    public var copyrightHolder: String?
    public var copyrightYear: Int?
    public var license: String?
    public var locationName: String?
    /// In degrees north.
    public var latitude: Double?
    /// In degrees east.
    public var longitude: Double?
    public var keywords: [String]
    public var dateCreated: Timestamp?
    public var datePublished: Timestamp?
    public var representativeOfPage: Bool?
    /// The caller's own names and values.
    public var tags: [String: String]
    /// The caller's own id.
    public var customID: String?

    public init(
        name: String? = nil, description: String? = nil, caption: String? = nil, category: String? = nil,
        folder: FolderPath = .root, author: String? = nil, copyrightHolder: String? = nil, copyrightYear: Int? = nil,
        license: String? = nil, locationName: String? = nil, latitude: Double? = nil, longitude: Double? = nil,
        keywords: [String] = [], dateCreated: Timestamp? = nil, datePublished: Timestamp? = nil,
        representativeOfPage: Bool? = nil, tags: [String: String] = [:], customID: String? = nil
    ) {
        self.name = name
        self.description = description
        self.caption = caption
        self.category = category
        self.folder = folder
        self.author = author
        self.copyrightHolder = copyrightHolder
        self.copyrightYear = copyrightYear
        self.license = license
        self.locationName = locationName
        self.latitude = latitude
        self.longitude = longitude
        self.keywords = keywords
        self.dateCreated = dateCreated
        self.datePublished = datePublished
        self.representativeOfPage = representativeOfPage
        self.tags = tags
        self.customID = customID
    }
}
