// SPDX-License-Identifier: Apache-2.0

/// A header field, a trailer or a field of a form.
public struct NamedValue: Hashable, Sendable {
    /// In lower case.
    public let name: String
    public var value: String

    /// - Parameter name: In any case; names are compared without regard to it.
    public init(_ name: String, _ value: String) {
        self.name = name.asciiLowercased()
        self.value = value
    }
}

extension StringProtocol {
    /// With the ASCII letters in lower case. The standard library's `lowercased()` makes a `k` of the Kelvin sign, too.
    func asciiLowercased() -> String {
        String(decoding: utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    }

    /// Whether the bytes are the same. The standard library's `==` takes text for the same that only looks so.
    func isSameBytes(as other: some StringProtocol) -> Bool { utf8.elementsEqual(other.utf8) }
}
