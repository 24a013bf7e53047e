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
        while tag.last == " " { tag = tag.dropLast() }
        if tag.count >= 2, tag.first == "\"", tag.last == "\"" { tag = tag.dropFirst().dropLast() }
        return tag
    }
}
