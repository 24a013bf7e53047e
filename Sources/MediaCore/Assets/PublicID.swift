// SPDX-License-Identifier: Apache-2.0

/// The readable name of an asset in URLs, as `red-boot`: made from its title, unique in its project.
public enum PublicID {
    /// In characters, without the number that makes it unique.
    public static let maxLength = 100

    /// The words of delivery URLs, which no asset may be called.
    private static let reserved: Set<String> = ["original", "embed", "video"]

    /// Lower-case ASCII letters and digits, everything else one `-`. Nil when nothing of the text is left, or when URLs would
    /// take it for something else.
    ///
    /// - Parameter isParameters: whether a delivery URL would read a text as parameters.
    public static func slug(_ text: String, isParameters: (String) -> Bool) -> String? {
        var slug: [UInt8] = []
        for byte in text.lowercased().utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): slug.append(byte)
            default: if let last = slug.last, last != UInt8(ascii: "-") { slug.append(UInt8(ascii: "-")) }
            }
            if slug.count == maxLength { break }
        }
        while slug.last == UInt8(ascii: "-") { slug.removeLast() }
        let result = String(decoding: slug, as: UTF8.self)
        guard !result.isEmpty, !reserved.contains(result), !isParameters(result) else { return nil }
        return result
    }
}
