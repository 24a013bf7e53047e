// SPDX-License-Identifier: Apache-2.0

public import NIOCore

/// An element of a document with all that is in it.
public struct XMLTree: Hashable, Sendable {
    /// Without its prefix.
    public let name: String
    /// Its own text, without that of the elements in it. White space around those is part of it.
    public private(set) var text: String
    public private(set) var children: [XMLTree]

    public init(name: String, text: String = "", children: [XMLTree] = []) {
        self.name = name
        self.text = text
        self.children = children
    }

    /// Reads a document.
    public init(parsing document: ByteBuffer, limits: XMLReader.Limits) throws(XMLError) {
        var reader = try XMLReader(document, limits: limits)
        // The elements that are open, the root first.
        var open: [XMLTree] = []
        var root: XMLTree?
        while let event = try reader.next() {
            switch event {
            case .start(let name): open.append(XMLTree(name: name))
            case .text(let text): open[open.count - 1].text += text
            case .end:
                let element = open.removeLast()
                if open.isEmpty {
                    root = element
                } else {
                    open[open.count - 1].children.append(element)
                }
            }
        }
        guard let root else { throw .malformed(offset: document.readableBytes) }
        self = root
    }

    /// The first child of that name.
    public subscript(name: String) -> XMLTree? { children.first { $0.name == name } }

    /// The children of that name, in their order.
    public func all(_ name: String) -> [XMLTree] { children.filter { $0.name == name } }
}
