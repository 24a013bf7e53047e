// SPDX-License-Identifier: Apache-2.0

public import NIOCore

/// Reads an XML document of any vocabulary event by event, with attributes and namespaces: what `XMLReader` drops or refuses
/// because no client of S3 sends it.
///
/// It doesn't validate. A document type is skipped; of its entities only those that are plain text are known (see
/// `XMLEntities`), so that nothing grows and nothing is fetched. Comments and processing instructions are skipped.
public struct XMLDocumentReader: Sendable {
    /// What was found.
    public enum Event: Hashable, Sendable {
        case start(XMLStartTag)
        /// Part of the text of the innermost open element, valid UTF-8. Never empty; white space too.
        case text(ArraySlice<UInt8>)
        /// The innermost open element ends.
        case end
    }

    /// What a document may have.
    public struct Limits: Hashable, Sendable {
        public var bytes: Int
        /// Elements inside each other.
        public var depth: Int
        public var elements: Int
        /// Of one element, declarations of namespaces among them.
        public var attributes: Int
        /// The longest value of an attribute.
        public var attributeBytes: Int

        public init(bytes: Int, depth: Int, elements: Int, attributes: Int, attributeBytes: Int) {
            self.bytes = bytes
            self.depth = depth
            self.elements = elements
            self.attributes = attributes
            self.attributeBytes = attributeBytes
        }
    }

    private let limits: Limits
    private var cursor: XMLCursor
    private var entities: XMLEntities
    private var namespaces = XMLNamespaces()
    /// The open elements' names, with prefixes.
    private var open: [ArraySlice<UInt8>] = []
    private var elementCount = 0
    private var hasDocumentType = false
    private var endIsQueued = false

    /// - Throws: `XMLError.tooLarge`; `.forbidden` for an encoding that isn't read here; `.malformed` for bytes that aren't text.
    public init(_ document: ByteBuffer, limits: Limits) throws(XMLError) {
        guard document.readableBytes <= limits.bytes else { throw .tooLarge }
        self.limits = limits
        cursor = XMLCursor(try XMLEncoding.utf8(Array(document.readableBytesView)))
        entities = XMLEntities(budget: limits.bytes)
        _ = try cursor.readDeclaration()
    }

    /// The next event, or nil after the root's end, when nothing but white space, comments and instructions followed.
    public mutating func next() throws(XMLError) -> Event? {
        if endIsQueued {
            endIsQueued = false
            namespaces.leave(depth: open.count)
            return .end
        }
        while !cursor.isAtEnd {
            if let event = try readPiece() { return event }
        }
        guard open.isEmpty, elementCount > 0 else { throw cursor.malformed }
        return nil
    }

    private mutating func readPiece() throws(XMLError) -> Event? {
        guard cursor.peek == UInt8(ascii: "<") else { return try readText() }
        if cursor.skip("<!--") {
            try cursor.skipComment()
        } else if cursor.skip("<?") {
            try cursor.skipProcessingInstruction()
        } else if cursor.skip("<![CDATA[") {
            guard !open.isEmpty else { throw cursor.malformed }
            let text = Array(try cursor.readCharacterData().utf8)
            if !text.isEmpty { return .text(text[...]) }
        } else if cursor.skip("<!DOCTYPE") {
            guard elementCount == 0, !hasDocumentType else { throw cursor.malformed }
            hasDocumentType = true
            try cursor.readDocumentType(&entities)
        } else {
            return cursor.skip("</") ? try readEndTag() : try readStartTag()
        }
        return nil
    }

    private mutating func readText() throws(XMLError) -> Event? {
        guard !open.isEmpty else {
            guard cursor.skipBlanks() else { throw cursor.malformed }
            return nil
        }
        let text = try cursor.readCharacters(&entities)
        return text.isEmpty ? nil : .text(text)
    }

    private mutating func readStartTag() throws(XMLError) -> Event {
        guard cursor.skip("<"), !open.isEmpty || elementCount == 0 else { throw cursor.malformed }
        let name = try cursor.readName()
        elementCount += 1
        guard elementCount <= limits.elements else { throw .tooManyElements }
        guard open.count < limits.depth else { throw .tooDeep }
        let (attributes, isEmpty) = try readAttributes()
        let tag = XMLStartTag(name: try resolve(name, isAttribute: false), attributes: try resolve(attributes))
        if isEmpty {
            endIsQueued = true
        } else {
            open.append(name)
        }
        return .start(tag)
    }

    private mutating func readEndTag() throws(XMLError) -> Event {
        let name = try cursor.readName()
        _ = cursor.skipBlanks()
        guard cursor.skip(">"), let opened = open.popLast(), opened == name else { throw cursor.malformed }
        namespaces.leave(depth: open.count)
        return .end
    }

    private typealias RawAttribute = (name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)

    /// Reads attributes and the end of a start tag, and declares the namespaces among them. §3.1.
    private mutating func readAttributes() throws(XMLError) -> (attributes: [RawAttribute], isEmpty: Bool) {
        var attributes: [RawAttribute] = []
        while true {
            let hadBlanks = cursor.skipBlanks()
            if cursor.skip("/>") { return (attributes, true) }
            if cursor.skip(">") { return (attributes, false) }
            guard hadBlanks else { throw cursor.malformed }
            let name = try cursor.readName()
            guard !attributes.contains(where: { $0.name == name }) else { throw cursor.malformed }
            let value = try cursor.readAttributeValue(&entities)
            guard value.count <= limits.attributeBytes else { throw .tooLarge }
            attributes.append((name, value))
            guard attributes.count <= limits.attributes else { throw .tooManyAttributes }
            guard name.starts(with: "xmlns".utf8) else { continue }
            let rest = name.dropFirst(5)
            guard rest.isEmpty || rest.first == UInt8(ascii: ":") else { continue }
            guard try namespaces.bind(rest.dropFirst(), to: value, depth: open.count) else { throw cursor.malformed }
        }
    }

    private func resolve(_ attributes: [RawAttribute]) throws(XMLError) -> [XMLAttribute] {
        var resolved: [XMLAttribute] = []
        resolved.reserveCapacity(attributes.count)
        for attribute in attributes {
            let name = try resolve(attribute.name, isAttribute: true)
            if name.local == "xmlns", name.namespace == nil { continue }
            if attribute.name.starts(with: "xmlns:".utf8) { continue }
            // Two prefixes of one namespace make one name.
            guard name.namespace == nil || !resolved.contains(where: { $0.name == name }) else { throw cursor.malformed }
            resolved.append(XMLAttribute(name: name, value: attribute.value))
        }
        return resolved
    }

    private func resolve(_ name: ArraySlice<UInt8>, isAttribute: Bool) throws(XMLError) -> XMLQualifiedName {
        guard let colon = name.firstIndex(of: UInt8(ascii: ":")) else {
            return XMLQualifiedName(
                namespace: isAttribute ? nil : namespaces.resolve([]), local: String(decoding: name, as: UTF8.self))
        }
        let local = name[(colon + 1)...]
        guard colon > name.startIndex, !local.isEmpty, !local.contains(UInt8(ascii: ":")) else { throw cursor.malformed }
        return XMLQualifiedName(
            namespace: namespaces.resolve(name[..<colon]), local: String(decoding: local, as: UTF8.self))
    }
}
