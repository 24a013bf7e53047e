// SPDX-License-Identifier: Apache-2.0

/// Sizes and times as people write them.
enum Quantity {
    /// Bytes: a number with an optional unit `B`, `KB`, `MB`, `GB`, `TB` (decimal) or `KiB`, `MiB`, `GiB`, `TiB`. Nil for anything else.
    static func bytes(_ text: String) -> Int64? {
        let units: [String: Int64] = [
            "": 1, "b": 1, "kb": 1000, "mb": 1_000_000, "gb": 1_000_000_000, "tb": 1_000_000_000_000, "kib": 1 << 10,
            "mib": 1 << 20,
            "gib": 1 << 30, "tib": 1 << 40,
        ]
        return scaled(text, by: units)
    }

    /// Milliseconds: a number with a unit `ms`, `s`, `m`, `h` or `d`; seconds without one. Nil for anything else.
    static func milliseconds(_ text: String) -> Int64? {
        scaled(text, by: ["": 1000, "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000])
    }

    private static func scaled(_ text: String, by units: [String: Int64]) -> Int64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }
        guard let number = Int64(digits), let factor = units[unit.lowercased()] else { return nil }
        let (product, overflows) = number.multipliedReportingOverflow(by: factor)
        return overflows ? nil : product
    }
}
