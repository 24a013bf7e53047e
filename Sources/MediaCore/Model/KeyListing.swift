// SPDX-License-Identifier: Apache-2.0

/// A page of a bucket in the byte order of its keys, as S3 lists: folded at any delimiter.
public struct KeyQuery: Hashable, Sendable {
    /// The most entries of a page.
    public static let maxLimit = 1000

    /// Where a page begins: behind what the last one ended with.
    public enum Position: Hashable, Sendable {
        /// Behind this key, which need not exist.
        case key(String)
        /// Behind every key that begins with this common prefix.
        case prefix(String)
    }

    /// Literal; it need not end at a delimiter.
    public var prefix: String
    /// Keys that have it behind `prefix` fold into one common prefix that ends with it. Nil or empty: none fold.
    public var delimiter: String?
    public var after: Position?
    /// More than `maxLimit` counts as `maxLimit`.
    public var limit: Int
    /// Whether entries carry their owner, which costs one more look-up each where keys are folded.
    public var includesOwner: Bool

    public init(
        prefix: String = "", delimiter: String? = nil, after: Position? = nil, limit: Int = maxLimit, includesOwner: Bool = false
    ) {
        self.prefix = prefix
        self.delimiter = delimiter.flatMap { $0.isEmpty ? nil : $0 }
        self.after = after
        self.limit = limit
        self.includesOwner = includesOwner
    }

    /// The common prefix that `key` folds into, if it does.
    public func fold(_ key: String) -> String? {
        guard let delimiter else { return nil }
        let (name, wanted) = (Array(key.utf8), Array(delimiter.utf8))
        var start = prefix.utf8.count
        while start + wanted.count <= name.count {
            if name[start..<start + wanted.count].elementsEqual(wanted) {
                return String(decoding: name[..<(start + wanted.count)], as: UTF8.self)
            }
            start += 1
        }
        return nil
    }
}

/// What S3 says of an object in a listing.
public struct KeyEntry: Hashable, Sendable {
    public var key: ObjectKey
    /// In bytes. Nil for rows of other origin that don't say.
    public var size: Int64?
    /// With its quotes.
    public var entityTag: String
    public var lastModified: Timestamp?
    /// The owner's subject, where it was asked for and there is one.
    public var owner: String?

    public init(key: ObjectKey, size: Int64?, entityTag: String, lastModified: Timestamp?, owner: String? = nil) {
        self.key = key
        self.size = size
        self.entityTag = entityTag
        self.lastModified = lastModified
        self.owner = owner
    }
}

/// One page of keys and common prefixes, mixed in byte order.
public struct KeyPage: Hashable, Sendable {
    public enum Item: Hashable, Sendable {
        case object(KeyEntry)
        case prefix(String)
    }

    public var items: [Item]
    /// Where the next page begins. Nil on the last, and when nothing was asked for.
    public var next: KeyQuery.Position?

    public init(items: [Item], next: KeyQuery.Position?) {
        self.items = items
        self.next = next
    }
}

extension KeyQuery {
    /// The first key that the page may hold. Nil when nothing can follow where the last one ended.
    public var seek: String? {
        let next: String?
        switch after {
        case nil: next = prefix
        // U+0001 is the smallest character that a key can have.
        case .key(let key): next = key + "\u{1}"
        case .prefix(let folded): next = ByteOrder.successor(ofPrefix: folded)
        }
        return next.map { prefix.utf8.lexicographicallyPrecedes($0.utf8) ? $0 : prefix }
    }
}

extension KeyPage {
    /// A page of `limit` items at most; one more means that there is another page.
    public init(items: [Item], limit: Int) {
        let page = Array(items.prefix(limit))
        self.init(items: page, next: items.count > limit ? page.last?.position : nil)
    }
}

extension KeyPage.Item {
    /// Where a page that ends with this item ends.
    var position: KeyQuery.Position {
        switch self {
        case .object(let entry): .key(entry.key.rawValue)
        case .prefix(let prefix): .prefix(prefix)
        }
    }
}
