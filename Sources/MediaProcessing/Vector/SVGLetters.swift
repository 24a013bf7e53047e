// SPDX-License-Identifier: Apache-2.0

/// How much there is to lay out in one `text`.
struct SVGLetters: Sendable {
    private(set) var bytes = 0
    private(set) var longestRun = 0
    private var run = 0

    /// - Parameter text: UTF-8. Pieces of one `text` may end anywhere between two characters.
    mutating func add(_ text: ArraySlice<UInt8>) {
        bytes += text.count
        guard text.contains(where: { $0 >= 0x80 }) else {
            if !text.isEmpty { run = 0 }
            return
        }
        for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
            run = Self.joins(scalar) ? run + 1 : 0
            longestRun = max(longestRun, run)
        }
    }

    /// Whether a character is shown with the one before it, or not at all.
    private static func joins(_ scalar: Unicode.Scalar) -> Bool {
        guard scalar.value >= 0x80 else { return false }
        let properties = scalar.properties
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .spacingMark, .format: return true
        default: return properties.isDefaultIgnorableCodePoint || properties.isEmojiModifier
        }
    }
}
