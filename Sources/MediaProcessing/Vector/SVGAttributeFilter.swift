// SPDX-License-Identifier: Apache-2.0

import WireFormats

/// The attributes of one element: those that are let through, in the form they are written in.
struct SVGAttributeFilter: Sendable {
    private(set) var attributes: [(name: String, value: ArraySlice<UInt8>)] = []
    private(set) var references: [SVGReference] = []
    private(set) var id: String?
    private(set) var classes: [String] = []
    /// Of embedded pictures.
    private(set) var pixels = 0
    /// The bytes of the longest value: of a path, what it costs to draw.
    private(set) var longestValue = 0

    init(_ element: String, _ kind: SVGElementKind, _ source: [XMLAttribute]) {
        attributes.reserveCapacity(source.count)
        for attribute in source {
            switch attribute.name.namespace {
            case nil: add(attribute.name.local, attribute.value, element, kind)
            case SVGVocabulary.linkNamespace where attribute.name.local == "href": addLink("xlink:href", attribute.value, kind)
            case XMLQualifiedName.xmlNamespace where attribute.name.local == "space" || attribute.name.local == "lang":
                append("xml:\(attribute.name.local)", attribute.value)
            default: break
            }
        }
    }

    /// The value of an attribute that was let through.
    func value(_ name: String) -> ArraySlice<UInt8>? { attributes.first { $0.name == name }?.value }

    /// The size of letters that the element sets itself. A style wins over attributes.
    var fontSize: SVGFontSize? { styledFontSize ?? (value("font-size") ?? value("font")).flatMap { SVGFontSize($0) } }
    private var styledFontSize: SVGFontSize?

    /// Whether the attributes of an animation change nothing but what may be changed.
    var animatesHarmlessly: Bool {
        guard let name = value("attributeName") else { return true }
        let attribute = String(decoding: name, as: UTF8.self)
        return SVGVocabulary.animatable.contains(attribute) || SVGVocabulary.properties.contains(attribute)
    }

    private mutating func append(_ name: String, _ value: ArraySlice<UInt8>) {
        longestValue = max(longestValue, value.count)
        attributes.append((name, value))
    }

    private mutating func add(_ name: String, _ value: ArraySlice<UInt8>, _ element: String, _ kind: SVGElementKind) {
        switch SVGVocabulary.attribute(name) {
        case nil: return
        case .plain: addPlain(name, value, kind)
        case .paint:
            // Of an animation, `fill` is what it does at its end.
            guard let ids = CSSValue.references(in: value), ids.isEmpty || kind != .animation else { return }
            references += ids.map { SVGReference(property: name, id: $0) }
            append(name, value)
        case .identifier: addIdentifier(name, value)
        case .freeText: append(name, value)
        case .bounded(let limit): addBounded(name, value, limit)
        case .length: if SVGLength(value) != nil || element != "svg" { addPlain(name, value, kind) }
        case .viewBox: if SVGLength.isViewBox(value) { append(name, value) }
        case .link: addLink(name, value, kind)
        case .style:
            let declarations = CSSDeclarations(CSSScanner.withoutComments(value))
            references += declarations.references
            styledFontSize = declarations.fontSize
            if !declarations.text.isEmpty { append(name, declarations.text[...]) }
        }
    }

    private mutating func addPlain(_ name: String, _ value: ArraySlice<UInt8>, _ kind: SVGElementKind) {
        guard let ids = CSSValue.references(in: value, allowsLists: kind == .animation), ids.isEmpty else { return }
        append(name, value)
    }

    private mutating func addIdentifier(_ name: String, _ value: ArraySlice<UInt8>) {
        let isList = name == "class"
        guard value.allSatisfy({ SVGIdentifier.isPart($0) || isList && CSSScanner.isBlank($0) }) else { return }
        append(name, value)
        if name == "id" { id = String(decoding: value, as: UTF8.self) }
        if isList { classes = value.split(whereSeparator: CSSScanner.isBlank).map { String(decoding: $0, as: UTF8.self) } }
    }

    /// Numbers, each no larger than the limit.
    private mutating func addBounded(_ name: String, _ value: ArraySlice<UInt8>, _ limit: Double) {
        var isWithin = true
        var written: [String] = []
        for part in value.split(whereSeparator: { CSSScanner.isBlank($0) || $0 == UInt8(ascii: ",") }) {
            let text = String(decoding: part, as: UTF8.self)
            guard let number = SVGLength.number(text) else { return }
            isWithin = isWithin && number <= limit
            written.append(number <= limit ? text : "\(Int(limit))")
        }
        append(name, isWithin ? value : Array(written.joined(separator: " ").utf8)[...])
    }

    private mutating func addLink(_ name: String, _ value: ArraySlice<UInt8>, _ kind: SVGElementKind) {
        let address = CSSScanner.trim(value)
        if address.first == UInt8(ascii: "#") {
            let id = address.dropFirst()
            guard !id.isEmpty, id.allSatisfy(SVGIdentifier.isPart) else { return }
            append(name, address)
            guard kind == .reference || kind == .pathText || kind == .image else { return }
            references.append(SVGReference(property: nil, id: String(decoding: id, as: UTF8.self)))
        } else if kind == .image, let picture = EmbeddedPicture(address) {
            append(name, picture.address[...])
            // An element may have two links.
            let (sum, overflows) = pixels.addingReportingOverflow(picture.pixels)
            pixels = overflows ? .max : sum
        }
    }
}
