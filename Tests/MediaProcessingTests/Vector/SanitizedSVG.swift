// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaProcessing
import NIOCore
import Testing
import WireFormats

/// What became of a document, and whether it is harmless, told without the sanitiser's own lists.
struct SanitizedSVG {
    let text: String
    private(set) var tags: [XMLStartTag] = []
    private(set) var styles: [String] = []

    init(_ source: String, limits: SVGSanitizer.Limits = .init()) throws {
        try self.init(ByteBuffer(string: source), limits: limits)
    }

    init(_ source: ByteBuffer, limits: SVGSanitizer.Limits = .init()) throws {
        let result = try SVGSanitizer(limits: limits).sanitize(source)
        text = String(buffer: result)
        var reader = try XMLDocumentReader(
            result,
            limits: .init(bytes: .max, depth: .max, elements: .max, attributes: .max, attributeBytes: .max))
        var open: [String] = []
        while let event = try reader.next() {
            switch event {
            case .start(let tag):
                tags.append(tag)
                open.append(tag.name.local)
                styles += tag.attributes.filter { $0.name.local == "style" }.map { String(decoding: $0.value, as: UTF8.self) }
            case .text(let text): if open.last == "style" { styles.append(String(decoding: text, as: UTF8.self)) }
            case .end: open.removeLast()
            }
        }
    }

    /// Puts a piece into a document and sanitises that.
    static func inside(_ piece: String) throws -> SanitizedSVG {
        try SanitizedSVG("<svg xmlns=\"\(namespace)\" xmlns:xlink=\"\(linkNamespace)\">\(piece)</svg>")
    }

    /// How a document with that piece in it is refused. Nil when it is not.
    static func refusal(of piece: String, limits: SVGSanitizer.Limits = .init()) throws -> StorageError.Code? {
        do {
            _ = try SanitizedSVG("<svg xmlns=\"\(namespace)\">\(piece)</svg>", limits: limits)
            return nil
        } catch let error as StorageError {
            return error.code
        }
    }

    var elements: [String] { tags.map(\.name.local) }

    /// The value of the first attribute with that name on an element with that name.
    func attribute(_ name: String, of element: String) -> String? {
        let attributes = tags.lazy.filter { $0.name.local == element }.flatMap(\.attributes)
        return attributes.first { $0.name.local == name }.map { String(decoding: $0.value, as: UTF8.self) }
    }

    /// What in the document could run, fetch or lead away.
    var dangers: [String] {
        var dangers = tags.filter { $0.name.namespace != Self.namespace }.map { "namespace of \($0.name)" }
        dangers += elements.filter { Self.activeElements.contains($0.lowercased()) }
        for attribute in tags.flatMap(\.attributes) {
            let value = String(decoding: attribute.value, as: UTF8.self)
            if attribute.name.local.lowercased().hasPrefix("on") { dangers.append(attribute.name.local) }
            if attribute.name.local == "href", !Self.isHarmlessAddress(value) { dangers.append(value) }
            if attribute.name.local == "attributeName", value.lowercased().contains("href") { dangers.append(value) }
            if !Self.isHarmlessStyle(value) { dangers.append(value) }
            if let namespace = attribute.name.namespace, ![Self.linkNamespace, XMLQualifiedName.xmlNamespace].contains(namespace)
            {
                dangers.append("namespace of \(attribute.name)")
            }
        }
        return dangers + styles.filter { !Self.isHarmlessStyle($0) }
    }

    private static func isHarmlessAddress(_ address: String) -> Bool {
        address.hasPrefix("#") || ["png", "jpeg", "gif", "webp"].contains { address.hasPrefix("data:image/\($0);base64,") }
    }

    private static func isHarmlessStyle(_ style: String) -> Bool {
        let style = style.lowercased().filter { !$0.isWhitespace }
        let withoutLocal = style.replacing("url(#", with: "").replacing("url(\"#", with: "").replacing("url('#", with: "")
        return !["url(", "\\", "@import", "@font-face", "expression", "behavior", "-moz-binding", "script:", "/*", "image("]
            .contains { withoutLocal.contains($0) }
    }

    static let namespace = "http://www.w3.org/2000/svg"
    static let linkNamespace = "http://www.w3.org/1999/xlink"
    private static let activeElements: Set<String> = [
        "script", "foreignobject", "iframe", "embed", "object", "audio", "video", "handler", "listener", "set", "html", "body",
        "img",
        "link", "meta", "base", "form", "input", "math", "annotation-xml", "template", "animatecolor", "discard", "cursor",
        "tref",
        "color-profile", "font-face-uri", "solidcolor",
    ]
}
