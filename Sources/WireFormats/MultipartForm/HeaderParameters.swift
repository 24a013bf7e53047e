// SPDX-License-Identifier: Apache-2.0

/// A field value with parameters, `value; name=value; name="quoted value"`, as Content-Type and Content-Disposition have it.
struct HeaderParameters {
    /// What stands before the first `;`, in lower case.
    let value: String
    /// Names in lower case.
    let parameters: [(name: String, value: String)]

    /// Nil when the text does not have that form.
    init?(parsing bytes: some BidirectionalCollection<UInt8>) {
        var rest = Array(bytes)[...]
        value = String(decoding: Self.take(&rest, upTo: UInt8(ascii: ";")), as: UTF8.self).lowercased()
        var parameters: [(name: String, value: String)] = []
        while rest.popFirst() != nil {
            let isLast = Self.skipSpaces(&rest).isEmpty
            if isLast { break }
            guard let equals = rest.firstIndex(of: UInt8(ascii: "=")) else { return nil }
            let name = rest[..<equals]
            guard !name.isEmpty, name.allSatisfy(ByteSet.token.contains) else { return nil }
            rest = rest[(equals + 1)...]
            guard let value = rest.first == Self.quote ? Self.quoted(&rest) : Self.take(&rest, upTo: UInt8(ascii: ";")) else {
                return nil
            }
            guard rest.first == nil || rest.first == UInt8(ascii: ";") else { return nil }
            parameters.append((String(decoding: name, as: UTF8.self).lowercased(), String(decoding: value, as: UTF8.self)))
        }
        self.parameters = parameters
    }

    /// The value of a parameter. The first one wins.
    subscript(name: String) -> String? { parameters.first { $0.name == name }?.value }

    private static let quote = UInt8(ascii: "\"")
    private static let backslash = UInt8(ascii: "\\")

    @discardableResult
    private static func skipSpaces(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        rest = rest.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        return rest
    }

    /// Everything up to `end`, without white space around it.
    private static func take(_ rest: inout ArraySlice<UInt8>, upTo end: UInt8) -> [UInt8] {
        skipSpaces(&rest)
        let stop = rest.firstIndex(of: end) ?? rest.endIndex
        var taken = rest[..<stop]
        while let last = taken.last, last == UInt8(ascii: " ") || last == UInt8(ascii: "\t") { taken.removeLast() }
        rest = rest[stop...]
        return Array(taken)
    }

    /// A quoted string. Only `\"` and `\\` are escapes: browsers send `filename="C:\new.txt"` as it is.
    private static func quoted(_ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
        rest.removeFirst()
        var text: [UInt8] = []
        while let byte = rest.popFirst() {
            if byte == quote {
                skipSpaces(&rest)
                return text
            }
            if byte == backslash, let next = rest.first, next == quote || next == backslash {
                rest.removeFirst()
                text.append(next)
            } else {
                text.append(byte)
            }
        }
        return nil
    }
}
