// SPDX-License-Identifier: Apache-2.0

// Protocols are made of bytes. The standard library compares and splits by characters, where a separator with a combining
// mark behind it is none, and where texts are equal that only look so.

extension StringProtocol {
    /// With the ASCII letters in lower case. The standard library's `lowercased()` makes a `k` of the Kelvin sign, too.
    func asciiLowercased() -> String {
        let upper = UInt8(ascii: "A")...UInt8(ascii: "Z")
        guard utf8.contains(where: upper.contains) else { return String(self) }
        return String(decoding: utf8.map { upper.contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    }

    /// Whether the bytes are the same.
    func isSameBytes(as other: some StringProtocol) -> Bool { utf8.elementsEqual(other.utf8) }
}

extension Substring {
    /// The parts between the separators, empty ones too.
    func parts(separatedBy separator: Unicode.Scalar, maxSplits: Int = .max) -> [Substring] {
        utf8.split(separator: UInt8(ascii: separator), maxSplits: maxSplits, omittingEmptySubsequences: false).map(Substring.init)
    }

    /// Without spaces and tabs at its ends.
    func trimmingBlanks() -> Substring {
        let isBlank: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        var bytes = utf8.drop(while: isBlank)
        while let last = bytes.last, isBlank(last) { bytes.removeLast() }
        return Substring(bytes)
    }
}
