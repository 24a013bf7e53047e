// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// One log line in the making: a JSON object written straight into the log's buffer.
struct JSONLine {
    /// `2026-11-21T07:01:49` of the second that was written last, kept because hot lines come by the thousand a second.
    struct Clock {
        private var second: Int64 = .min
        private var text: [UInt8] = []

        mutating func write(_ now: Timestamp, to bytes: inout [UInt8]) {
            if now.seconds != second {
                second = now.seconds
                text = Array(Timestamp(seconds: now.seconds).iso8601.utf8.prefix(19))
            }
            bytes.append(contentsOf: text)
            bytes.append(UInt8(ascii: "."))
            let milliseconds = Int(now.milliseconds - now.seconds * 1000)
            for divisor in [100, 10, 1] { bytes.append(UInt8(ascii: "0") + UInt8(milliseconds / divisor % 10)) }
            bytes.append(UInt8(ascii: "Z"))
        }
    }

    /// Appends `"value"`, escaped (RFC 8259 §7). Bytes that are not UTF-8 can't come from a `String`.
    static func quote(_ value: String, into bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        var value = value
        value.withUTF8 { text in
            if text.contains(where: mustEscape) {
                for byte in text { escape(byte, into: &bytes) }
            } else {
                bytes.append(contentsOf: text)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func mustEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == 0x7F
    }

    private static func escape(_ byte: UInt8, into bytes: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(contentsOf: [UInt8(ascii: "\\"), byte])
        case UInt8(ascii: "\n"): bytes.append(contentsOf: "\\n".utf8)
        case UInt8(ascii: "\r"): bytes.append(contentsOf: "\\r".utf8)
        case UInt8(ascii: "\t"): bytes.append(contentsOf: "\\t".utf8)
        case 0x00..<0x20, 0x7F:
            bytes.append(contentsOf: "\\u00".utf8)
            bytes.append(hexDigit(byte >> 4))
            bytes.append(hexDigit(byte & 0xF))
        default: bytes.append(byte)
        }
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? value + UInt8(ascii: "0") : value - 10 + UInt8(ascii: "a")
    }

    /// Appends a number in decimal, without allocating.
    static func number(_ value: Int64, into bytes: inout [UInt8]) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        var rest = value.magnitude
        let start = bytes.count
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        bytes[start...].reverse()
    }

    /// Appends nanoseconds as milliseconds with three decimals.
    static func milliseconds(ofNanoseconds nanoseconds: Int64, into bytes: inout [UInt8]) {
        let micros = max(0, nanoseconds) / 1000
        number(micros / 1000, into: &bytes)
        bytes.append(UInt8(ascii: "."))
        for divisor: Int64 in [100, 10, 1] { bytes.append(UInt8(ascii: "0") + UInt8(micros % 1000 / divisor % 10)) }
    }
}
