// SPDX-License-Identifier: Apache-2.0

/// A raster image inside a document, as `data:image/png;base64,…` (RFC 2397): its address in one form, and its size.
struct EmbeddedPicture: Sendable {
    /// Without white space, the type that of the bytes and not the one that was said.
    let address: [UInt8]
    let pixels: Int

    /// - Returns: Nil for everything that is not a PNG, JPEG, GIF or WebP in base64 whose header can be read, and for what has a
    ///   side longer than any that is drawn.
    init?(_ source: ArraySlice<UInt8>) {
        let source = CSSScanner.trim(source)
        guard let comma = source.prefix(64).firstIndex(of: UInt8(ascii: ",")) else { return nil }
        let type = String(decoding: source[..<comma], as: UTF8.self).lowercased()
        guard Self.types.contains(type) else { return nil }
        var encoded = source[(comma + 1)...].filter { !CSSScanner.isBlank($0) }
        while encoded.last == UInt8(ascii: "=") { encoded.removeLast() }
        guard let bytes = Self.decode(encoded), let (name, width, height) = Self.header(bytes) else { return nil }
        guard (1...Self.longestSide).contains(width), (1...Self.longestSide).contains(height) else { return nil }
        let padding = [UInt8](repeating: UInt8(ascii: "="), count: (4 - encoded.count % 4) % 4)
        address = Array("data:image/\(name);base64,".utf8) + encoded + padding
        self.pixels = width * height
    }

    /// RFC 4648 §4, without padding.
    private static func decode(_ text: [UInt8]) -> [UInt8]? {
        guard text.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count * 3 / 4)
        var bits: UInt32 = 0
        var count = 0
        for byte in text {
            guard byte < 0x80 else { return nil }
            let digit = digits[Int(byte)]
            guard digit < 64 else { return nil }
            bits = bits << 6 | UInt32(digit)
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return bytes
    }

    private static func header(_ bytes: [UInt8]) -> (name: String, width: Int, height: Int)? {
        if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            guard bytes.count >= 24, bytes[12..<16].elementsEqual("IHDR".utf8) else { return nil }
            return ("png", big(bytes, 16, 4), big(bytes, 20, 4))
        }
        if bytes.starts(with: "GIF87a".utf8) || bytes.starts(with: "GIF89a".utf8) {
            guard bytes.count >= 10 else { return nil }
            return ("gif", little(bytes, 6, 2), little(bytes, 8, 2))
        }
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) { return jpegSize(bytes).map { ("jpeg", $0, $1) } }
        guard bytes.starts(with: "RIFF".utf8), bytes.count >= 30, bytes[8..<12].elementsEqual("WEBP".utf8) else { return nil }
        return webPSize(bytes).map { ("webp", $0, $1) }
    }

    /// The size in the first frame header. ITU-T T.81 §B.2.
    private static func jpegSize(_ bytes: [UInt8]) -> (Int, Int)? {
        var offset = 2
        while offset + 9 <= bytes.count, bytes[offset] == 0xFF {
            let marker = bytes[offset + 1]
            switch marker {
            case 0xFF: offset += 1
            case 0xC0...0xC3, 0xC5...0xC7, 0xC9...0xCB, 0xCD...0xCF:
                return (big(bytes, offset + 7, 2), big(bytes, offset + 5, 2))
            case 0xD8, 0xD9, 0xDA: return nil
            default:
                let length = big(bytes, offset + 2, 2)
                guard length >= 2 else { return nil }
                offset += 2 + length
            }
        }
        return nil
    }

    /// RFC 9649 §2.5, §2.6, §2.7.
    private static func webPSize(_ bytes: [UInt8]) -> (Int, Int)? {
        switch String(decoding: bytes[12..<16], as: UTF8.self) {
        case "VP8X": return (little(bytes, 24, 3) + 1, little(bytes, 27, 3) + 1)
        case "VP8L":
            guard bytes[20] == 0x2F else { return nil }
            let bits = little(bytes, 21, 4)
            return (bits & 0x3FFF + 1, bits >> 14 & 0x3FFF + 1)
        case "VP8 ":
            guard bytes[23..<26].elementsEqual([0x9D, 0x01, 0x2A]) else { return nil }
            return (little(bytes, 26, 2) & 0x3FFF, little(bytes, 28, 2) & 0x3FFF)
        default: return nil
        }
    }

    private static func big(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> Int {
        bytes[offset..<(offset + count)].reduce(0) { $0 << 8 | Int($1) }
    }

    private static func little(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> Int {
        bytes[offset..<(offset + count)].reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    private static let longestSide = 65_536

    private static let types: Set<String> = Set(
        // Illustrator says nothing of the type; the bytes do.
        ["data:;base64"] + ["png", "jpeg", "jpg", "gif", "webp"].map { "data:image/\($0);base64" })

    /// The value of each digit; 64 for what is none.
    private static let digits: [UInt8] = {
        var digits = [UInt8](repeating: 64, count: 128)
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        for (value, digit) in alphabet.utf8.enumerated() { digits[Int(digit)] = UInt8(value) }
        return digits
    }()
}
