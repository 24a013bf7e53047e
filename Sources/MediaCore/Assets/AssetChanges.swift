// SPDX-License-Identifier: Apache-2.0

/// Changes to what people say of an asset. Nil leaves a field as it is; an empty text, list or map clears it.
public struct AssetChanges: Hashable, Sendable {
    public var name: String?
    public var description: String?
    public var caption: String?
    public var category: String?
    public var folder: FolderPath?
    public var author: String?
    public var copyrightHolder: String?
    public var copyrightYear: Int?
    public var license: String?
    public var locationName: String?
    public var latitude: Double?
    public var longitude: Double?
    public var keywords: [String]?
    public var dateCreated: Timestamp?
    public var datePublished: Timestamp?
    public var representativeOfPage: Bool?
    public var tags: [String: String]?
    /// Replaces what was read from the bytes.
    public var exif: [String: String]?
    public var customID: String?

    public init() {}

    /// What is longer is refused, in UTF-8 bytes.
    public static let maxTextBytes = 8192
    /// What is longer is refused as a keyword, in UTF-8 bytes: a search looks at all keywords of an asset at once.
    public static let maxKeywordBytes = 512
    /// How many keywords or tags there may be, and pairs of EXIF.
    public static let maxItems = 200

    /// - Throws: `StorageError` with `.invalidParameter` that names the first field that is too long, too many or out of range.
    public func check() throws(StorageError) {
        let texts = [
            ("name", name), ("description", description), ("caption", caption), ("category", category), ("author", author),
            ("copyrightHolder", copyrightHolder), ("license", license), ("locationName", locationName), ("customId", customID),
        ]
        for (field, text) in texts { try Self.require(text, field) }
        guard (keywords?.count ?? 0) <= Self.maxItems else {
            throw Self.invalid("keywords", "has more than \(Self.maxItems) items")
        }
        for keyword in keywords ?? [] { try Self.require(keyword, "keywords", upTo: Self.maxKeywordBytes) }
        for (field, pairs) in [("tags", tags), ("exifData", exif)] {
            guard (pairs?.count ?? 0) <= Self.maxItems else { throw Self.invalid(field, "has more than \(Self.maxItems) pairs") }
            for (name, value) in pairs ?? [:] {
                try Self.require(name, field)
                try Self.require(value, field)
            }
        }
        if let latitude, !(-90...90).contains(latitude) { throw Self.invalid("locationLatitude", "must be from -90 to 90") }
        if let longitude, !(-180...180).contains(longitude) {
            throw Self.invalid("locationLongitude", "must be from -180 to 180")
        }
        if let copyrightYear, !(0...9999).contains(copyrightYear) {
            throw Self.invalid("copyrightYear", "must be from 0 to 9999")
        }
    }

    private static func require(_ text: String?, _ field: String, upTo limit: Int = maxTextBytes) throws(StorageError) {
        guard let text else { return }
        guard !text.utf8.contains(0) else { throw invalid(field, "must not contain U+0000") }
        guard text.utf8.count <= limit else { throw invalid(field, "is longer than \(limit) bytes") }
    }

    private static func invalid(_ field: String, _ rule: String) -> StorageError {
        StorageError(.invalidParameter, "\(field) \(rule)", resource: field)
    }
}
