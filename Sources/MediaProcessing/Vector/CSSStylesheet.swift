// SPDX-License-Identifier: Apache-2.0

/// The rules of a `style` element: those that are let through. plain ones, `@media` and `@keyframes`; no
/// `@import`, no `@font-face`, nothing else that begins with `@`.
struct CSSStylesheet: Sendable {
    private(set) var text: [UInt8] = []
    /// What elements get to refer to by the rules.
    private(set) var references: [(subject: CSSSubject, reference: SVGReference)] = []

    /// How large rules make letters: of each rule the largest.
    private(set) var fontSizes: [SVGFontSize] = []

    init(_ source: ArraySlice<UInt8>) {
        readRules(CSSScanner.withoutComments(source), .top)
    }

    private enum Place { case top, media, keyframes }

    private mutating func readRules(_ source: ArraySlice<UInt8>, _ place: Place) {
        var scanner = CSSScanner(source)
        while true {
            scanner.skipBlanks()
            guard let first = scanner.peek else { return }
            let prelude = CSSScanner.trim(scanner.read(until: Self.preludeEnds))
            guard scanner.peek == UInt8(ascii: "{") else {
                // A statement such as `@import`, or a brace too many.
                scanner.advance()
                continue
            }
            scanner.advance()
            let block = scanner.read(until: Self.blockEnd)
            scanner.advance()
            if first == UInt8(ascii: "@") {
                if place == .top { readAtRule(prelude, block) }
            } else {
                readRule(prelude, block, place)
            }
        }
    }

    private mutating func readAtRule(_ prelude: ArraySlice<UInt8>, _ block: ArraySlice<UInt8>) {
        var scanner = CSSScanner(prelude.dropFirst())
        let name = String(decoding: scanner.readName(), as: UTF8.self).lowercased()
        let place: Place
        switch name {
        case "media": place = .media
        case "keyframes", "-webkit-keyframes": place = .keyframes
        default: return
        }
        guard prelude.dropFirst().allSatisfy(Self.queryParts.contains), !Self.callsFunction(prelude[scanner.offset...]) else {
            return
        }
        let start = text.count
        text += prelude
        text.append(UInt8(ascii: "{"))
        let inner = text.count
        readRules(block, place)
        if text.count == inner {
            text.removeSubrange(start...)
        } else {
            text.append(UInt8(ascii: "}"))
        }
    }

    private mutating func readRule(_ selector: ArraySlice<UInt8>, _ block: ArraySlice<UInt8>, _ place: Place) {
        guard !selector.isEmpty, selector.allSatisfy({ Self.selectorParts.contains($0) || $0 >= 0x80 }) else { return }
        guard Self.isBalanced(selector) else { return }
        let subjects = CSSSubject.subjects(of: selector)
        let allowsReferences = place != .keyframes && !subjects.contains(.anything)
        var declarations = CSSDeclarations(block, allowsReferences: allowsReferences)
        if declarations.references.count > Self.mostReferences { declarations = CSSDeclarations(block, allowsReferences: false) }
        guard !declarations.text.isEmpty else { return }
        if let size = declarations.fontSize { fontSizes.append(size) }
        for subject in subjects {
            references += declarations.references.map { (subject, $0) }
        }
        text += selector
        text.append(UInt8(ascii: "{"))
        text += declarations.text
        text.append(UInt8(ascii: "}"))
    }

    /// Whether a parenthesis follows a name: conditions have a space there.
    private static func callsFunction(_ prelude: ArraySlice<UInt8>) -> Bool {
        zip(prelude, prelude.dropFirst()).contains { $1 == UInt8(ascii: "(") && CSSScanner.isNamePart($0) }
    }

    private static func isBalanced(_ selector: ArraySlice<UInt8>) -> Bool {
        var scanner = CSSScanner(selector)
        var closers: [UInt8] = []
        while let byte = scanner.peek {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                guard scanner.readString() != nil else { return false }
                continue
            case UInt8(ascii: "("): closers.append(UInt8(ascii: ")"))
            case UInt8(ascii: "["): closers.append(UInt8(ascii: "]"))
            case UInt8(ascii: ")"), UInt8(ascii: "]"): guard closers.popLast() == byte else { return false }
            default: break
            }
            scanner.advance()
        }
        return closers.isEmpty
    }

    /// Of one rule: each counts for each of its selectors.
    private static let mostReferences = 16
    private static let preludeEnds = ASCIISet("{};")
    private static let blockEnd = ASCIISet("}")
    private static let queryParts = ASCIISet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_ .,:()=\n\t")
    private static let selectorParts = ASCIISet(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_ .#*>+~,:()[]=\"'^$|%\n\t")
}

/// What a selector selects by, as far as it is looked at here: at least all elements that it really selects.
enum CSSSubject: Hashable, Sendable {
    case className(String)
    case id(String)
    case element(String)
    case anything

    /// The subjects of the selectors in a list. Selectors Level 4 §3.
    static func subjects(of selectors: ArraySlice<UInt8>) -> Set<CSSSubject> {
        // Inside of functions and brackets there may be anything.
        guard !selectors.contains(where: { $0 == UInt8(ascii: "(") || $0 == UInt8(ascii: "[") }) else { return [.anything] }
        return Set(selectors.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map(subject))
    }

    private static func subject(of selector: ArraySlice<UInt8>) -> CSSSubject {
        guard let compound = selector.split(whereSeparator: combinators.contains).last else { return .anything }
        if let name = part(of: compound, after: UInt8(ascii: ".")) { return .className(name) }
        if let name = part(of: compound, after: UInt8(ascii: "#")) { return .id(name) }
        var scanner = CSSScanner(compound)
        let name = scanner.readName()
        return name.isEmpty || scanner.peek == UInt8(ascii: "|") ? .anything : .element(String(decoding: name, as: UTF8.self))
    }

    private static func part(of compound: ArraySlice<UInt8>, after mark: UInt8) -> String? {
        guard let index = compound.firstIndex(of: mark) else { return nil }
        var scanner = CSSScanner(compound[(index + 1)...])
        let name = scanner.readName()
        return name.isEmpty ? nil : String(decoding: name, as: UTF8.self)
    }

    private static let combinators = ASCIISet(" >+~\n\t")
}
