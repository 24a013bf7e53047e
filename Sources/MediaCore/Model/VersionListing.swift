// SPDX-License-Identifier: Apache-2.0

/// A row of a listing of versions as a store reads it: by key in byte order, then from the newest to the oldest.
public struct VersionRow: Hashable, Sendable {
    public var key: ObjectKey
    public var version: ObjectVersion
    public var isNull: Bool
    public var isDeleteMarker: Bool
    public var metadata: JSONText?
    public var owner: String?
    /// When the row was written.
    public var modifiedAt: Timestamp?
    /// When the row was kept. Nil for a current one.
    public var supersededAt: Timestamp?
    /// Whether newer versions of the key were passed over, so that this row can't be the latest.
    public var resumesKey: Bool

    public init(
        key: ObjectKey, version: ObjectVersion, isNull: Bool, isDeleteMarker: Bool, metadata: JSONText?, owner: String?,
        modifiedAt: Timestamp?, supersededAt: Timestamp?, resumesKey: Bool
    ) {
        self.key = key
        self.version = version
        self.isNull = isNull
        self.isDeleteMarker = isDeleteMarker
        self.metadata = metadata
        self.owner = owner
        self.modifiedAt = modifiedAt
        self.supersededAt = supersededAt
        self.resumesKey = resumesKey
    }
}

/// Makes a page of versions of rows that are read in runs: folds keys at the delimiter and skips what is folded.
public struct VersionListing {
    /// Where the next run begins.
    public struct Place: Hashable, Sendable {
        /// The first key that the run may hold.
        public var seek: String
        /// The run begins inside of this key, which is `seek`, behind `version`.
        public var key: String?
        public var version: VersionID?
    }

    private let query: VersionQuery
    private let limit: Int
    private let folding: KeyQuery
    private var lastKey: ObjectKey?
    public private(set) var items: [VersionPage.Item] = []
    /// Nil when the page is full or nothing is left.
    public private(set) var place: Place?

    /// - Parameter limit: how many items to collect, the one included that says that there is another page.
    public init(query: VersionQuery, limit: Int) {
        self.query = query
        self.limit = limit
        self.folding = KeyQuery(prefix: query.prefix, delimiter: query.delimiter)
        self.place = Self.place(after: query.after, prefix: query.prefix)
    }

    /// Takes a run that was read at `place`.
    /// - Parameter isLast: whether no rows follow it.
    public mutating func add(_ rows: [VersionRow], isLast: Bool) {
        place = nil
        var folded: String?
        for row in rows {
            if let folded, row.key.rawValue.utf8.starts(with: folded.utf8) { continue }
            guard items.count < limit else { return }
            folded = folding.fold(row.key.rawValue)
            if let folded {
                items.append(.prefix(folded))
            } else {
                items.append(.version(entry(row)))
            }
            lastKey = row.key
        }
        guard !isLast, items.count < limit, let last = items.last else { return }
        place = Self.place(after: last.position, prefix: query.prefix)
    }

    private func entry(_ row: VersionRow) -> VersionEntry {
        let isLatest = !row.resumesKey && row.key != lastKey
        let details = row.isDeleteMarker ? nil : ObjectMetadata(parsing: row.metadata)
        return VersionEntry(
            key: row.key, id: row.isNull ? .null : .id(row.version), isLatest: isLatest, isDeleteMarker: row.isDeleteMarker,
            version: row.version, lastModified: details?.lastModified ?? row.modifiedAt,
            metadata: row.isDeleteMarker ? nil : row.metadata, owner: row.owner, supersededAt: row.supersededAt)
    }

    private static func place(after position: VersionQuery.Position?, prefix: String) -> Place? {
        switch position {
        case nil: return Place(seek: prefix)
        case .version(let key, nil): return Place(seek: later(prefix, key + "\u{1}"))
        case .version(let key, let version?):
            if key.utf8.lexicographicallyPrecedes(prefix.utf8) { return Place(seek: prefix) }
            return Place(seek: key, key: key, version: version)
        case .prefix(let folded):
            return ByteOrder.successor(ofPrefix: folded).map { Place(seek: later(prefix, $0)) }
        }
    }

    private static func later(_ a: String, _ b: String) -> String { a.utf8.lexicographicallyPrecedes(b.utf8) ? b : a }
}

extension VersionPage.Item {
    /// Where a page that ends with this item ends.
    var position: VersionQuery.Position {
        switch self {
        case .version(let entry): .version(key: entry.key.rawValue, entry.id)
        case .prefix(let prefix): .prefix(prefix)
        }
    }
}

extension VersionPage {
    /// A page of `limit` items at most; one more means that there is another page.
    public init(items: [Item], limit: Int) {
        let page = Array(items.prefix(limit))
        self.init(items: page, next: items.count > limit ? page.last?.position : nil)
    }
}
