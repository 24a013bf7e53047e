// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Writes a document of SVG: no prefix but `xlink`, no declaration, nothing in it that needs one.
///
/// Texts are of characters that XML has; the reader refuses all others.
struct SVGWriter: Sendable {
    private var buffer: ByteBuffer
    /// Where the root's declaration of `xlink` goes, once it is known to be needed.
    private var declarationOffset = 0
    private var usesLinks = false
    /// Names of the open elements.
    private var open: [String] = []
    private var tagIsOpen = false

    init(capacity: Int) { buffer = ByteBufferAllocator().buffer(capacity: capacity) }

    mutating func begin(_ name: String) {
        closeTag()
        buffer.writeStaticString("<")
        buffer.writeString(name)
        if open.isEmpty {
            buffer.writeStaticString(" xmlns=\"")
            buffer.writeString(SVGVocabulary.namespace)
            buffer.writeStaticString("\"")
            declarationOffset = buffer.writerIndex
        }
        open.append(name)
        tagIsOpen = true
    }

    mutating func attribute(_ name: String, _ value: some Collection<UInt8>) {
        buffer.writeStaticString(" ")
        buffer.writeString(name)
        buffer.writeStaticString("=\"")
        escape(value, isAttribute: true)
        buffer.writeStaticString("\"")
        if name.hasPrefix("xlink:") { usesLinks = true }
    }

    mutating func text(_ text: some Collection<UInt8>) {
        guard !text.isEmpty else { return }
        closeTag()
        escape(text, isAttribute: false)
    }

    mutating func end() {
        guard let name = open.popLast() else { return }
        if tagIsOpen {
            buffer.writeStaticString("/>")
            tagIsOpen = false
        } else {
            buffer.writeStaticString("</")
            buffer.writeString(name)
            buffer.writeStaticString(">")
        }
    }

    /// The document, once its root has ended.
    consuming func finish() -> ByteBuffer {
        guard usesLinks, let head = buffer.getSlice(at: 0, length: declarationOffset) else { return buffer }
        let declaration = " xmlns:xlink=\"\(SVGVocabulary.linkNamespace)\""
        var result = ByteBufferAllocator().buffer(capacity: buffer.readableBytes + declaration.utf8.count)
        result.writeImmutableBuffer(head)
        result.writeString(declaration)
        buffer.moveReaderIndex(to: declarationOffset)
        result.writeImmutableBuffer(buffer)
        return result
    }

    private mutating func closeTag() {
        guard tagIsOpen else { return }
        buffer.writeStaticString(">")
        tagIsOpen = false
    }

    /// White space in attributes is written by number, or it would be normalised when it is read again. XML 1.0 §3.3.3.
    private mutating func escape(_ text: some Collection<UInt8>, isAttribute: Bool) {
        var start = text.startIndex
        var index = start
        while index < text.endIndex {
            if let reference = Self.reference(text[index], isAttribute) {
                buffer.writeBytes(text[start..<index])
                buffer.writeStaticString(reference)
                start = text.index(after: index)
            }
            index = text.index(after: index)
        }
        buffer.writeBytes(text[start...])
    }

    private static func reference(_ byte: UInt8, _ isAttribute: Bool) -> StaticString? {
        switch byte {
        case UInt8(ascii: "&"): "&amp;"
        case UInt8(ascii: "<"): "&lt;"
        case UInt8(ascii: ">"): "&gt;"
        case UInt8(ascii: "\r"): "&#13;"
        case UInt8(ascii: "\""): isAttribute ? "&quot;" : nil
        case UInt8(ascii: "\n"): isAttribute ? "&#10;" : nil
        case UInt8(ascii: "\t"): isAttribute ? "&#9;" : nil
        default: nil
        }
    }
}
