// SPDX-License-Identifier: Apache-2.0

/// Comparing entity tags. RFC 9110 §8.8.3.
public enum EntityTag {
    /// Whether `field`, the value of `If-None-Match`, names `tag` by weak comparison. `*` names every tag.
    public static func matches(_ field: String, _ tag: String) -> Bool {
        let wanted = opaque(tag[...])
        var rest = field[...]
        while true {
            rest = rest.drop { $0 == " " || $0 == "," || $0 == "\t" }
            if rest.isEmpty { return false }
            if rest.first == "*" { return true }
            let end = endOfTag(rest)
            if opaque(rest[..<end]) == wanted { return true }
            rest = rest[end...]
        }
    }

    /// The members of a field that holds `*` or a list of entity tags, as they were sent.
    public static func list(_ field: String) -> [String] {
        var tags: [String] = []
        var rest = field[...]
        while true {
            rest = rest.drop { $0 == " " || $0 == "," || $0 == "\t" }
            if rest.isEmpty { return tags }
            let end = endOfTag(rest)
            tags.append(String(trimmed(rest[..<end])))
            rest = rest[end...]
        }
    }

    /// Whether `wanted` is `tag` by strong comparison. Quirk: some clients leave the quotes out.
    public static func isStrong(_ wanted: String, sameAs tag: String) -> Bool {
        !wanted.hasPrefix("W/") && !tag.hasPrefix("W/") && opaque(wanted[...]).utf8.elementsEqual(opaque(tag[...]).utf8)
    }

    /// Quirk: some clients send the tag without its quotes; what stands between commas then is the tag.
    private static func endOfTag(_ text: Substring) -> Substring.Index {
        var index = text.startIndex
        if text.hasPrefix("W/") { index = text.index(index, offsetBy: 2) }
        guard index < text.endIndex, text[index] == "\"" else { return text.firstIndex(of: ",") ?? text.endIndex }
        guard let closing = text[text.index(after: index)...].firstIndex(of: "\"") else { return text.endIndex }
        return text.index(after: closing)
    }

    private static func opaque(_ tag: Substring) -> Substring {
        var tag = tag.hasPrefix("W/") ? tag.dropFirst(2) : tag
        tag = trimmed(tag)
        if tag.count >= 2, tag.first == "\"", tag.last == "\"" { tag = tag.dropFirst().dropLast() }
        return tag
    }

    private static func trimmed(_ tag: Substring) -> Substring {
        var tag = tag
        while tag.last == " " || tag.last == "\t" { tag = tag.dropLast() }
        return tag
    }
}
