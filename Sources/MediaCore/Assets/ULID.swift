// SPDX-License-Identifier: Apache-2.0

import Crypto

/// 128 bits that sort by time: 48 bits of milliseconds since 1970 and 80 random ones, written as 26 characters of Crockford's Base32.
///
/// See the ULID specification (github.com/ulid/spec).
struct ULID: Hashable, Sendable, CustomStringConvertible {
    private let time: UInt64
    /// 10 bytes.
    private let rest: [UInt8]

    init(at now: Timestamp) {
        var generator = SystemRandomNumberGenerator()
        time = UInt64(clamping: now.milliseconds) & 0xFFFF_FFFF_FFFF
        rest = (0..<10).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    /// The same for the same two texts: the time of the parent, if its id is of this form, and a digest.
    init(deriving derivation: String, from parent: String) {
        time = Self.time(of: parent.suffix(26)) ?? 0
        rest = Array(SHA256.hash(data: Array("\(parent)\u{0}\(derivation)".utf8)).prefix(10))
    }

    /// The same for the same text and time.
    init(deriving text: String, at date: Timestamp) {
        time = UInt64(clamping: date.milliseconds) & 0xFFFF_FFFF_FFFF
        rest = Array(SHA256.hash(data: Array(text.utf8)).prefix(10))
    }

    var description: String {
        var characters: [UInt8] = []
        characters.reserveCapacity(26)
        for shift in stride(from: 45, through: 0, by: -5) {
            characters.append(Self.alphabet[Int(time >> UInt64(shift)) & 31])
        }
        // 80 bits are 16 characters without a rest.
        var bits: UInt32 = 0
        var count: UInt32 = 0
        for byte in rest {
            bits = (bits << 8 | UInt32(byte)) & 0xFFFF
            count += 8
            while count >= 5 {
                count -= 5
                characters.append(Self.alphabet[Int(bits >> count) & 31])
            }
        }
        return String(decoding: characters, as: UTF8.self)
    }

    private static func time(of text: Substring) -> UInt64? {
        guard text.utf8.count == 26 else { return nil }
        var value: UInt64 = 0
        for character in text.utf8.prefix(10) {
            guard let digit = alphabet.firstIndex(of: character) else { return nil }
            value = value << 5 | UInt64(digit)
        }
        return value & 0xFFFF_FFFF_FFFF
    }

    // Without I, L, O and U, which are read as other characters.
    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
}
