// SPDX-License-Identifier: Apache-2.0

/// A length of SVG in pixels, at 96 of them to the inch. CSS Values Level 4 §6.
struct SVGLength: Sendable {
    /// Nil for a share of something that isn't known here.
    let pixels: Double?

    /// - Returns: Nil for what is no length, or a negative one.
    init?(_ value: ArraySlice<UInt8>) {
        let text = String(decoding: CSSScanner.trim(value), as: UTF8.self)
        let unit = String(text.reversed().prefix { $0 == "%" || $0.isLetter }.reversed())
        guard let number = Self.number(String(text.dropLast(unit.count))), number >= 0 else { return nil }
        switch unit.lowercased() {
        case "", "px": pixels = number
        case "pt": pixels = number * 4 / 3
        case "pc", "em", "rem": pixels = number * 16
        case "ex", "ch": pixels = number * 8
        case "mm": pixels = number * 96 / 25.4
        case "cm": pixels = number * 96 / 2.54
        case "q": pixels = number * 96 / 101.6
        case "in": pixels = number * 96
        case "%", "vw", "vh", "vmin", "vmax": pixels = nil
        default: return nil
        }
    }

    /// Whether a value is four numbers, of them a size that is one. SVG 2 §8.6.
    static func isViewBox(_ value: ArraySlice<UInt8>) -> Bool { viewBoxSize(value) != nil }

    static func viewBoxSize(_ value: ArraySlice<UInt8>) -> (width: Double, height: Double)? {
        let parts = value.split { CSSScanner.isBlank($0) || $0 == UInt8(ascii: ",") }
        guard parts.count == 4 else { return nil }
        let numbers = parts.compactMap { number(String(decoding: $0, as: UTF8.self)) }
        guard numbers.count == 4, numbers.allSatisfy({ abs($0) <= largest }), numbers[2] > 0, numbers[3] > 0 else { return nil }
        return (numbers[2], numbers[3])
    }

    /// A decimal number: not `nan`, not `inf`, not in hexadecimal, all of which Swift would read as well.
    static func number(_ text: String) -> Double? {
        guard text.utf8.count <= 64, text.utf8.allSatisfy(digits.contains), let number = Double(text), number.isFinite else {
            return nil
        }
        return number
    }

    private static let digits = ASCIISet("0123456789.+-eE")
    private static let largest = 1e9
}
