// SPDX-License-Identifier: Apache-2.0

/// Declarations of CSS, as in a `style` attribute or between the braces of a rule: those that are let through.
struct CSSDeclarations: Sendable {
    /// `name:value;name:value`.
    private(set) var text: [UInt8] = []
    private(set) var references: [SVGReference] = []
    /// The largest one that is set in numbers: any of them may win.
    private(set) var fontSize: SVGFontSize?

    /// - Parameters:
    ///   - source: Without comments.
    ///   - allowsReferences: Whether values may refer to elements of the document.
    init(_ source: ArraySlice<UInt8>, allowsReferences: Bool = true) {
        var scanner = CSSScanner(source)
        while scanner.peek != nil {
            let declaration = scanner.read(until: Self.semicolon)
            scanner.advance()
            add(CSSScanner.trim(declaration), allowsReferences)
        }
    }

    private mutating func add(_ declaration: ArraySlice<UInt8>, _ allowsReferences: Bool) {
        guard let colon = declaration.firstIndex(of: UInt8(ascii: ":")) else { return }
        let name = CSSScanner.trim(declaration[..<colon])
        let value = CSSScanner.trim(declaration[(colon + 1)...])
        let property = String(decoding: name, as: UTF8.self).lowercased()
        let isCustom = property.hasPrefix("--") && name.allSatisfy(Self.customNames.contains)
        guard !value.isEmpty, isCustom || SVGVocabulary.properties.contains(property) else { return }
        guard let ids = CSSValue.references(in: value) else { return }
        guard ids.isEmpty || allowsReferences && SVGVocabulary.referringProperties.contains(property) else { return }
        references += ids.map { SVGReference(property: property, id: $0) }
        if property == "font-size" || property == "font" { fontSize = SVGFontSize.larger(fontSize, SVGFontSize(value)) }
        if !text.isEmpty { text.append(UInt8(ascii: ";")) }
        text += name
        text.append(UInt8(ascii: ":"))
        text += value
    }

    private static let semicolon = ASCIISet(";")
    private static let customNames = ASCIISet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
}
