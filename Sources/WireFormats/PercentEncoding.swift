// SPDX-License-Identifier: Apache-2.0

/// Percent-encoding of URLs. RFC 3986 §2.1.
public enum PercentEncoding {
    /// The text that `raw` stands for. `+` is itself. Nil for a malformed escape, or when the result is not UTF-8.
    public static func decode(_ raw: some StringProtocol) -> String? {
        guard raw.utf8.contains(UInt8(ascii: "%")) else { return String(raw) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(raw.utf8.count)
        var rest = raw.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// `text` with everything escaped but the unreserved characters of RFC 3986 §2.3: safe in any component, and a token of
    /// RFC 9110 §5.6.2.
    public static func encodeComponent(_ text: String) -> String { encode(text) { _ in false } }

    /// `path` with everything escaped but unreserved characters and `/`.
    public static func encodePath(_ path: String) -> String { encode(path) { $0 == UInt8(ascii: "/") } }

    private static func encode(_ text: String, keeping isKept: (UInt8) -> Bool) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            if isUnreserved(byte) || isKept(byte) {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static let hex = Array("0123456789ABCDEF".utf8)

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
            true
        default: false
        }
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

/// The query of a URL as names and values: `name=value&…`, `+` for a space.
public enum QueryString {
    /// What stands in `query`; of a name given twice the first value counts. A name without `=` has the empty value. Nil for a
    /// malformed escape.
    public static func parse(_ query: some StringProtocol) -> [String: String]? {
        var result: [String: String] = [:]
        for field in query.split(separator: "&") {
            let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = text(parts[0]), let value = parts.count == 2 ? text(parts[1]) : "" else { return nil }
            if result[name] == nil { result[name] = value }
        }
        return result
    }

    private static func text(_ raw: some StringProtocol) -> String? {
        PercentEncoding.decode(String(decoding: raw.utf8.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 }, as: UTF8.self))
    }
}
