// SPDX-License-Identifier: Apache-2.0

/// A place in a document of valid UTF-8, and what can be read from there. Sections are those of XML 1.0, fifth edition.
struct XMLCursor: Sendable {
    let bytes: [UInt8]
    var offset = 0

    /// - Parameter bytes: Valid UTF-8.
    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { offset == bytes.count }
    var peek: UInt8? { isAtEnd ? nil : bytes[offset] }
    var malformed: XMLError { .malformed(offset: offset) }

    func starts(with text: StaticString) -> Bool {
        text.withUTF8Buffer { bytes[offset...].starts(with: $0) }
    }

    mutating func skip(_ text: StaticString) -> Bool {
        guard starts(with: text) else { return false }
        offset += text.utf8CodeUnitCount
        return true
    }

    /// Skips white space.
    /// - Returns: Whether there was any.
    mutating func skipBlanks() -> Bool {
        let start = offset
        while let byte = peek, Self.isBlank(byte) { offset += 1 }
        return offset > start
    }

    /// Skips the byte order mark and the declaration, if they are there. §2.8, §4.3.3.
    mutating func skipDeclaration() throws(XMLError) {
        guard let encoding = try readDeclaration() else { return }
        guard encoding == "utf-8" || encoding == "us-ascii" else { throw .forbidden(offset: offset) }
    }

    /// Skips the same.
    /// - Returns: The encoding that is declared, in lower case.
    mutating func readDeclaration() throws(XMLError) -> String? {
        _ = skip("\u{FEFF}")
        guard starts(with: "<?xml"), offset + 5 < bytes.count, Self.isBlank(bytes[offset + 5]) else { return nil }
        offset += 5
        var pseudoAttributes: [String] = []
        var encoding: String?
        while skipBlanks(), !starts(with: "?>") {
            let name = String(decoding: try readName(), as: UTF8.self)
            let value = try readQuoted().asciiLowercased()
            pseudoAttributes.append(name)
            switch name {
            case "version": guard value == "1.0" || value == "1.1" else { throw malformed }
            case "encoding": encoding = value
            case "standalone": guard value == "yes" || value == "no" else { throw malformed }
            default: throw malformed
            }
        }
        let order = ["version", "encoding", "standalone"].filter(pseudoAttributes.contains)
        guard skip("?>"), pseudoAttributes == order, order.first == "version" else { throw malformed }
        return encoding
    }

    /// Skips the rest of a comment. §2.5.
    mutating func skipComment() throws(XMLError) {
        while !starts(with: "--") {
            _ = try readScalar()
        }
        guard skip("-->") else { throw malformed }
    }

    /// Reads the rest of a CDATA section. §2.7.
    mutating func readCharacterData() throws(XMLError) -> String {
        var text: [UInt8] = []
        while !skip("]]>") { text += try readScalar() }
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads text up to the next tag. §2.4.
    mutating func readText() throws(XMLError) -> String {
        var text: [UInt8] = []
        while let byte = peek, byte != UInt8(ascii: "<") {
            let plain = bytes[offset...].prefix(while: Self.plainBytes.contains)
            guard plain.isEmpty else {
                text += plain
                offset = plain.endIndex
                continue
            }
            guard !starts(with: "]]>") else { throw malformed }
            text += byte == UInt8(ascii: "&") ? try readReference() : try readScalar()
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads a name with its prefix. §2.3: of the characters beyond ASCII, all are taken.
    mutating func readName() throws(XMLError) -> ArraySlice<UInt8> {
        let name = bytes[offset...].prefix { Self.nameBytes.contains($0) || $0 >= 0x80 }
        guard let first = name.first, first >= 0x80 || Self.nameStartBytes.contains(first) else { throw malformed }
        offset = name.endIndex
        return name
    }

    /// Skips attributes and the end of a start tag. §3.1.
    /// - Returns: Whether the element ended with it.
    mutating func skipAttributes() throws(XMLError) -> Bool {
        var names: Set<ArraySlice<UInt8>> = []
        while true {
            let hadBlanks = skipBlanks()
            if skip("/>") { return true }
            if skip(">") { return false }
            guard hadBlanks, names.insert(try readName()).inserted else { throw malformed }
            _ = try readQuoted()
        }
    }

    /// Reads `="…"`. §3.1, and line ends as in §3.3.3.
    private mutating func readQuoted() throws(XMLError) -> String {
        _ = skipBlanks()
        guard skip("=") else { throw malformed }
        _ = skipBlanks()
        guard let quote = peek, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else { throw malformed }
        offset += 1
        var value: [UInt8] = []
        while let byte = peek, byte != quote {
            guard byte != UInt8(ascii: "<") else { throw malformed }
            value += byte == UInt8(ascii: "&") ? try readReference() : try readScalar()
        }
        guard !isAtEnd else { throw malformed }
        offset += 1
        return String(decoding: value, as: UTF8.self)
    }

    /// Reads a character that stands for itself; a line end of any kind is one line feed. §2.2, §2.11.
    mutating func readScalar() throws(XMLError) -> ArraySlice<UInt8> {
        guard let first = peek else { throw malformed }
        if skip("\r\n") || skip("\r") { return [UInt8(ascii: "\n")] }
        guard first >= 0x20 || first == UInt8(ascii: "\t") || first == UInt8(ascii: "\n") else { throw malformed }
        guard first != 0xEF || !(starts(with: "\u{FFFE}") || starts(with: "\u{FFFF}")) else { throw malformed }
        let length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        defer { offset += length }
        return bytes[offset..<(offset + length)]
    }

    /// Reads `&…;`. §4.1, §4.6. Entities that a document would have to declare are refused.
    mutating func readReference() throws(XMLError) -> ArraySlice<UInt8> {
        let start = offset
        guard skip("&") else { throw malformed }
        if skip("#") { return try readNumericReference() }
        for (name, byte) in Self.entities where skip(name) { return [byte] }
        throw .forbidden(offset: start)
    }

    private mutating func readNumericReference() throws(XMLError) -> ArraySlice<UInt8> {
        let radix: UInt32 = skip("x") ? 16 : 10
        var number: UInt32 = 0
        var hasDigits = false
        while let digit = peek.flatMap(Hexadecimal.value), digit < radix {
            number = number * radix + UInt32(digit)
            guard number <= 0x10FFFF else { throw malformed }
            hasDigits = true
            offset += 1
        }
        guard hasDigits, skip(";"), number != 0, let scalar = Unicode.Scalar(number) else { throw malformed }
        return Array(String(scalar).utf8)[...]
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

    private static let entities: [(StaticString, UInt8)] = [
        ("lt;", UInt8(ascii: "<")), ("gt;", UInt8(ascii: ">")), ("amp;", UInt8(ascii: "&")), ("quot;", UInt8(ascii: "\"")),
        ("apos;", UInt8(ascii: "'")),
    ]
    /// What stands for itself in text, whatever is around it.
    private static let plainBytes = ByteSet.alphanumeric.union(" \n\t!\"#$%'()*+,-./:;=?@[^_`{|}~\\")
    private static let nameBytes = ByteSet.alphanumeric.union("_:-.")
    private static let nameStartBytes = ByteSet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_:".utf8)
}
