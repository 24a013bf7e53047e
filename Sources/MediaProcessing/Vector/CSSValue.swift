// SPDX-License-Identifier: Apache-2.0

/// The value of one property of CSS, read as CSS Syntax Level 3 §4 would, but with nothing let through that needs thought:
/// no escapes, no braces, no comments, no functions that aren't known, and addresses only of elements in the document itself.
enum CSSValue {
    /// The ids that a value refers to.
    /// - Parameter allowsLists: Whether `;` may be in it, as in the lists of animations.
    /// - Returns: Nil for a value that is not let through.
    static func references(in value: ArraySlice<UInt8>, allowsLists: Bool = false) -> [String]? {
        if value.allSatisfy(plain.contains) { return [] }
        var scanner = CSSScanner(value)
        var references: [String] = []
        var depth = 0
        while let byte = scanner.peek {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                guard let text = scanner.readString(), !text.contains(UInt8(ascii: "<")) else { return nil }
            case UInt8(ascii: "("):
                scanner.advance()
                depth += 1
            case UInt8(ascii: ")"):
                scanner.advance()
                depth -= 1
            case UInt8(ascii: ";"):
                guard allowsLists, depth == 0 else { return nil }
                scanner.advance()
            case _ where CSSScanner.startsName(byte):
                let name = scanner.readName()
                guard scanner.peek == UInt8(ascii: "(") else { continue }
                let function = String(decoding: name, as: UTF8.self).lowercased()
                guard function == "url" else {
                    guard SVGVocabulary.functions.contains(function) else { return nil }
                    continue
                }
                scanner.advance()
                guard let id = readLocalAddress(&scanner) else { return nil }
                references.append(id)
            case UInt8(ascii: "/"):
                scanner.advance()
                // A comment hides from this scanner where strings begin. Nobody needs one here.
                guard scanner.peek != UInt8(ascii: "*") else { return nil }
            case _ where other.contains(byte): scanner.advance()
            default: return nil
            }
            guard 0...mostParentheses ~= depth else { return nil }
        }
        return depth == 0 ? references : nil
    }

    /// Reads `#id)`, in quotes or without.
    private static func readLocalAddress(_ scanner: inout CSSScanner) -> String? {
        scanner.skipBlanks()
        let quote = scanner.peek.flatMap { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "'") ? $0 : nil }
        if quote != nil { scanner.advance() }
        guard scanner.skip(UInt8(ascii: "#")) else { return nil }
        let id = scanner.read(while: SVGIdentifier.isPart)
        guard !id.isEmpty else { return nil }
        if let quote { guard scanner.skip(quote) else { return nil } }
        scanner.skipBlanks()
        guard scanner.skip(UInt8(ascii: ")")) else { return nil }
        return String(decoding: id, as: UTF8.self)
    }

    private static let mostParentheses = 32
    /// What can't begin anything but a number or a keyword.
    private static let plain = ASCIISet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .,+-#%\n\t")
    private static let other = ASCIISet("0123456789 .,+-*#%!=\n\t")
}

/// A set of ASCII bytes.
struct ASCIISet: Sendable {
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    /// - Parameter text: ASCII; anything else is not in the set.
    init(_ text: String) {
        for byte in text.utf8 {
            if byte < 64 { low |= 1 << UInt64(byte) } else if byte < 128 { high |= 1 << UInt64(byte - 64) }
        }
    }

    func contains(_ byte: UInt8) -> Bool {
        if byte < 64 { return low >> UInt64(byte) & 1 == 1 }
        return byte < 128 && high >> UInt64(byte - 64) & 1 == 1
    }
}

/// The names of elements inside a document.
enum SVGIdentifier {
    /// Whether a byte may be part of an `id` that is kept and referred to: nothing that ends an address or a string anywhere.
    static func isPart(_ byte: UInt8) -> Bool { parts.contains(byte) || byte >= 0x80 }

    private static let parts = ASCIISet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:+@!$~,=")
}
