// SPDX-License-Identifier: Apache-2.0

/// Tags of an object or a bucket: names with values, in the byte order of their names.
public struct TagSet: Hashable, Sendable {
    /// How many tags there may be.
    public enum Limit: Int, Sendable {
        case object = 10
        case bucket = 50
    }

    /// The longest name and value, in characters (the limits of Amazon S3).
    public static let maxNameLength = 128
    public static let maxValueLength = 256

    public static let empty = TagSet(stored: [:])

    /// In the byte order of the names; no name occurs twice.
    public let pairs: [Pair]

    /// One tag.
    public struct Pair: Hashable, Sendable, Codable {
        public var name: String
        public var value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Tags from a request.
    /// - Throws: `StorageError` with code `.invalidTag` for more than `limit`, a name given twice or an empty or too long one, a value
    ///   that is too long, or text with a control character.
    public init(_ pairs: [Pair], limit: Limit) throws(StorageError) {
        guard pairs.count <= limit.rawValue else {
            throw StorageError(.invalidTag, "There can be no more than \(limit.rawValue) tags", resource: "\(pairs.count)")
        }
        for pair in pairs {
            guard !pair.name.isEmpty, pair.name.unicodeScalars.count <= Self.maxNameLength, Self.isText(pair.name) else {
                throw StorageError(.invalidTag, "The name of a tag is invalid", resource: String(pair.name.prefix(128)))
            }
            guard pair.value.unicodeScalars.count <= Self.maxValueLength, Self.isText(pair.value) else {
                throw StorageError(.invalidTag, "The value of a tag is invalid", resource: String(pair.name.prefix(128)))
            }
        }
        self.pairs = Self.ordered(pairs)
        for (first, second) in zip(self.pairs, self.pairs.dropFirst()) where first.name.utf8.elementsEqual(second.name.utf8) {
            throw StorageError(.invalidTag, "A tag can't be given twice", resource: first.name)
        }
    }

    /// Tags read from the database.
    public init(stored: [String: String]) { pairs = Self.ordered(stored.map { Pair(name: $0.key, value: $0.value) }) }

    public var isEmpty: Bool { pairs.isEmpty }

    public subscript(name: String) -> String? { pairs.first { $0.name.utf8.elementsEqual(name.utf8) }?.value }

    /// Whether every tag of `other` is one of these, with the same value.
    public func contains(_ other: TagSet) -> Bool {
        other.pairs.allSatisfy { pair in self[pair.name].map { $0.utf8.elementsEqual(pair.value.utf8) } ?? false }
    }

    /// A JSON object: the form that is stored.
    public var json: JSONText {
        JSONText(trusted: JSONWriter.object { writer in for pair in pairs { writer.field(pair.name, pair.value) } })
    }

    private static func ordered(_ pairs: [Pair]) -> [Pair] {
        pairs.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    private static func isText(_ text: String) -> Bool { text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } }
}
