// SPDX-License-Identifier: Apache-2.0

/// A length of SVG. CSS Values Level 4 §6.
struct SVGLength: Sendable {
    private let number: Double
    /// In lower case; empty for a plain number.
    private let unit: String

    /// - Returns: Nil for what is no length, or a negative one.
    init?(_ value: ArraySlice<UInt8>) {
        let text = String(decoding: CSSScanner.trim(value), as: UTF8.self)
        let unit = String(text.reversed().prefix { $0 == "%" || $0.isLetter }.reversed())
        guard let number = Self.number(String(text.dropLast(unit.count))), number >= 0 else { return nil }
        self.number = number
        self.unit = unit.lowercased()
        guard Self.units.contains(self.unit) else { return nil }
    }

    /// In pixels, at 96 of them to the inch. Nil for a share of something that isn't known here.
    var pixels: Double? { pixels(perInch: 96, fontSize: 16) }

    /// - Parameter fontSize: in pixels: what an `em` is.
    func pixels(perInch: Double, fontSize: Double) -> Double? {
        switch unit {
        case "", "px": number
        case "pt": number * perInch / 72
        case "pc": number * perInch / 6
        case "em", "rem": number * fontSize
        case "ex", "ch": number * fontSize / 2
        case "mm": number * perInch / 25.4
        case "cm": number * perInch / 2.54
        case "q": number * perInch / 101.6
        case "in": number * perInch
        default: nil
        }
    }

    private static let units: Set<String> = [
        "", "px", "pt", "pc", "em", "rem", "ex", "ch", "mm", "cm", "q", "in", "%", "vw", "vh", "vmin", "vmax",
    ]

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
