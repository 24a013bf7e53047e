// SPDX-License-Identifier: Apache-2.0

/// Writes JSON in a fixed key order: error bodies and lists are compared as text by clients' tests, which a keyed
/// encoder does not promise.
public struct JSONWriter: Sendable {
    /// As UTF-8.
    public private(set) var bytes: [UInt8] = []
    private var needsComma = false

    public init() {}

    public var text: String { String(decoding: bytes, as: UTF8.self) }

    public mutating func object(_ body: (inout JSONWriter) -> Void) {
        nested(UInt8(ascii: "{"), UInt8(ascii: "}"), body)
    }
    public mutating func array(_ body: (inout JSONWriter) -> Void) {
        nested(UInt8(ascii: "["), UInt8(ascii: "]"), body)
    }

    public mutating func array<S: Sequence>(_ items: S, _ body: (inout JSONWriter, S.Element) -> Void) {
        array { writer in for item in items { body(&writer, item) } }
    }

    public mutating func key(_ name: String) {
        separate()
        appendQuoted(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    public mutating func string(_ value: String?) {
        guard let value else { return raw("null") }
        separate()
        appendQuoted(value)
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

    private mutating func nested(_ open: UInt8, _ close: UInt8, _ body: (inout JSONWriter) -> Void) {
        separate()
        bytes.append(open)
        needsComma = false
        body(&self)
        bytes.append(close)
        needsComma = true
    }

    private mutating func raw(_ value: String) {
        separate()
        bytes.append(contentsOf: value.utf8)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }

    private mutating func appendQuoted(_ value: String) {
        bytes.append(UInt8(ascii: "\""))
        if value.utf8.allSatisfy(Self.isPlain) {
            bytes.append(contentsOf: value.utf8)
        } else {
            for byte in value.utf8 {
                if Self.isPlain(byte) { bytes.append(byte) } else { appendEscaped(byte) }
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// What has to be escaped is ASCII. RFC 8259 §7.
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    private mutating func appendEscaped(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\n"): bytes.append(UInt8(ascii: "n"))
        case UInt8(ascii: "\r"): bytes.append(UInt8(ascii: "r"))
        case UInt8(ascii: "\t"): bytes.append(UInt8(ascii: "t"))
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case ..<0x20:
            let hex = String(byte, radix: 16)
            bytes.append(contentsOf: "u\(String(repeating: "0", count: 4 - hex.utf8.count))\(hex)".utf8)
        default: bytes.append(byte)
        }
    }
}
