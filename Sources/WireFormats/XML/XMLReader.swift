// SPDX-License-Identifier: Apache-2.0

public import NIOCore

/// Reads a small XML document event by event: what S3 clients send, and no more of XML 1.0 than that.
///
/// Elements, text, the five predefined entities, references by number, CDATA sections, comments and the declaration. Attributes
/// are checked and dropped, prefixes of names are dropped. A DOCTYPE, other entities and processing instructions are refused,
/// so there is nothing to expand and nothing to fetch. One thing is read that XML 1.0 forbids: references to control
/// characters, because keys may hold them and nothing else could name those keys.
public struct XMLReader: Sendable {
    /// What was found.
    public enum Event: Hashable, Sendable {
        case start(name: String)
        /// Part of the text of the innermost open element. Never empty; white space too.
        case text(String)
        case end(name: String)
    }

    /// What a document may have.
    public struct Limits: Hashable, Sendable {
        public var bytes: Int
        /// Elements inside each other.
        public var depth: Int
        public var elements: Int

        public init(bytes: Int, depth: Int = 16, elements: Int = 100_000) {
            self.bytes = bytes
            self.depth = depth
            self.elements = elements
        }
    }

    private let limits: Limits
    private var cursor: XMLCursor
    /// The open elements' names, with prefixes.
    private var open: [ArraySlice<UInt8>] = []
    private var elementCount = 0
    private var queued: Event?

    public init(_ document: ByteBuffer, limits: Limits) throws(XMLError) {
        guard document.readableBytes <= limits.bytes else { throw .tooLarge }
        let bytes = Array(document.readableBytesView)
        guard String(validating: bytes, as: UTF8.self) != nil else { throw .malformed(offset: 0) }
        self.limits = limits
        cursor = XMLCursor(bytes)
        try cursor.skipDeclaration()
    }

    /// The next event, or nil after the root's end, when nothing but white space and comments followed.
    public mutating func next() throws(XMLError) -> Event? {
        if let event = queued {
            queued = nil
            return event
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
            return nil
        }
        if cursor.skip("<![CDATA[") {
            guard !open.isEmpty else { throw cursor.malformed }
            let text = try cursor.readCharacterData()
            return text.isEmpty ? nil : .text(text)
        }
        guard !cursor.starts(with: "<!"), !cursor.starts(with: "<?") else { throw .forbidden(offset: cursor.offset) }
        return cursor.skip("</") ? try readEndTag() : try readStartTag()
    }

    private mutating func readText() throws(XMLError) -> Event? {
        guard !open.isEmpty else {
            guard cursor.skipBlanks() else { throw cursor.malformed }
            return nil
        }
        return .text(try cursor.readText())
    }

    private mutating func readStartTag() throws(XMLError) -> Event {
        guard cursor.skip("<"), !open.isEmpty || elementCount == 0 else { throw cursor.malformed }
        let name = try cursor.readName()
        let isEmpty = try cursor.skipAttributes()
        elementCount += 1
        guard elementCount <= limits.elements else { throw .tooManyElements }
        guard open.count < limits.depth else { throw .tooDeep }
        let local = try localName(name)
        if isEmpty {
            queued = .end(name: local)
        } else {
            open.append(name)
        }
        return .start(name: local)
    }

    private mutating func readEndTag() throws(XMLError) -> Event {
        let name = try cursor.readName()
        _ = cursor.skipBlanks()
        guard cursor.skip(">"), let opened = open.popLast(), opened.elementsEqual(name) else { throw cursor.malformed }
        return .end(name: try localName(name))
    }

    /// The name without its prefix.
    private func localName(_ name: ArraySlice<UInt8>) throws(XMLError) -> String {
        let parts = name.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty }), let local = parts.last else { throw cursor.malformed }
        return String(decoding: local, as: UTF8.self)
    }
}
