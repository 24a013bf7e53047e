// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore
import WireFormats

/// The first tag of a document that the sanitiser wrote, and the size that it gives the picture: SVG 2 §8.2, and CSS Images Level 3 §4
/// for what it leaves open.
struct SVGRoot: Sendable {
    /// The size of the picture when nobody asks for another one.
    let size: PixelSize
    /// The same, as it is written.
    private let width: Double
    private let height: Double
    private let hasViewBox: Bool
    private let document: ByteBuffer
    private let tag: SVGStartTag

    /// - Throws: `.unreadableImage` for what does not begin with the tag `svg`, or is of no size.
    init(_ document: ByteBuffer) throws(StorageError) {
        guard let tag = SVGStartTag(document.readableBytesView) else { throw Self.unreadable }
        self.document = document
        self.tag = tag
        let values = try Self.values(of: tag, in: document)
        let box = values["viewBox"].flatMap { SVGLength.viewBoxSize($0) }
        let style = Self.style(values["style"])
        let fontSize =
            (style["font-size"] ?? values["font-size"]).flatMap { Self.pixels($0, fontSize: Self.fontSize) } ?? Self.fontSize
        let said = ["width", "height"].map { name in
            (style[name] ?? values[name]).flatMap { Self.pixels($0, fontSize: fontSize) }
        }
        switch (said[0], said[1], box) {
        case (let width?, let height?, _): (self.width, self.height) = (width, height)
        case (let width?, nil, let box?): (self.width, self.height) = (width, width * box.height / box.width)
        case (nil, let height?, let box?): (self.width, self.height) = (height * box.width / box.height, height)
        case (nil, nil, let box?): (self.width, self.height) = (box.width, box.height)
        case (let width, let height, nil): (self.width, self.height) = (width ?? Self.unsaid.width, height ?? Self.unsaid.height)
        }
        guard width >= 0.5, height >= 0.5, width <= Self.longestSide, height <= Self.longestSide else { throw Self.unreadable }
        size = PixelSize(width: Int(width.rounded()), height: Int(height.rounded()))
        hasViewBox = box != nil
    }

    /// The document with its size said in pixels, whatever stylesheets say, so that everybody who draws it has it as large.
    var sized: ByteBuffer {
        var text = "<svg"
        for attribute in tag.attributes where !["width", "height", "style"].contains(attribute.name) {
            text += " \(attribute.text)"
        }
        if !hasViewBox { text += " viewBox=\"0 0 \(width) \(height)\"" }
        let style = tag.attributes.first { $0.name == "style" }
        let quote = style?.quote ?? "\""
        text += " width=\"\(width)\" height=\"\(height)\""
        text += " style=\(quote)width:\(width)px!important;height:\(height)px!important;\(style?.value ?? "")\(quote)"
        var sized = ByteBufferAllocator().buffer(capacity: document.readableBytes + 256)
        sized.writeString(text)
        sized.writeBytes(document.readableBytesView.dropFirst(tag.length))
        return sized
    }

    private static func pixels(_ value: ArraySlice<UInt8>, fontSize: Double) -> Double? {
        SVGLength(value)?.pixels(perInch: resolution, fontSize: fontSize)
    }

    /// The values of the attributes that are in no namespace.
    private static func values(of tag: SVGStartTag, in document: ByteBuffer) throws(StorageError) -> [String: ArraySlice<UInt8>] {
        var alone = ByteBuffer(bytes: document.readableBytesView.prefix(tag.length))
        alone.writeString(tag.isEmptyElement ? "/>" : "></svg>")
        do {
            var reader = try XMLDocumentReader(
                alone,
                limits: .init(
                    bytes: alone.readableBytes, depth: 1, elements: 1, attributes: tag.attributes.count,
                    attributeBytes: alone.readableBytes))
            guard case .start(let start)? = try reader.next() else { throw unreadable }
            return Dictionary(
                start.attributes.filter { $0.name.namespace == nil }.map { ($0.name.local, $0.value) }, uniquingKeysWith: { $1 })
        } catch {
            throw unreadable
        }
    }

    /// What a `style` attribute sets. The last one of a name counts.
    private static func style(_ value: ArraySlice<UInt8>?) -> [String: ArraySlice<UInt8>] {
        var found: [String: ArraySlice<UInt8>] = [:]
        for declaration in value?.split(separator: UInt8(ascii: ";")) ?? [] {
            guard let colon = declaration.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let name = String(decoding: CSSScanner.trim(declaration[..<colon]), as: UTF8.self).lowercased()
            found[name] = declaration[(colon + 1)...]
        }
        return found
    }

    /// Pixels to the inch. It is what sizes in millimetres were always taken at here.
    static let resolution = 72.0
    /// In pixels, where a document says none.
    private static let fontSize = 12.0
    /// CSS Images Level 3 §4.3.
    private static let unsaid = (width: 300.0, height: 150.0)
    private static let longestSide = 1e9
    private static let unreadable = StorageError(.unreadableImage, "The SVG has no size, or is broken")
}

/// The attributes of a start tag `svg`, as they are written.
private struct SVGStartTag: Sendable {
    struct Attribute: Sendable {
        var name: String
        var value: String
        var quote: Character

        var text: String { "\(name)=\(quote)\(value)\(quote)" }
    }

    private(set) var attributes: [Attribute] = []
    /// In bytes, up to what ends it: `>` or `/>`.
    private(set) var length: Int
    let isEmptyElement: Bool

    /// - Parameter document: well-formed. - Returns: nil where it does not begin with the tag.
    init?(_ document: ByteBufferView) {
        guard document.starts(with: "<svg".utf8) else { return nil }
        var rest = document.dropFirst(4)
        while true {
            rest = rest.drop(while: CSSScanner.isBlank)
            guard let first = rest.first else { return nil }
            if first == UInt8(ascii: ">") || first == UInt8(ascii: "/") {
                length = document.count - rest.count
                isEmptyElement = first == UInt8(ascii: "/")
                return
            }
            let name = rest.prefix { $0 != UInt8(ascii: "=") && !CSSScanner.isBlank($0) }
            rest = rest.dropFirst(name.count).drop(while: CSSScanner.isBlank)
            guard rest.first == UInt8(ascii: "=") else { return nil }
            rest = rest.dropFirst().drop(while: CSSScanner.isBlank)
            guard let quote = rest.first, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else { return nil }
            let value = rest.dropFirst().prefix { $0 != quote }
            rest = rest.dropFirst(value.count + 2)
            attributes.append(
                Attribute(
                    name: String(decoding: name, as: UTF8.self), value: String(decoding: value, as: UTF8.self),
                    quote: Character(Unicode.Scalar(quote))))
        }
    }
}
