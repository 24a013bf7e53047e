// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The ids that requests are known by in logs.
enum RequestID {
    private static let longest = 64
    private static let seed = UInt64.random(in: .min ... .max)
    private static let counter = Atomic<UInt64>(0)

    /// The id that a proxy in front gave, when it is short and plain enough to be logged; a fresh one otherwise.
    static func accepting(_ given: String?) -> String {
        guard let given, !given.isEmpty, given.utf8.count <= longest, given.utf8.allSatisfy(isPlain) else { return next() }
        return given
    }

    /// 15 hexadecimal digits, which fit a string without an allocation. Unique in this process, and not guessable in order.
    static func next() -> String {
        let count = counter.wrappingAdd(1, ordering: .relaxed).newValue
        var value = mix(seed &+ count &* 0x9E37_79B9_7F4A_7C15)
        return String(unsafeUninitializedCapacity: 15) { buffer in
            for index in 0..<15 {
                let digit = UInt8(truncatingIfNeeded: value & 0xF)
                buffer[index] = digit < 10 ? digit + UInt8(ascii: "0") : digit - 10 + UInt8(ascii: "a")
                value >>= 4
            }
            return 15
        }
    }

    // The finaliser of SplitMix64: a bijection, so that ids differ in 64 bits before the last digit is dropped.
    private static func mix(_ seed: UInt64) -> UInt64 {
        var value = seed
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
