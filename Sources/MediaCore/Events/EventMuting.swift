// SPDX-License-Identifier: Apache-2.0

import WireFormats

/// The events that nobody wants to hear of.
public struct EventMuting: Hashable, Sendable {
    private var types: Set<EventType> = []
    private var objects: [EventType: Set<ObjectAddress>] = [:]

    public static let none = EventMuting()
    private init() {}

    /// What is wrong with an entry.
    public struct UnknownEntry: Error, Hashable, Sendable {
        public let entry: String
        public init(_ entry: String) { self.entry = entry }
    }

    /// Reads entries in Supabase's words, separated by commas: a type (`ObjectCreated:Put`), `Webhook:{type}`, or
    /// `Webhook:{type}:{bucket}/{name}`. For a type `ObjectCreated:*` and the like stand for all of a kind, `Webhook` alone for every
    /// event. Commas, `%` and space at the ends of a name are written as escapes (RFC 3986 §2.1).
    public init(parsing text: String) throws(UnknownEntry) {
        for part in text.split(separator: ",") {
            let entry = String(part.trimmingSpaces)
            guard !entry.isEmpty else { continue }
            try add(entry)
        }
    }

    public func mutes(_ event: StorageEvent) -> Bool {
        types.contains(event.type) || objects[event.type]?.contains(event.address) ?? false
    }

    private mutating func add(_ entry: String) throws(UnknownEntry) {
        let words = entry.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard words[0] == "Webhook" else { return types.formUnion(try Self.types(entry, in: entry)) }
        guard words.count == 2 else { return types.formUnion(EventType.allCases) }
        let parts = words[1].split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        let named = try Self.types(parts.prefix(2).joined(separator: ":"), in: entry)
        guard parts.count == 3 else { return types.formUnion(named) }
        let address = try Self.address(parts[2], in: entry)
        for type in named { objects[type, default: []].insert(address) }
    }

    private static func types(_ text: String, in entry: String) throws(UnknownEntry) -> [EventType] {
        let named = EventType.allCases.filter { type in
            text == type.rawValue || text.hasSuffix(":*") && type.rawValue.hasPrefix(text.dropLast())
        }
        guard !named.isEmpty else { throw UnknownEntry(entry) }
        return named
    }

    private static func address(_ text: Substring, in entry: String) throws(UnknownEntry) -> ObjectAddress {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let bucket = PercentEncoding.decode(parts[0]), let name = PercentEncoding.decode(parts[1]),
            !bucket.isEmpty, !name.isEmpty
        else { throw UnknownEntry(entry) }
        return ObjectAddress(bucket: BucketID(stored: bucket), key: ObjectKey(stored: name))
    }
}

extension Substring {
    fileprivate var trimmingSpaces: Substring {
        let start = drop { $0.isWhitespace }
        guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return start.prefix(0) }
        return start[...last]
    }
}
