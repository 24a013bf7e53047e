// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import MediaCore

/// What a variant is known by here: 16 bytes of its version and the 32 of its fingerprint, since there may be half a million of
/// them in memory.
struct VariantKey: Hashable, Sendable {
    /// A version is a UUID; any other text, of rows that came from elsewhere, counts by its digest.
    struct Version: Hashable, Sendable {
        fileprivate let high: UInt64
        fileprivate let low: UInt64

        init(_ version: ObjectVersion) {
            let text = version.rawValue
            if let uuid = UUID(uuidString: text), uuid.uuidString.lowercased() == text {
                self = withUnsafeBytes(of: uuid.uuid) { Version($0) }
            } else {
                self = SHA256.hash(data: Array(text.utf8)).withUnsafeBytes { Version($0) }
            }
        }

        private init(_ bytes: UnsafeRawBufferPointer) {
            high = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
            low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }

        fileprivate init(high: UInt64, low: UInt64) {
            self.high = high
            self.low = low
        }
    }

    let version: Version
    private let a: UInt64
    private let b: UInt64
    private let c: UInt64
    private let d: UInt64

    /// Nil for a fingerprint that is none.
    init?(_ name: VariantName) {
        self.init(version: Version(name.version), fingerprint: name.fingerprint[...])
    }

    private init?(version: Version, fingerprint: Substring) {
        guard fingerprint.utf8.count == 64, let words = Self.words(of: fingerprint) else { return nil }
        self.version = version
        (a, b, c, d) = (words[0], words[1], words[2], words[3])
    }

    /// Reads 96 lower-case hex digits, as `digits` writes them.
    init?(digits: Substring) {
        guard digits.utf8.count == 96, let words = Self.words(of: digits.prefix(32)) else { return nil }
        self.init(version: Version(high: words[0], low: words[1]), fingerprint: digits.dropFirst(32))
    }

    var digits: String { [version.high, version.low, a, b, c, d].map(Self.hex).joined() }

    private static func words(of digits: Substring) -> [UInt64]? {
        guard digits.utf8.allSatisfy(isLowerHex) else { return nil }
        var words: [UInt64] = []
        var rest = digits
        while !rest.isEmpty {
            guard let word = UInt64(rest.prefix(16), radix: 16) else { return nil }
            words.append(word)
            rest = rest.dropFirst(16)
        }
        return words
    }

    private static func isLowerHex(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }

    private static func hex(_ word: UInt64) -> String {
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
