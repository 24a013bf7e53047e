// SPDX-License-Identifier: Apache-2.0

/// The media type that the first bytes of a file show. What its sender says of it is hearsay, and a browser that believed it could
/// be made to run what is stored.
enum SniffedType {
    /// How many bytes are looked at.
    static let bytes = 1024

    /// `application/octet-stream` for all that is neither image nor film.
    static func mediaType(of head: some Collection<UInt8>) -> String {
        let head = Array(head.prefix(bytes))
        if let known = magic.first(where: { $0.matches(head) }) { return known.type }
        return isoMedia(head) ?? (isSVG(head) ? "image/svg+xml" : "application/octet-stream")
    }

    private struct Magic {
        let type: String
        let pieces: [(offset: Int, bytes: [UInt8])]

        init(_ type: String, _ pieces: (Int, [UInt8])...) {
            self.type = type
            self.pieces = pieces.map { (offset: $0.0, bytes: $0.1) }
        }

        func matches(_ head: [UInt8]) -> Bool {
            pieces.allSatisfy { piece in head.dropFirst(piece.offset).starts(with: piece.bytes) }
        }
    }

    private static let magic = [
        Magic("image/jpeg", (0, [0xFF, 0xD8, 0xFF])),
        Magic("image/png", (0, [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])),
        Magic("image/gif", (0, Array("GIF87a".utf8))),
        Magic("image/gif", (0, Array("GIF89a".utf8))),
        Magic("image/webp", (0, Array("RIFF".utf8)), (8, Array("WEBP".utf8))),
        Magic("image/tiff", (0, [0x49, 0x49, 0x2A, 0])),
        Magic("image/tiff", (0, [0x4D, 0x4D, 0, 0x2A])),
        Magic("image/jxl", (0, [0xFF, 0x0A])),
        Magic("image/jxl", (0, [0, 0, 0, 0x0C, 0x4A, 0x58, 0x4C, 0x20, 0x0D, 0x0A, 0x87, 0x0A])),
        // A size, and two reserved fields that are zero: `BM` alone begins many a text.
        Magic("image/bmp", (0, Array("BM".utf8)), (6, [0, 0, 0, 0])),
        Magic("image/x-exr", (0, [0x76, 0x2F, 0x31, 0x01])),
        Magic("video/webm", (0, [0x1A, 0x45, 0xDF, 0xA3])),
    ]

    /// By the first brand, ISO/IEC 14496-12 §4.3.
    private static func isoMedia(_ head: [UInt8]) -> String? {
        guard head.count >= 12, head[4..<8].elementsEqual("ftyp".utf8) else { return nil }
        switch String(decoding: head[8..<12], as: UTF8.self) {
        case "avif", "avis": return "image/avif"
        case "heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1": return "image/heic"
        case "qt  ": return "video/quicktime"
        default: return "video/mp4"
        }
    }

    /// Whether the first element is `svg`, behind a byte order mark, white space, comments and an XML declaration.
    private static func isSVG(_ head: [UInt8]) -> Bool {
        var rest = head[...]
        if rest.starts(with: [0xEF, 0xBB, 0xBF]) { rest = rest.dropFirst(3) }
        while true {
            rest = rest.drop { $0 == 0x20 || (0x09...0x0D).contains($0) }
            guard rest.starts(with: "<?".utf8) || rest.starts(with: "<!".utf8) else { break }
            let isComment = rest.starts(with: "<!--".utf8)
            guard let end = end(of: isComment ? "-->" : ">", in: rest) else { return false }
            rest = rest[end...]
        }
        let name = rest.dropFirst().prefix { $0 > 0x20 && $0 != UInt8(ascii: ">") && $0 != UInt8(ascii: "/") }
        return rest.first == UInt8(ascii: "<") && (name.elementsEqual("svg".utf8) || name.suffix(4).elementsEqual(":svg".utf8))
    }

    private static func end(of text: String, in bytes: ArraySlice<UInt8>) -> Int? {
        bytes.indices.first { bytes[$0...].starts(with: text.utf8) }.map { $0 + text.utf8.count }
    }
}
