// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// What kind of image some bytes are. The bytes themselves say so; names and media types are hearsay.
enum SourceFormat: String, Sendable, CaseIterable {
    case jpeg, png, webp, gif, avif, heic, tiff, jxl, svg

    /// Nil for everything that is not read here.
    init?(_ bytes: UnsafeRawBufferPointer) {
        func starts(_ magic: [UInt8], at offset: Int = 0) -> Bool {
            bytes.count >= offset + magic.count && bytes[offset..<offset + magic.count].elementsEqual(magic)
        }
        func starts(_ magic: StaticString, at offset: Int = 0) -> Bool {
            starts(Array(UnsafeBufferPointer(start: magic.utf8Start, count: magic.utf8CodeUnitCount)), at: offset)
        }
        if starts([0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else if starts([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            self = .png
        } else if starts("GIF87a") || starts("GIF89a") {
            self = .gif
        } else if starts("RIFF") && starts("WEBP", at: 8) {
            self = .webp
        } else if [[0x49, 0x49, 0x2A, 0], [0x4D, 0x4D, 0, 0x2A], [0x49, 0x49, 0x2B, 0], [0x4D, 0x4D, 0, 0x2B]]
            .contains(where: { starts($0) })
        {
            self = .tiff
        } else if starts([0xFF, 0x0A]) || starts([0, 0, 0, 0x0C, 0x4A, 0x58, 0x4C, 0x20, 0x0D, 0x0A, 0x87, 0x0A]) {
            self = .jxl
        } else if starts("ftyp", at: 4), let format = Self.heif(bytes) {
            self = format
        } else if Self.isSVG(bytes) {
            self = .svg
        } else {
            return nil
        }
    }

    /// The loader of libvips that reads it, by its nick: none is ever looked for.
    var loader: String {
        switch self {
        case .avif, .heic: "heifload_buffer"
        case .jpeg, .png, .webp, .gif, .tiff, .jxl, .svg: "\(rawValue)load_buffer"
        }
    }

    /// Whether the file may hold a moving picture, whose frames the loader lays out one below the other.
    var mayMove: Bool { self == .gif || self == .webp }

    /// By the brands in the first box, ISO/IEC 14496-12 §4.3.
    private static func heif(_ bytes: UnsafeRawBufferPointer) -> SourceFormat? {
        let length = bytes[0..<4].reduce(0) { $0 << 8 | Int($1) }
        guard length >= 16, length <= min(bytes.count, 4096) else { return nil }
        let brands = ([8] + Array(stride(from: 16, to: length - 3, by: 4))).map {
            String(decoding: bytes[$0..<$0 + 4], as: UTF8.self)
        }
        if brands.contains("avif") || brands.contains("avis") { return .avif }
        let known: Set = ["heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"]
        return brands.contains(where: known.contains) ? .heic : nil
    }

    /// Whether the first element is `svg`, behind a byte order mark, spaces, comments, instructions and a document type.
    private static func isSVG(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var rest = bytes.prefix(64 * 1024)
        if rest.starts(with: [0xEF, 0xBB, 0xBF]) { rest = rest.dropFirst(3) }
        while true {
            rest = rest.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
            let close: String
            if rest.starts(with: "<!--".utf8) {
                close = "-->"
            } else if rest.starts(with: "<?".utf8) {
                close = "?>"
            } else if rest.starts(with: "<!DOCTYPE".utf8) {
                // An internal subset is in brackets and holds further angle brackets.
                let end = rest.firstIndex { $0 == UInt8(ascii: ">") || $0 == UInt8(ascii: "[") }
                close = end.map { rest[$0] == UInt8(ascii: "[") } == true ? "]" : ">"
            } else {
                break
            }
            guard let next = Self.end(of: close, in: rest) else { return false }
            rest = rest[next...]
            if close == "]", let end = rest.firstIndex(of: UInt8(ascii: ">")) { rest = rest[(end + 1)...] }
        }
        // With or without a prefix for its namespace.
        let name = rest.dropFirst().prefix { $0 > 0x20 && $0 != UInt8(ascii: ">") && $0 != UInt8(ascii: "/") }
        guard rest.first == UInt8(ascii: "<") else { return false }
        return name.elementsEqual("svg".utf8) || name.suffix(4).elementsEqual(":svg".utf8)
    }

    private static func end(of text: String, in bytes: Slice<UnsafeRawBufferPointer>) -> Int? {
        let text = Array(text.utf8)
        var index = bytes.startIndex
        while index + text.count <= bytes.endIndex {
            if bytes[index..<index + text.count].elementsEqual(text) { return index + text.count }
            index += 1
        }
        return nil
    }
}
