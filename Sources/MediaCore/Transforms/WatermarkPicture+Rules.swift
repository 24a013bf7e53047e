// SPDX-License-Identifier: Apache-2.0

extension WatermarkPicture {
    /// Whether a watermark may be called so. `wm_pos_…` and `wm_opacity_…` mean something else in URLs.
    public static func isID(_ text: some StringProtocol) -> Bool {
        let bytes = text.utf8
        guard (1...64).contains(bytes.count), let first = bytes.first, first != UInt8(ascii: "-"), first != UInt8(ascii: "_"),
            !text.hasPrefix("pos_"), !text.hasPrefix("opacity_")
        else { return false }
        return bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }

    /// The type of a picture by its first bytes. Nil for any but PNG, WebP, JPEG and SVG.
    static func mediaType(of bytes: some Collection<UInt8>) -> String? {
        let head = Array(bytes.prefix(1024))
        if head.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return "image/png" }
        if head.starts(with: [0xFF, 0xD8, 0xFF]) { return "image/jpeg" }
        if head.starts(with: "RIFF".utf8), head.dropFirst(8).starts(with: "WEBP".utf8) { return "image/webp" }
        return isSVG(head) ? "image/svg+xml" : nil
    }

    /// Whether it is a document whose root is soon said to be `svg`. What it is worth is found out when it is drawn.
    private static func isSVG(_ head: [UInt8]) -> Bool {
        var text = String(decoding: head, as: UTF8.self)[...]
        if text.first == "\u{FEFF}" { text = text.dropFirst() }
        text = text.drop(while: \.isWhitespace)
        return text.first == "<" && (text.contains("<svg") || text.contains(":svg"))
    }
}
