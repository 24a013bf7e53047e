// SPDX-License-Identifier: Apache-2.0

/// Lists of entity tags in conditional requests. RFC 9110 §8.8.3 and §13.1.
public enum EntityTags {
    /// Whether the value of `If-None-Match` names the current representation, by weak comparison (RFC 9110 §13.1.2).
    ///
    /// `*` names any representation. A tag that came without its quotes is compared with the quoted one's content, since
    /// clients in the wild drop them.
    /// - Parameter current: the entity tag, with its quotes. Nil when the representation has none.
    public static func matches(_ field: String, current: String?) -> Bool {
        var rest = Substring(field).utf8
        if rest.trimmingOWS().elementsEqual("*".utf8) { return true }
        guard let current else { return false }
        let wanted = opaque(Substring(current).utf8)
        while let tag = nextTag(&rest) {
            if opaque(tag).elementsEqual(wanted) { return true }
        }
        return false
    }

    /// Takes the next element of the list, quotes and `W/` included. A comma inside quotes is part of the tag.
    private static func nextTag(_ rest: inout Substring.UTF8View) -> Substring.UTF8View? {
        while let byte = rest.first, isSeparator(byte) { rest = rest.dropFirst() }
        guard !rest.isEmpty else { return nil }
        let list = rest
        let tag = rest.starts(with: "W/".utf8) ? rest.dropFirst(2) : rest
        if tag.first == quote, let end = tag.dropFirst().firstIndex(of: quote) {
            rest = list[list.index(after: end)...]
            return list[...end]
        }
        let end = list.firstIndex(of: UInt8(ascii: ",")) ?? list.endIndex
        rest = list[end...]
        return list[..<end].trimmingOWS()
    }

    /// The tag without `W/` and quotes: what weak comparison compares.
    private static func opaque(_ tag: Substring.UTF8View) -> Substring.UTF8View {
        let strong = tag.starts(with: "W/".utf8) ? tag.dropFirst(2) : tag
        guard strong.count >= 2, strong.first == quote, strong.last == quote else { return strong }
        return strong.dropFirst().dropLast()
    }

    private static let quote = UInt8(ascii: "\"")

    private static func isSeparator(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ",") || byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }
}
