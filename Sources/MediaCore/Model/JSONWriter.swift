// SPDX-License-Identifier: Apache-2.0

/// Writes JSON in a fixed key order: error bodies and lists are compared as text by clients' tests, which a keyed
/// encoder does not promise.
public struct JSONWriter: Sendable {
    public private(set) var text = ""
    private var needsComma = false

    public init() {}

    public mutating func object(_ body: (inout JSONWriter) -> Void) { nested("{", "}", body) }
    public mutating func array(_ body: (inout JSONWriter) -> Void) { nested("[", "]", body) }

    public mutating func array<S: Sequence>(_ items: S, _ body: (inout JSONWriter, S.Element) -> Void) {
        array { writer in for item in items { body(&writer, item) } }
    }

    public mutating func key(_ name: String) {
        separate()
        appendQuoted(name)
        text += ":"
        needsComma = false
    }

    public mutating func string(_ value: String?) {
        separate()
        if let value { appendQuoted(value) } else { text += "null" }
        needsComma = true
    }
    public mutating func integer(_ value: Int64?) { raw(value.map(String.init) ?? "null") }
    public mutating func bool(_ value: Bool?) { raw(value.map { $0 ? "true" : "false" } ?? "null") }
    public mutating func json(_ value: JSONText?) { raw(value?.rawValue ?? "null") }

    public mutating func field(_ name: String, _ value: String?) { key(name); string(value) }
    public mutating func field(_ name: String, _ value: Int64?) { key(name); integer(value) }
    public mutating func field(_ name: String, _ value: Bool?) { key(name); bool(value) }
    public mutating func field(_ name: String, _ value: JSONText?) { key(name); json(value) }
    public mutating func field(_ name: String, _ value: Timestamp?) { key(name); string(value?.iso8601) }

    /// One object as text.
    public static func object(_ body: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        writer.object(body)
        return writer.text
    }

    private mutating func nested(_ open: String, _ close: String, _ body: (inout JSONWriter) -> Void) {
        separate()
        text += open
        needsComma = false
        body(&self)
        text += close
        needsComma = true
    }

    private mutating func raw(_ value: String) {
        separate()
        text += value
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { text += "," }
    }

    private mutating func appendQuoted(_ value: String) {
        text += "\""
        if value.utf8.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
            text += value
        } else {
            for scalar in value.unicodeScalars { appendEscaped(scalar) }
        }
        text += "\""
    }

    // RFC 8259 §7.
    private mutating func appendEscaped(_ scalar: Unicode.Scalar) {
        switch scalar {
        case "\"": text += "\\\""
        case "\\": text += "\\\\"
        case "\n": text += "\\n"
        case "\r": text += "\\r"
        case "\t": text += "\\t"
        case "\u{08}": text += "\\b"
        case "\u{0C}": text += "\\f"
        case _ where scalar.value < 0x20:
            let hex = String(scalar.value, radix: 16)
            text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
        default: text.unicodeScalars.append(scalar)
        }
    }
}
