// SPDX-License-Identifier: Apache-2.0

/// Finds out whether bytes begin like an SVG, without reading all of them.
public enum SVGPrologue {
    /// Whether the first element is `svg`, with or without a prefix, behind a byte order mark, blanks, comments, instructions and a
    /// document type. It says nothing about the rest. Compressed SVG (`.svgz`) is none here.
    /// - Parameter head: the first bytes of a file. A few kilobytes do; what stands before the root must be among them.
    public static func leadsToSVG(_ head: some RandomAccessCollection<UInt8>) -> Bool {
        // Most files are none, and their first byte says so.
        guard let first = head.first, isBlank(first) || [0x3C, 0xEF, 0xFE, 0xFF, 0x00].contains(first) else { return false }
        var text = ascii(Array(head.prefix(longestPrologue)))
        if text.starts(with: byteOrderMark) { text = text.dropFirst(3) }
        while true {
            text = text.drop(while: isBlank)
            if text.starts(with: "<?".utf8) {
                text = after("?>", in: text.dropFirst(2))
            } else if text.starts(with: "<!--".utf8) {
                text = after("-->", in: text.dropFirst(4))
            } else if text.starts(with: "<!DOCTYPE".utf8) {
                text = afterDocumentType(text)
            } else {
                return startsRoot(text)
            }
        }
    }

    private static func startsRoot(_ text: ArraySlice<UInt8>) -> Bool {
        guard text.first == UInt8(ascii: "<") else { return false }
        let name = text.dropFirst().prefix { !isBlank($0) && $0 != UInt8(ascii: ">") && $0 != UInt8(ascii: "/") }
        return name.count < text.count - 1 && (name.elementsEqual("svg".utf8) || name.suffix(4).elementsEqual(":svg".utf8))
    }

    /// What is behind the first occurrence of a mark; nothing where there is none.
    private static func after(_ mark: String, in text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let mark = Array(mark.utf8)
        var index = text.startIndex
        while index + mark.count <= text.endIndex {
            if text[index] == mark[0], text[index..<(index + mark.count)].elementsEqual(mark) {
                return text[(index + mark.count)...]
            }
            index += 1
        }
        return []
    }

    private static func afterDocumentType(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var text = text
        var quote: UInt8?
        var isInSubset = false
        while let byte = text.first {
            if quote == nil, isInSubset, text.starts(with: "<!--".utf8) {
                text = after("-->", in: text.dropFirst(4))
                continue
            }
            text = text.dropFirst()
            switch byte {
            case _ where quote != nil: if byte == quote { quote = nil }
            case UInt8(ascii: "\""), UInt8(ascii: "'"): quote = byte
            case UInt8(ascii: "["): isInSubset = true
            case UInt8(ascii: "]"): isInSubset = false
            case UInt8(ascii: ">") where !isInSubset: return text
            default: break
            }
        }
        return []
    }

    /// UTF-16 without its zeros: up to the root's name, all that matters is ASCII.
    private static func ascii(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
        if bytes.starts(with: [0xFE, 0xFF]) || bytes.starts(with: [0xFF, 0xFE]) {
            return bytes.dropFirst(2).filter { $0 != 0 }[...]
        }
        if bytes.starts(with: [0x3C, 0x00]) || bytes.starts(with: [0x00, 0x3C]) { return bytes.filter { $0 != 0 }[...] }
        return bytes[...]
    }

    /// XML's, and two more that cost nothing.
    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || 0x09...0x0D ~= byte }

    private static let longestPrologue = MediaKind.headLength
    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
}
