// SPDX-License-Identifier: Apache-2.0

/// A checked `X-Robots-Tag` value: a comma list of the rules that crawlers understand, each with an optional `agent:` before it.
public struct RobotsRules: Hashable, Sendable {
    public let rawValue: String

    private static let plain: Set<String> = [
        "all", "noindex", "nofollow", "none", "nosnippet", "indexifembedded", "notranslate", "noimageindex",
    ]

    /// - Throws: `StorageError` with code `.invalidRobotsRule`, naming the first rule that is none.
    public init(_ text: String) throws(StorageError) {
        guard text.utf8.count <= 1024 else { throw Self.invalid(String(text.prefix(64))) }
        // A date may hold commas: everything behind `unavailable_after:` up to its end belongs to it.
        var rest = Substring(text)
        while true {
            let rule: Substring
            if let date = Self.dateRule(rest) {
                rule = date
            } else {
                rule = rest.prefix { $0 != "," }
            }
            let trimmed = Self.trim(rule)
            guard Self.isRule(trimmed, allowsAgent: true) else { throw Self.invalid(String(trimmed)) }
            rest = rest.dropFirst(rule.count)
            guard rest.first == "," else { break }
            rest = rest.dropFirst()
        }
        self.rawValue = text
    }

    private static func invalid(_ rule: String) -> StorageError {
        StorageError(.invalidRobotsRule, "Invalid X-Robots-Tag header: Invalid X-Robots-Tag rule: \"\(rule)\"")
    }

    /// The longest beginning of `text` that is an `unavailable_after:` rule with a date.
    private static func dateRule(_ text: Substring) -> Substring? {
        guard let marker = text.firstRange(of: "unavailable_after:"), !text[..<marker.lowerBound].contains(",") else {
            return nil
        }
        var end = text.endIndex
        while true {
            if isDate(trim(text[marker.upperBound..<end])) { return text[..<end] }
            guard let comma = text[marker.upperBound..<end].lastIndex(of: ",") else { return nil }
            end = comma
        }
    }

    private static func isRule(_ rule: Substring, allowsAgent: Bool) -> Bool {
        if plain.contains(String(rule)) { return true }
        guard let colon = rule.firstIndex(of: ":") else { return false }
        let name = rule[..<colon]
        let value = trim(rule[rule.index(after: colon)...])
        switch name {
        case "max-snippet", "max-video-preview": return Int(value).map { $0 >= -1 } ?? false
        case "max-image-preview": return ["none", "standard", "large"].contains(value)
        case "unavailable_after": return isDate(value)
        default:
            let isAgent =
                !name.isEmpty
                && name.utf8.allSatisfy { byte in
                    byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
                        || byte == UInt8(ascii: "*")
                        || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
                        || (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"))
                }
            return allowsAgent && isAgent && isRule(value, allowsAgent: false)
        }
    }

    private static func isDate(_ text: Substring) -> Bool {
        let text = String(text)
        if Timestamp(httpDate: text) != nil || Timestamp(iso8601: text) != nil { return true }
        let parts = text.split(separator: "-")
        return parts.count == 3 && Timestamp(iso8601: text + "T00:00:00Z") != nil
    }

    private static func trim(_ text: Substring) -> Substring {
        var text = text
        while text.first == " " { text = text.dropFirst() }
        while text.last == " " { text = text.dropLast() }
        return text
    }
}
