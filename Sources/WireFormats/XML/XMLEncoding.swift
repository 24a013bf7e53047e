// SPDX-License-Identifier: Apache-2.0

/// Makes UTF-8 of documents in the encodings that are read here: UTF-8, UTF-16 and ISO 8859-1. XML 1.0 §4.3.3, appendix F.
///
/// Others are refused and not guessed: a document that two readers decode differently is two documents.
enum XMLEncoding {
    /// - Throws: `XMLError.forbidden` for another encoding; `.malformed` for bytes that aren't of the one they are said to be.
    static func utf8(_ document: [UInt8]) throws(XMLError) -> [UInt8] {
        switch (document.first, document.dropFirst().first) {
        case (0xFE, 0xFF): return try decodeUTF16(document.dropFirst(2), high: 0)
        case (0xFF, 0xFE): return try decodeUTF16(document.dropFirst(2), high: 1)
        case (0x00, 0x3C): return try decodeUTF16(document[...], high: 0)
        case (0x3C, 0x00): return try decodeUTF16(document[...], high: 1)
        default: break
        }
        switch try declared(document) {
        case nil, "utf-8", "utf8", "us-ascii", "ascii":
            guard String(validating: document, as: UTF8.self) != nil else { throw .malformed(offset: 0) }
            return document
        case "iso-8859-1", "latin1", "latin-1":
            return document.flatMap { $0 < 0x80 ? [$0] : [0xC0 | $0 >> 6, 0x80 | $0 & 0x3F] }
        default: throw .forbidden(offset: 0)
        }
    }

    /// The encoding in the declaration. It is made of ASCII, or it is none.
    private static func declared(_ document: [UInt8]) throws(XMLError) -> String? {
        var start = Array(document.prefix(512).prefix { $0 != UInt8(ascii: ">") })
        if start.starts(with: [0xEF, 0xBB, 0xBF]) { start.removeFirst(3) }
        guard start.starts(with: Array("<?xml".utf8)) else { return nil }
        guard start.allSatisfy({ $0 < 0x80 }) else { throw .malformed(offset: 0) }
        start.append(UInt8(ascii: ">"))
        var cursor = XMLCursor(start)
        return try cursor.readDeclaration()
    }

    /// - Parameter high: Which byte of two is the upper one.
    private static func decodeUTF16(_ bytes: ArraySlice<UInt8>, high: Int) throws(XMLError) -> [UInt8] {
        guard bytes.count.isMultiple(of: 2) else { throw .malformed(offset: bytes.count) }
        let units = stride(from: bytes.startIndex, to: bytes.endIndex, by: 2).map { index in
            UInt16(bytes[index + high]) << 8 | UInt16(bytes[index + 1 - high])
        }
        guard let text = String(validating: units, as: UTF16.self) else { throw .malformed(offset: 0) }
        return Array(text.utf8)
    }
}
