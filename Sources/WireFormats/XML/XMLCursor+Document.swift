// SPDX-License-Identifier: Apache-2.0

// What only whole documents of foreign origin have: attributes that matter, document types, processing instructions.

extension XMLCursor {
    /// Reads `="…"` and normalises the value: white space of any kind is a space, unless it is written by number. §3.3.3.
    mutating func readAttributeValue(_ entities: inout XMLEntities) throws(XMLError) -> ArraySlice<UInt8> {
        _ = skipBlanks()
        guard skip("=") else { throw malformed }
        _ = skipBlanks()
        guard let quote = peek, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else { throw malformed }
        offset += 1
        let first = readPlain(until: quote)
        if peek == quote {
            offset += 1
            return first
        }
        var value = Array(first)
        while let byte = peek, byte != quote {
            switch byte {
            case UInt8(ascii: "<"): throw malformed
            case UInt8(ascii: "&"): value += try readReference(&entities)
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"):
                _ = try readScalar()
                value.append(UInt8(ascii: " "))
            default: value += try readScalar()
            }
            value += readPlain(until: quote)
        }
        guard !isAtEnd else { throw malformed }
        offset += 1
        return value[...]
    }

    /// Reads text up to the next tag. §2.4.
    mutating func readCharacters(_ entities: inout XMLEntities) throws(XMLError) -> ArraySlice<UInt8> {
        let first = readPlain(until: UInt8(ascii: "<"))
        if peek == UInt8(ascii: "<") { return first }
        var text = Array(first)
        while let byte = peek, byte != UInt8(ascii: "<") {
            guard !starts(with: "]]>") else { throw malformed }
            text += byte == UInt8(ascii: "&") ? try readReference(&entities) : try readScalar()
            text += readPlain(until: UInt8(ascii: "<"))
        }
        return text[...]
    }

    /// Skips the rest of a processing instruction. §2.6.
    mutating func skipProcessingInstruction() throws(XMLError) {
        guard try !readName().elementsEqual("xml".utf8) else { throw malformed }
        while !skip("?>") { _ = try readScalar() }
    }

    /// Reads the rest of a document type: entities that are plain text are kept, everything else is skipped. §2.8.
    mutating func readDocumentType(_ entities: inout XMLEntities) throws(XMLError) {
        guard skipBlanks() else { throw malformed }
        _ = try readName()
        try skipLiterals(until: "[>")
        if skip("[") {
            try readInternalSubset(&entities)
            _ = skipBlanks()
        }
        guard skip(">") else { throw malformed }
    }

    private mutating func readInternalSubset(_ entities: inout XMLEntities) throws(XMLError) {
        while true {
            _ = skipBlanks()
            if skip("]") { return }
            if skip("<!--") {
                try skipComment()
            } else if skip("<?") {
                try skipProcessingInstruction()
            } else if skip("<!ENTITY") {
                try readEntity(&entities)
            } else if skip("<!") {
                try skipDeclarationInSubset()
            } else if skip("%") {
                // A parameter entity could only bring declarations, which nothing here needs.
                _ = try readName()
                guard skip(";") else { throw malformed }
            } else {
                throw malformed
            }
        }
    }

    /// Reads the rest of an entity's declaration. §4.2.
    private mutating func readEntity(_ entities: inout XMLEntities) throws(XMLError) {
        guard skipBlanks() else { throw malformed }
        guard peek != UInt8(ascii: "%") else { return try skipDeclarationInSubset() }
        let name = try readName()
        guard skipBlanks() else { throw malformed }
        guard peek == UInt8(ascii: "\"") || peek == UInt8(ascii: "'") else { return try skipDeclarationInSubset() }
        entities.declare(name, try readLiteral())
        _ = skipBlanks()
        guard skip(">") else { throw malformed }
    }

    private mutating func skipDeclarationInSubset() throws(XMLError) {
        try skipLiterals(until: ">")
        guard skip(">") else { throw malformed }
    }

    /// Skips to one of these bytes that isn't in quotes.
    private mutating func skipLiterals(until ends: String) throws(XMLError) {
        while let byte = peek, !ends.utf8.contains(byte) {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                _ = try readLiteral()
            } else {
                guard byte != UInt8(ascii: "<") else { throw malformed }
                _ = try readScalar()
            }
        }
    }

    /// Reads what is in quotes, as it is written. §2.3.
    private mutating func readLiteral() throws(XMLError) -> ArraySlice<UInt8> {
        guard let quote = peek else { throw malformed }
        offset += 1
        let start = offset
        while let byte = peek, byte != quote { _ = try readScalar() }
        guard !isAtEnd else { throw malformed }
        defer { offset += 1 }
        return bytes[start..<offset]
    }

    /// Reads `&…;`. §4.1. References to characters that XML 1.0 doesn't have are refused, as it demands.
    private mutating func readReference(_ entities: inout XMLEntities) throws(XMLError) -> ArraySlice<UInt8> {
        let start = offset
        if starts(with: "&#") || Self.predefined.contains(where: starts) {
            let scalar = try readReference()
            guard let first = scalar.first, first >= 0x20 || Self.blanks.contains(first), !Self.nonCharacters.contains(scalar)
            else { throw .malformed(offset: start) }
            return scalar
        }
        offset += 1
        let name = try readName()
        guard skip(";") else { throw malformed }
        guard let text = try entities.expand(name) else { throw .forbidden(offset: start) }
        return text[...]
    }

    /// Reads ASCII and most of what is beyond, up to what needs a second look.
    private mutating func readPlain(until end: UInt8) -> ArraySlice<UInt8> {
        let start = offset
        while offset < bytes.count {
            let byte = bytes[offset]
            guard byte != end, Self.plain.contains(byte) || byte >= 0x80 && byte != 0xEF else { break }
            offset += 1
        }
        return bytes[start..<offset]
    }

    private static let predefined: [StaticString] = ["&lt;", "&gt;", "&amp;", "&quot;", "&apos;"]
    private static let blanks = ByteSet(" \n\r\t".utf8)
    private static let nonCharacters: Set<ArraySlice<UInt8>> = [[0xEF, 0xBF, 0xBE], [0xEF, 0xBF, 0xBF]]
    /// What stands for itself in text and in attributes. Without `]`, which may end a CDATA section that never began.
    private static let plain = ByteSet((0x20...0x7E).filter { !Array("&<]".utf8).contains($0) })
}
