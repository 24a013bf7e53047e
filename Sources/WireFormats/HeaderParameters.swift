// SPDX-License-Identifier: Apache-2.0

/// A header field of the form `value; name=value; name="quoted value"`. RFC 9110 §5.6.6.
public struct HeaderParameters: Hashable, Sendable {
    /// What stands before the first semicolon, without blanks around it.
    public let value: String
    private var parameters: [String: String] = [:]

    public init(_ text: String) {
        var rest = Substring(text)
        value = rest.prefix { $0 != ";" }.trimmingBlanks
        rest = rest.dropFirst(rest.prefix { $0 != ";" }.count)
        while rest.first == ";" {
            rest = rest.dropFirst()
            let name = rest.prefix { $0 != "=" && $0 != ";" }
            rest = rest.dropFirst(name.count)
            guard rest.first == "=" else { continue }
            rest = rest.dropFirst()
            let value = Self.readValue(&rest)
            let key = name.trimmingBlanks.lowercased()
            // Of a name given twice the first counts, so that nothing appended can override it.
            if parameters[key] == nil { parameters[key] = value }
        }
    }

    /// The parameter of this name, which is in lower case.
    public subscript(name: String) -> String? { parameters[name] }

    private static func readValue(_ rest: inout Substring) -> String {
        while let first = rest.first, first == " " || first == "\t" { rest = rest.dropFirst() }
        guard rest.first == "\"" else {
            let value = rest.prefix { $0 != ";" }
            rest = rest.dropFirst(value.count)
            return value.trimmingBlanks
        }
        rest = rest.dropFirst()
        var value = ""
        while let character = rest.popFirst(), character != "\"" {
            // Only these two are ever escaped: browsers send a file's backslashes as they are.
            if character == "\\", let next = rest.first, next == "\"" || next == "\\" {
                value.append(next)
                rest = rest.dropFirst()
            } else {
                value.append(character)
            }
        }
        rest = rest.drop { $0 != ";" }
        return value
    }
}

extension StringProtocol {
    /// The text without spaces and tabs at its ends.
    var trimmingBlanks: String {
        var text = self[...]
        while let first = text.first, first == " " || first == "\t" { text = text.dropFirst() }
        while let last = text.last, last == " " || last == "\t" { text = text.dropLast() }
        return String(text)
    }
}
