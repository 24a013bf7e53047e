// SPDX-License-Identifier: Apache-2.0

/// Percent-encoding of URL parts. RFC 3986 §2.1.
public enum PercentEncoding {
    /// Decodes the raw text of a path, strictly: `+` is a plus.
    /// - Returns: nil when an escape is malformed or the result is not UTF-8.
    public static func decode(_ raw: some StringProtocol) -> String? { decode(raw.utf8, plusIsSpace: false) }

    /// Encodes text for any component of a URL: only what RFC 3986 §2.3 calls unreserved stays as it is. Unlike JavaScript's
    /// `encodeURIComponent` it escapes `!*'()` too, so the result is also a value of RFC 8187 §3.2.
    public static func encodeComponent(_ text: some StringProtocol) -> String { encode(text, keeping: componentBytes) }

    /// Encodes text as one segment of a path: what RFC 3986 §3.3 calls `pchar` stays as it is, `/` does not.
    public static func encodePathSegment(_ text: some StringProtocol) -> String { encode(text, keeping: segmentBytes) }

    /// Encodes text as a path of several segments: as `encodePathSegment`, but `/` stays.
    public static func encodePath(_ text: some StringProtocol) -> String { encode(text, keeping: pathBytes) }

    /// Encodes every component of a path: as `encodeComponent`, but `/` stays.
    public static func encodeComponents(ofPath path: String) -> String { encode(path, keeping: componentsBytes) }

    static func decode(_ raw: some Collection<UInt8>, plusIsSpace: Bool) -> String? {
        decodeBytes(raw, plusIsSpace: plusIsSpace).flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// As `decode`, for bytes that need not be text. Nil only when an escape is malformed.
    static func decodeBytes(_ raw: some Collection<UInt8>, plusIsSpace: Bool) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(raw.count)
        var rest = raw.makeIterator()
        while let byte = rest.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.next().flatMap(Hexadecimal.value), let low = rest.next().flatMap(Hexadecimal.value) else {
                    return nil
                }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        return bytes
    }

    private static func encode(_ text: some StringProtocol, keeping kept: ByteSet) -> String {
        guard !text.utf8.allSatisfy(kept.contains) else { return String(text) }
        return encode(bytes: text.utf8, keeping: kept)
    }

    static func encode(bytes raw: some Collection<UInt8>, keeping kept: ByteSet) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(raw.count * 2)
        for byte in raw {
            if kept.contains(byte) {
                bytes.append(byte)
            } else {
                bytes.append(UInt8(ascii: "%"))
                bytes.append(hexDigit(byte >> 4))
                bytes.append(hexDigit(byte & 0xF))
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    // RFC 3986 §2.1: producers write upper-case digits.
    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }

    /// What RFC 3986 §2.3 calls unreserved.
    static let componentBytes = ByteSet.alphanumeric.union("-_.~")
    /// The same with `/`.
    static let componentsBytes = componentBytes.union("/")
    private static let segmentBytes = ByteSet.alphanumeric.union("-._~!$&'()*+,;=:@")
    private static let pathBytes = segmentBytes.union("/")
}
