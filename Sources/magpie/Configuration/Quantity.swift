// SPDX-License-Identifier: Apache-2.0

/// Sizes and durations as people write them: `50MB`, `1.5GiB`, `30s`, `6h`.
enum Quantity {
    private static let sizes: [String: Double] = [
        "": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
        "kib": 1024, "mib": 1_048_576, "gib": 1_073_741_824, "tib": 1_099_511_627_776,
    ]
    private static let durations: [String: Double] = ["": 1, "ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400]

    /// Larger numbers lose exactness in a double, and no setting means them.
    private static let largest = 9_007_199_254_740_991.0

    /// Bytes. Without a unit the number is bytes. Nil for anything else, fractions of a byte included.
    static func bytes(_ text: String) -> Int64? {
        value(of: text, units: sizes).flatMap { $0 == $0.rounded() ? Int64($0) : nil }
    }

    /// A duration in whole milliseconds. Without a unit the number is seconds. Nil for anything else.
    static func duration(_ text: String) -> Duration? {
        value(of: text, units: durations).flatMap { seconds in
            seconds * 1000 <= largest ? .milliseconds(Int64((seconds * 1000).rounded())) : nil
        }
    }

    private static func value(of text: String, units: [String: Double]) -> Double? {
        let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard let first = digits.first, first != ".", digits.last != ".", digits.count(where: { $0 == "." }) <= 1,
            let number = Double(digits)
        else { return nil }
        let unit = text[digits.endIndex...].drop { $0 == " " }.lowercased()
        guard let factor = units[unit] else { return nil }
        let value = number * factor
        return value <= largest ? value : nil
    }
}
