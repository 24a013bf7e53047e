// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore
import WireFormats

/// Takes the pieces of a document one after the other and writes those that are let through.
struct SVGDocumentFilter: Sendable {
    private let limits: SVGSanitizer.Limits
    private var writer: SVGWriter
    private var graph = SVGReferenceGraph()
    /// The namespace of the root: SVG's, or none for the many documents that forgot it.
    private var namespace: String?
    private var open: [SVGElementKind] = []
    /// How many elements are open that are left out, inside the one that was not let through.
    private var skipped = 0
    /// The text of the stylesheet that is open.
    private var stylesheet: [UInt8] = []
    private var pixels = 0
    /// Of the open elements, in pixels.
    private var fontSizes: [Double] = []
    /// Of the outermost `text` that is open.
    private var letters = SVGLetters()

    init(limits: SVGSanitizer.Limits, capacity: Int) {
        self.limits = limits
        writer = SVGWriter(capacity: capacity)
    }

    mutating func begin(_ tag: XMLStartTag) throws(StorageError) {
        if open.isEmpty, skipped == 0 { try checkRoot(tag) }
        guard skipped == 0, tag.name.namespace == namespace, let kind = SVGVocabulary.elements[tag.name.local],
            open.last?.holdsElements ?? true
        else {
            skipped += 1
            return
        }
        let attributes = SVGAttributeFilter(tag.name.local, kind, tag.attributes)
        guard kind != .animation || attributes.animatesHarmlessly, kind != .stylesheet || Self.isCSS(tag) else {
            skipped += 1
            return
        }
        if open.isEmpty { try checkSize(attributes) }
        pixels += min(attributes.pixels, limits.embeddedPixels + 1)
        guard pixels <= limits.embeddedPixels else { throw Self.tooLarge }
        let fontSize = attributes.fontSize?.pixels(within: fontSizes.last ?? SVGFontSize.initial)
        guard (fontSize ?? 0) <= limits.fontSize else { throw Self.tooLarge }
        fontSizes.append(fontSize ?? fontSizes.last ?? SVGFontSize.initial)
        if kind == .text, !open.contains(.text) { letters = SVGLetters() }
        open.append(kind)
        writer.begin(tag.name.local)
        for (name, value) in attributes.attributes { writer.attribute(name, value) }
        graph.begin(
            SVGReferenceGraph.Element(
                name: tag.name.local, id: attributes.id, classes: attributes.classes, weight: Self.weight(kind, attributes),
                points: attributes.longestValue / Self.bytesPerPoint, isGradient: kind == .gradient,
                references: attributes.references))
    }

    mutating func text(_ text: ArraySlice<UInt8>) throws(StorageError) {
        guard skipped == 0, let kind = open.last else { return }
        switch kind {
        case .text, .pathText, .description:
            if kind != .description {
                letters.add(text)
                guard letters.bytes <= limits.textBytes, letters.longestRun <= limits.combiningMarks else { throw Self.tooLarge }
            }
            writer.text(text)
            graph.addWeight(text.count / Self.bytesOfTextPerWeight)
        case .stylesheet: stylesheet += text
        default: if text.allSatisfy(CSSScanner.isBlank) { writer.text(text) }
        }
    }

    mutating func end() throws(StorageError) {
        guard skipped == 0 else {
            skipped -= 1
            return
        }
        fontSizes.removeLast()
        if open.popLast() == .stylesheet {
            let rules = CSSStylesheet(stylesheet[...])
            guard rules.fontSizes.allSatisfy({ $0.isModest(limits.fontSize) }) else { throw Self.tooLarge }
            graph.add(rules)
            writer.text(rules.text)
            stylesheet = []
        }
        writer.end()
        graph.end()
    }

    /// - Throws: `.unreadableImage` for a circle of references, `.imageTooLarge` for more to draw than is allowed.
    consuming func finish() throws(StorageError) -> ByteBuffer {
        guard let weight = graph.expandedWeight(limit: limits.expandedElements) else {
            throw StorageError(.unreadableImage, "The SVG has an element that is drawn inside of itself")
        }
        guard weight < limits.expandedElements else { throw Self.tooLarge }
        return writer.finish()
    }

    private mutating func checkRoot(_ tag: XMLStartTag) throws(StorageError) {
        guard tag.name.local == "svg", tag.name.namespace == nil || tag.name.namespace == SVGVocabulary.namespace else {
            throw StorageError(.unreadableImage, "The file is not an SVG")
        }
        namespace = tag.name.namespace
    }

    /// A side that the root does not say, or only as a share of the page, is that of its view box.
    private func checkSize(_ attributes: SVGAttributeFilter) throws(StorageError) {
        let said = ["width", "height"].compactMap { attributes.value($0).flatMap { SVGLength($0) }?.pixels }
        guard said.allSatisfy({ $0 <= limits.side }) else { throw Self.tooLarge }
        guard said.count < 2, let box = attributes.value("viewBox").flatMap({ SVGLength.viewBoxSize($0) }) else { return }
        guard max(box.width, box.height) <= limits.side else { throw Self.tooLarge }
    }

    /// Whether a `style` element is in CSS. Its type is not written: CSS is what there is without one.
    private static func isCSS(_ tag: XMLStartTag) -> Bool {
        let type = tag.attributes.first { $0.name == XMLQualifiedName(namespace: nil, local: "type") }?.value ?? []
        return type.isEmpty || String(decoding: CSSScanner.trim(type), as: UTF8.self).lowercased() == "text/css"
    }

    private static func weight(_ kind: SVGElementKind, _ attributes: SVGAttributeFilter) -> Int {
        switch kind {
        case .filterStep: 16
        case .image: 1 + attributes.pixels / 1000
        default: 1 + attributes.longestValue / Self.bytesOfPathPerWeight
        }
    }

    private static let bytesOfTextPerWeight = 16
    private static let bytesOfPathPerWeight = 256
    private static let bytesPerPoint = 4
    private static let tooLarge = StorageError(.imageTooLarge, "The SVG is larger or more complex than allowed")
}

extension SVGElementKind {
    fileprivate var holdsElements: Bool { self != .description && self != .stylesheet }
}
