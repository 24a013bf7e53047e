// SPDX-License-Identifier: Apache-2.0

/// Which assets of a project are wanted, the newest first.
public struct AssetQuery: Hashable, Sendable {
    public static let maxLimit = 100

    /// How many at the most, 1...`maxLimit`.
    public var limit: Int
    /// The page after the one that ended with this asset.
    public var after: AssetID?
    /// The id, or a part of the file name, the title, the description, the caption or a keyword, whatever its case.
    public var search: String?
    /// The whole category, whatever its case.
    public var category: String?
    /// A part of a keyword, whatever its case.
    public var keyword: String?
    /// A part of the author, whatever its case.
    public var author: String?
    /// Videos only, or anything else only. Nil: both.
    public var isVideo: Bool?
    /// What lies in this very folder; the root is one. Nil: in any.
    public var folder: FolderPath?
    public var includesDerived: Bool

    public init(
        limit: Int = 50, after: AssetID? = nil, search: String? = nil, category: String? = nil, keyword: String? = nil,
        author: String? = nil, isVideo: Bool? = nil, folder: FolderPath? = nil, includesDerived: Bool = false
    ) {
        self.limit = min(max(limit, 1), Self.maxLimit)
        self.after = after
        self.search = search
        self.category = category
        self.keyword = keyword
        self.author = author
        self.isVideo = isVideo
        self.folder = folder
        self.includesDerived = includesDerived
    }
}

/// A page of assets.
public struct AssetPage: Hashable, Sendable {
    public var assets: [Asset]
    /// Whether there are more behind the last one.
    public var hasMore: Bool
    /// How many match on all pages. Past `countLimit`, of a part of a text past `searchCountLimit`, an estimate that is at least that.
    public var total: Int

    /// So far matches are counted one by one.
    public static let countLimit = 10_000
    /// So far where a part of a text is asked for: search, keyword or author.
    public static let searchCountLimit = 250

    public init(assets: [Asset], hasMore: Bool, total: Int) {
        self.assets = assets
        self.hasMore = hasMore
        self.total = total
    }
}
