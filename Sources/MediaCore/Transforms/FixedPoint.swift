// SPDX-License-Identifier: Apache-2.0

/// A number with at most three digits behind the point, exact where a `Double` is not: equal texts are equal values.
public struct FixedPoint: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let thousandths: Int

    public init(thousandths: Int) { self.thousandths = thousandths }
    public init(_ whole: Int) { self.thousandths = whole * 1000 }

    /// Reads decimal digits with at most one point; further digits behind the third are dropped. Nil for anything else, signs other
    /// than a leading `-` and exponents included, and for numbers beyond a million.
    public init?(_ text: some StringProtocol) {
        var digits = text.utf8[...]
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative { digits = digits.dropFirst() }
        var value = 0
        var decimals: Int?
        var count = 0
        for digit in digits {
            if digit == UInt8(ascii: "."), decimals == nil {
                decimals = 0
                continue
            }
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            count += 1
            if let places = decimals {
                guard places < 3 else { continue }
                decimals = places + 1
            }
            value = value * 10 + Int(digit - UInt8(ascii: "0"))
            guard value <= 1_000_000_000 else { return nil }
        }
        guard count > 0 else { return nil }
        for _ in (decimals ?? 0)..<3 { value *= 10 }
        guard value <= 1_000_000_000 else { return nil }
        self.thousandths = isNegative ? -value : value
    }

    public static func < (left: FixedPoint, right: FixedPoint) -> Bool { left.thousandths < right.thousandths }

    public var doubleValue: Double { Double(thousandths) / 1000 }

    /// The shortest text that reads back as this value.
    public var description: String {
        let magnitude = thousandths.magnitude
        var text = "\(thousandths < 0 ? "-" : "")\(magnitude / 1000)"
        var rest = magnitude % 1000
        guard rest > 0 else { return text }
        text += "."
        for place in [100, 10, 1] as [UInt] where rest > 0 {
            text += "\(rest / place)"
            rest %= place
        }
        return text
    }
}
