// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// Values in the text format of Postgres' parameters.
enum Parameter {
    static func int(_ value: Int64?) -> String? { value.map { String($0) } }
    static func int(_ value: Int?) -> String? { value.map { String($0) } }
    static func bool(_ value: Bool?) -> String? { value.map { $0 ? "t" : "f" } }
    static func json(_ value: JSONText?) -> String? { value?.rawValue }
    /// A `text[]`.
    static func strings(_ values: [String]?) -> String? { values.map { ArrayLiteral.text($0) } }
    /// A `bigint` of microseconds since 1970: `timestamptz 'epoch' + $1::bigint * interval '1 microsecond'` in the statement.
    static func timestamp(_ value: Timestamp?) -> String? { value.map { String($0.microseconds) } }
}

/// The text form of a `text[]` (PostgreSQL 15, §8.15.6).
enum ArrayLiteral {
    /// Every element is quoted, so that none is taken for NULL; nil is.
    static func text(_ elements: [String?]) -> String {
        var bytes: [UInt8] = [UInt8(ascii: "{")]
        bytes.reserveCapacity(elements.reduce(2) { $0 + ($1?.utf8.count ?? 4) + 3 })
        for (index, element) in elements.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            guard let element else {
                bytes.append(contentsOf: "NULL".utf8)
                continue
            }
            bytes.append(UInt8(ascii: "\""))
            for byte in element.utf8 {
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { bytes.append(UInt8(ascii: "\\")) }
                bytes.append(byte)
            }
            bytes.append(UInt8(ascii: "\""))
        }
        bytes.append(UInt8(ascii: "}"))
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The elements of a one-dimensional array without NULL elements; nil for anything else.
    static func parse(_ text: String) -> [String]? {
        var scalars = Substring(text).unicodeScalars
        guard scalars.popFirst() == "{", scalars.popLast() == "}" else { return nil }
        var elements: [String] = []
        guard !scalars.isEmpty else { return elements }
        while true {
            guard let element = scalars.first == "\"" ? quoted(&scalars) : bare(&scalars) else { return nil }
            elements.append(element)
            guard let separator = scalars.popFirst() else { return elements }
            guard separator == "," else { return nil }
        }
    }

    private static func quoted(_ scalars: inout Substring.UnicodeScalarView) -> String? {
        scalars.removeFirst()
        var element = String.UnicodeScalarView()
        while let scalar = scalars.popFirst() {
            switch scalar {
            case "\"": return String(element)
            case "\\":
                guard let escaped = scalars.popFirst() else { return nil }
                element.append(escaped)
            default: element.append(scalar)
            }
        }
        return nil
    }

    private static func bare(_ scalars: inout Substring.UnicodeScalarView) -> String? {
        var element = String.UnicodeScalarView()
        while let scalar = scalars.first, scalar != "," {
            guard scalar != "{", scalar != "}", scalar != "\"", scalar != "\\" else { return nil }
            element.append(scalar)
            scalars.removeFirst()
        }
        let text = String(element)
        return text.isEmpty || text.lowercased() == "null" ? nil : text
    }
}
