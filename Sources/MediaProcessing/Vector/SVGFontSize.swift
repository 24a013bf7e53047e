// SPDX-License-Identifier: Apache-2.0

/// The size of letters, as far as it is said in numbers. CSS Fonts Level 4 §2.5.
enum SVGFontSize: Sendable {
    /// In pixels.
    case absolute(Double)
    /// Times that of the letters around.
    case relative(Double)

    /// The size that a value gives. Nil for keywords, and for what is no size.
    /// - Parameter value: of `font-size`, or of `font`, which has the size among others.
    init?(_ value: ArraySlice<UInt8>) {
        var found: SVGFontSize?
        for part in value.split(whereSeparator: { Self.separators.contains($0) }) {
            // Of several the largest: one of them is it.
            found = Self.larger(found, Self.size(String(decoding: part, as: UTF8.self).lowercased()))
        }
        guard let found else { return nil }
        self = found
    }

    /// In pixels, within letters of some size.
    func pixels(within outer: Double) -> Double {
        switch self {
        case .absolute(let pixels): pixels
        case .relative(let factor): factor * outer
        }
    }

    static func larger(_ one: SVGFontSize?, _ other: SVGFontSize?) -> SVGFontSize? {
        guard let one, let other else { return one ?? other }
        return one.pixels(within: initial) >= other.pixels(within: initial) ? one : other
    }

    /// Whether a stylesheet may set it, whose rules are not followed from element to element.
    func isModest(_ limit: Double) -> Bool {
        switch self {
        case .absolute(let pixels): pixels <= limit
        case .relative(let factor): factor <= Self.mostRelative
        }
    }

    private static func size(_ text: String) -> SVGFontSize? {
        for (unit, factor) in [("rem", 16.0)] where text.hasSuffix(unit) {
            return SVGLength.number(String(text.dropLast(unit.count))).map { .absolute($0 * factor) }
        }
        for (unit, factor) in [("em", 1.0), ("ex", 0.5), ("ch", 0.5), ("%", 0.01)] where text.hasSuffix(unit) {
            return SVGLength.number(String(text.dropLast(unit.count))).map { .relative($0 * factor) }
        }
        return SVGLength(Array(text.utf8)[...])?.pixels.map { .absolute($0) }
    }

    /// Also those between which a computation has its numbers.
    private static let separators = ASCIISet(" \n\t,()/*!")

    /// Of what a document begins with, in pixels.
    static let initial = 16.0
    private static let mostRelative = 10.0
}
