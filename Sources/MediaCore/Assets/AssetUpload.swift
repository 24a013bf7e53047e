// SPDX-License-Identifier: Apache-2.0

/// Media on its way to become an asset.
public struct AssetUpload: Sendable {
    public var body: ByteStream
    /// As the uploader calls the file, without folders.
    public var fileName: String?
    /// What is said in front of the file.
    public var options: AssetOptions
    /// What is said, with that behind the file. Asked once, after the body ended.
    public var lateOptions: (@Sendable () throws -> AssetOptions)?
    /// What a new asset is to be called, with the prefix of its kind. Nil: a fresh id.
    var id: AssetID?
    /// Whether a readable name would be taken for something else in the dialect's URLs.
    public var isReservedName: @Sendable (String) -> Bool

    public init(
        body: ByteStream, fileName: String?, options: AssetOptions = AssetOptions(),
        lateOptions: (@Sendable () throws -> AssetOptions)? = nil, isReservedName: @escaping @Sendable (String) -> Bool
    ) {
        self.init(
            body: body, fileName: fileName, options: options, lateOptions: lateOptions, id: nil, isReservedName: isReservedName)
    }

    init(
        body: ByteStream, fileName: String?, options: AssetOptions, lateOptions: (@Sendable () throws -> AssetOptions)? = nil,
        id: AssetID?, isReservedName: @escaping @Sendable (String) -> Bool
    ) {
        self.body = body
        self.fileName = fileName
        self.options = options
        self.lateOptions = lateOptions
        self.id = id
        self.isReservedName = isReservedName
    }

    /// The readable name that follows from the title, or else from the file's name.
    func publicID(_ options: AssetOptions) -> String? {
        let stem = fileName.map { name in name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name }
        return [options.changes.name, stem].lazy.compactMap { $0 }
            .compactMap { PublicID.slug($0, isParameters: isReservedName) }.first
    }
}

/// What an uploader says of an asset.
public struct AssetOptions: Hashable, Sendable {
    public var changes: AssetChanges
    /// Whether what the file says of camera, date and place is to be taken out of it.
    public var stripsMetadata: Bool
    /// Whether an asset of the same readable name gets these bytes, and keeps its id and what is not said anew.
    public var replaces: Bool

    public init(changes: AssetChanges = AssetChanges(), stripsMetadata: Bool = false, replaces: Bool = false) {
        self.changes = changes
        self.stripsMetadata = stripsMetadata
        self.replaces = replaces
    }
}

/// What became of an upload.
public struct UploadedAsset: Sendable {
    public var asset: Asset
    /// Makes images of a document. Nil where nothing is to be made.
    public var job: JobID?

    public init(asset: Asset, job: JobID? = nil) {
        self.asset = asset
        self.job = job
    }
}

/// The largest files that become assets, in bytes.
public struct AssetLimits: Hashable, Sendable {
    public var image: Int64
    public var document: Int64
    public var video: Int64
    /// The PNG of a page: as large as an image may be that another one is rendered of.
    public var page: Int64
    /// What one job makes of a document, all together.
    public var derived: Int64

    public init(
        image: Int64 = 20 << 20, document: Int64 = 50 << 20, video: Int64 = 100 << 20, page: Int64 = 50 << 20,
        derived: Int64 = 2 << 30
    ) {
        self.image = image
        self.document = document
        self.video = video
        self.page = page
        self.derived = derived
    }

    func bytes(of kind: MediaKind) -> Int64 {
        if kind.isVideo { return video }
        return kind == .eps ? document : image
    }
}
