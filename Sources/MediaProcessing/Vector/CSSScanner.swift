// SPDX-License-Identifier: Apache-2.0

/// A place in a piece of CSS, and what can be read from there. Sections are those of CSS Syntax Level 3.
struct CSSScanner: Sendable {
    private let text: ArraySlice<UInt8>
    private(set) var offset: Int

    init(_ text: ArraySlice<UInt8>) {
        self.text = text
        offset = text.startIndex
    }

    var peek: UInt8? { offset < text.endIndex ? text[offset] : nil }

    mutating func advance() { offset += 1 }

    mutating func skip(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        offset += 1
        return true
    }

    mutating func skipBlanks() {
        while let byte = peek, Self.isBlank(byte) { offset += 1 }
    }

    mutating func read(while isPart: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        let start = offset
        while offset < text.endIndex, isPart(text[offset]) { offset += 1 }
        return text[start..<offset]
    }

    /// Reads a name without escapes. §4.3.11.
    mutating func readName() -> ArraySlice<UInt8> { read(while: Self.isNamePart) }

    /// Reads a string, the quotes included. §4.3.5.
    /// - Returns: Nil where it does not end or holds an escape.
    mutating func readString() -> ArraySlice<UInt8>? {
        let start = offset
        guard let quote = peek else { return nil }
        offset += 1
        while let byte = peek {
            offset += 1
            if byte == quote { return text[start..<offset] }
            if byte == UInt8(ascii: "\\") || byte < 0x20 && byte != UInt8(ascii: "\t") { return nil }
        }
        return nil
    }

    /// Reads up to one of these bytes at this level of parentheses, brackets and braces, over strings. §5.4.
    mutating func read(until ends: ASCIISet) -> ArraySlice<UInt8> {
        let start = offset
        var closers: [UInt8] = []
        while let byte = peek {
            if closers.isEmpty, ends.contains(byte) { break }
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                skipString(byte)
                continue
            case UInt8(ascii: "("): closers.append(UInt8(ascii: ")"))
            case UInt8(ascii: "["): closers.append(UInt8(ascii: "]"))
            case UInt8(ascii: "{"): closers.append(UInt8(ascii: "}"))
            case UInt8(ascii: "\\") where offset + 1 < text.endIndex: offset += 1
            default: if closers.last == byte { closers.removeLast() }
            }
            offset += 1
        }
        return text[start..<offset]
    }

    /// Skips a string as a browser would: a line's end ends it. §4.3.5.
    private mutating func skipString(_ quote: UInt8) {
        offset += 1
        while let byte = peek {
            if byte == UInt8(ascii: "\n") { return }
            offset += 1
            if byte == quote { return }
            if byte == UInt8(ascii: "\\"), offset < text.endIndex { offset += 1 }
        }
    }

    /// The text with a space for each comment, and without what hides CSS from old browsers of HTML. §4.3.2, §4.3.14.
    static func withoutComments(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard text.contains(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "<") || $0 == UInt8(ascii: ">") }) else {
            return text
        }
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var rest = text
        while let byte = rest.first {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                var scanner = CSSScanner(rest)
                scanner.skipString(byte)
                result += rest[..<scanner.offset]
                rest = rest[scanner.offset...]
            } else if rest.starts(with: commentStart) {
                rest = rest.dropFirst(2)
                while !rest.isEmpty, !rest.starts(with: commentEnd) { rest = rest.dropFirst() }
                rest = rest.dropFirst(2)
                result.append(UInt8(ascii: " "))
            } else if let hidden = [hideStart, hideEnd].first(where: rest.starts) {
                rest = rest.dropFirst(hidden.count)
                result.append(UInt8(ascii: " "))
            } else {
                result.append(byte)
                rest = rest.dropFirst()
            }
        }
        return result[...]
    }

    static func trim(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var text = text.drop(while: isBlank)
        while let last = text.last, isBlank(last) { text.removeLast() }
        return text
    }

    static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || 0x09...0x0D ~= byte }
    static func isNamePart(_ byte: UInt8) -> Bool { names.contains(byte) || byte >= 0x80 }
    static func startsName(_ byte: UInt8) -> Bool { nameStarts.contains(byte) || byte >= 0x80 }

    private static let nameStarts = ASCIISet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-")
    private static let names = ASCIISet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
    private static let commentStart = Array("/*".utf8)
    private static let commentEnd = Array("*/".utf8)
    private static let hideStart = Array("<!--".utf8)
    private static let hideEnd = Array("-->".utf8)
}
