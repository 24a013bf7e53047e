// SPDX-License-Identifier: Apache-2.0

/// What is known of the media in projects: a row for every current object of a project's bucket.
///
/// Rows come and go with their objects, whoever writes those: a row is there in the transaction that writes the object, with an id and
/// what the key and the media type tell, and a job of the kind `inspect` is queued for what only the bytes tell. An object whose key is
/// of the form of an asset's id has that id, unless another asset of the project has it.
///
/// Who may read or change a row is who may read or change its object.
public protocol AssetStore: Sendable {
    /// By id or public id, as caller. - Throws: `.objectNotFound`, also when hidden; `.bucketNotFound` where there is no such project.
    func asset(_ name: String, in project: BucketID, as caller: Caller) async throws -> Asset

    /// Where the object of an asset is, by id or public id, as system. Nil when there is none. For delivery, which asks who may see it itself.
    func assetAddress(_ name: String, in project: BucketID, facts: RequestFacts) async throws -> ObjectAddress?

    /// As caller, the newest first. - Throws: `.bucketNotFound` where there is no such project.
    func assets(matching query: AssetQuery, in project: BucketID, as caller: Caller) async throws -> AssetPage

    /// What was derived from an asset, as caller, by type in the order of their numbers (`page-2` before `page-10`).
    func derivedAssets(of id: AssetID, in project: BucketID, as caller: Caller) async throws -> [Asset]

    /// Takes down what is known of the bytes of a version, as system, and that it was looked at: its `inspect` job is done with. Where the
    /// record is not of all there is to find, that job stays.
    ///
    /// - Returns: nil when the object has another version by now, or is gone: nothing was changed.
    func recordAsset(_ record: AssetRecord, facts: RequestFacts) async throws -> Asset?

    /// Changes what people say of an asset, as caller who may update its object; `modifiedAt` is now.
    /// - Throws: `.objectNotFound`, also when hidden; `.accessDenied` with a refusal.
    func updateAsset(_ name: String, changes: AssetChanges, in project: BucketID, as caller: Caller) async throws -> Asset

    /// Every folder as caller: those that were made and those that assets lie in, with all their parents, in byte order.
    func folders(in project: BucketID, as caller: Caller) async throws -> [FolderPath]

    /// Makes a folder and its parents, as caller who may update the bucket. One that is there stays. - Throws: `.bucketNotFound`; `.accessDenied`.
    func createFolder(_ path: FolderPath, in project: BucketID, as caller: Caller) async throws

    /// Removes a folder and those in it, as caller who may update the bucket; what lies in them moves to the root. Of many assets so many do at
    /// once, and a job of the kind `unfile` is queued for the others.
    /// - Parameter limit: how many assets are moved at once, at least 1.
    /// - Returns: whether there was one. - Throws: `.bucketNotFound`; `.accessDenied`.
    func deleteFolder(_ path: FolderPath, limit: Int, in project: BucketID, as caller: Caller) async throws -> Bool

    /// Moves the next assets of a folder and those in it to the root, as system: those that nobody changed since `time`.
    /// - Returns: how many; fewer than `limit` at the end.
    func unfileAssets(of path: FolderPath, unchangedSince time: Timestamp, limit: Int, in project: BucketID) async throws -> Int

    /// Makes the rows of the next objects, in the order of keys, of a bucket that was in use before it became a project, as system. A bucket
    /// of few objects has them already; otherwise a job of the kind `adopt` is queued.
    /// - Returns: the last key that was looked at; nil at the end.
    func adoptObjects(after key: ObjectKey?, limit: Int, in project: BucketID) async throws -> ObjectKey?
}

/// What was found in the bytes of an object's version.
public struct AssetRecord: Sendable {
    public var address: ObjectAddress
    /// The version that was looked at.
    public var version: ObjectVersion
    public var facts: AssetFacts
    public var exif: [String: String]
    /// Nil leaves the name as it is.
    public var originalFileName: String?
    /// What the uploader said besides; also what EXIF says of date and place, where nothing else was said.
    public var changes: AssetChanges
    /// The public id that is wanted: taken with a number behind it (`red-boot-2`) when another asset of the project has it. Nil, and for an asset
    /// that has one already: no change.
    public var publicID: String?
    public var origin: Derivation?
    /// Whether this asset stands for the one that it is derived from.
    public var isThumbnail: Bool
    /// Whether `facts` are all that there is to find. Otherwise the `inspect` job finds out the rest.
    public var isInspected: Bool

    public init(
        address: ObjectAddress, version: ObjectVersion, facts: AssetFacts, exif: [String: String] = [:],
        originalFileName: String? = nil, changes: AssetChanges = AssetChanges(), publicID: String? = nil,
        origin: Derivation? = nil, isThumbnail: Bool = false, isInspected: Bool = true
    ) {
        self.address = address
        self.version = version
        self.facts = facts
        // What files say may hold what no database does.
        self.exif = Dictionary(
            exif.map { (Self.withoutNUL($0.key), Self.withoutNUL($0.value)) }, uniquingKeysWith: { first, _ in first })
        self.originalFileName = originalFileName.map(Self.withoutNUL)
        self.changes = changes
        self.publicID = publicID
        self.origin = origin
        self.isThumbnail = isThumbnail
        self.isInspected = isInspected
    }

    private static func withoutNUL(_ text: String) -> String {
        guard text.utf8.contains(0) else { return text }
        var scalars = text.unicodeScalars
        scalars.removeAll { $0.value == 0 }
        return String(scalars)
    }
}
