// SPDX-License-Identifier: Apache-2.0

/// What is inside of containers that hold several kinds of media, by their first bytes.
enum MediaContainers {
    // MARK: ISO base media files, ISO/IEC 14496-12

    /// No file names more brands than fit in here.
    static let longestBrands = 4096

    /// By the brands in the first box, which is `ftyp` (§4.3).
    static func kind(ofBoxes bytes: [UInt8]) -> MediaKind? {
        let length = bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        guard length >= 16, length <= bytes.count else { return nil }
        let brands = ([8] + Array(stride(from: 16, to: length - 3, by: 4))).map {
            String(decoding: bytes[$0..<$0 + 4], as: UTF8.self)
        }
        if brands.contains("avif") || brands.contains("avis") { return .avif }
        // Sound alone, and cameras' raw images, come in the same container; their first brand says so.
        if soundsAndRaws.contains(brands[0]) { return nil }
        if brands[0] == "qt  " { return .mov }
        if brands.contains(where: videos.contains) && !images.contains(brands[0]) { return .mp4 }
        if brands.contains(where: images.contains) { return .heic }
        return brands.contains("qt  ") ? .mov : nil
    }

    private static let images: Set = ["heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"]
    private static let videos: Set = [
        "isom", "iso2", "iso3", "iso4", "iso5", "iso6", "iso7", "iso8", "iso9", "mp41", "mp42", "avc1", "av01", "M4V ", "M4VH",
        "M4VP", "MSNV", "dash", "cmfc", "mmp4", "f4v ",
    ]
    private static let soundsAndRaws: Set = ["M4A ", "M4B ", "M4P ", "crx "]

    /// QuickTime files from before there were brands begin with a box of the movie itself.
    static func isOldQuickTime(_ start: [UInt8]) -> Bool {
        guard start.count >= 16 else { return false }
        let length = start.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        let name = String(decoding: start[4..<8], as: UTF8.self)
        switch name {
        // A length of 1 is said in 64 bits behind the name; these two may be that long.
        case "mdat": return length == 1 || length >= 8
        case "moov": return length >= 16
        // What an editor leaves in front to be filled later has the movie's own box behind it.
        case "wide", "free", "skip":
            return length == 8 && ["mdat", "moov", "free"].contains(String(decoding: start[12..<16], as: UTF8.self))
        default: return false
        }
    }

    // MARK: EBML, RFC 8794

    static let ebml: [UInt8] = [0x1A, 0x45, 0xDF, 0xA3]
    /// The header has eight short elements.
    static let longestEBML = 1024

    /// Whether the header's DocType (§11.2.4, element 0x4282) is `webm`. Matroska is not played by browsers.
    static func isWebM(_ bytes: [UInt8]) -> Bool {
        var rest = bytes.dropFirst(ebml.count)
        guard let length = size(&rest), length <= rest.count else { return false }
        rest = rest.prefix(length)
        while let id = identifier(&rest), let length = size(&rest), length <= rest.count {
            let value = rest.prefix(length)
            // Padded with zeros where it was shortened (§13).
            if id == 0x4282 { return value.prefix { $0 != 0 }.elementsEqual("webm".utf8) }
            rest = rest.dropFirst(length)
        }
        return false
    }

    /// An element's ID (§5): up to four bytes, with the mark of their number.
    private static func identifier(_ rest: inout ArraySlice<UInt8>) -> Int? {
        guard let first = rest.first else { return nil }
        let count = first.leadingZeroBitCount + 1
        guard count <= 4, rest.count >= count else { return nil }
        let value = rest.prefix(count).reduce(0) { $0 << 8 | Int($1) }
        rest = rest.dropFirst(count)
        return value
    }

    /// A variable-size integer (§4), which is the length of what follows. Nil for one that nothing here can have.
    private static func size(_ rest: inout ArraySlice<UInt8>) -> Int? {
        guard let first = rest.first else { return nil }
        let count = first.leadingZeroBitCount + 1
        guard count <= 8, rest.count >= count else { return nil }
        let value = rest.dropFirst().prefix(count - 1).reduce(UInt64(first & UInt8(0xFF >> count))) { $0 << 8 | UInt64($1) }
        rest = rest.dropFirst(count)
        return Int(exactly: value)
    }
}
