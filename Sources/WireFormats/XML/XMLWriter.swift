// SPDX-License-Identifier: Apache-2.0

public import NIOCore

/// Writes an XML document.
///
/// ```swift
/// var xml = XMLWriter()
/// xml.element("Error", namespace: XMLWriter.s3Namespace) { xml in
///     xml.element("Code", text: "NoSuchKey")
/// }
/// ```
public struct XMLWriter: Sendable {
    /// The namespace of S3's documents.
    public static let s3Namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

    /// What every document begins with.
    public static let declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

    /// The document so far, in UTF-8.
    public private(set) var buffer: ByteBuffer

    /// The document so far without the declaration, which may have been sent before.
    public var content: ByteBuffer {
        var content = buffer
        content.moveReaderIndex(forwardBy: Self.declaration.utf8.count)
        return content
    }

    /// - Parameter capacity: The bytes to make room for.
    public init(capacity: Int = 1024) {
        buffer = ByteBufferAllocator().buffer(capacity: capacity)
        buffer.writeString(Self.declaration)
    }

    /// An element with others in it.
    /// - Parameters:
    ///   - name: A name of XML; it is written as it is.
    ///   - namespace: The default namespace from here on.
    ///   - attributes: Names are written as they are, values are escaped.
    public mutating func element(
        _ name: StaticString, namespace: String? = nil, attributes: KeyValuePairs<StaticString, String> = [:],
        content: (inout XMLWriter) throws -> Void
    ) rethrows {
        open(name, namespace: namespace, attributes: attributes)
        buffer.writeStaticString(">")
        try content(&self)
        close(name)
    }

    /// An element with text in it, or an empty one.
    public mutating func element(_ name: StaticString, text: String, namespace: String? = nil) {
        buffer.writeStaticString("<")
        buffer.writeStaticString(name)
        if let namespace { attribute("xmlns", namespace) }
        guard !text.isEmpty else {
            buffer.writeStaticString("/>")
            return
        }
        buffer.writeStaticString(">")
        escape(text)
        close(name)
    }

    private mutating func open(_ name: StaticString, namespace: String?, attributes: KeyValuePairs<StaticString, String>) {
        buffer.writeStaticString("<")
        buffer.writeStaticString(name)
        if let namespace { attribute("xmlns", namespace) }
        for (name, value) in attributes { attribute(name, value) }
    }

    private mutating func attribute(_ name: StaticString, _ value: String) {
        buffer.writeStaticString(" ")
        buffer.writeStaticString(name)
        buffer.writeStaticString("=\"")
        escape(value)
        buffer.writeStaticString("\"")
    }

    private mutating func close(_ name: StaticString) {
        buffer.writeStaticString("</")
        buffer.writeStaticString(name)
        buffer.writeStaticString(">")
    }

    /// Control characters become references by number: XML 1.0 has no other way to write them, and S3 does the same.
    private mutating func escape(_ text: String) {
        // Lists are mostly text: it is gone through by bytes, and written in runs that need none of this.
        var text = text
        text.withUTF8 { bytes in
            var start = 0
            var index = 0
            while index < bytes.count {
                guard Self.mayNeedReference(bytes[index]), let (length, reference) = Self.reference(bytes[index...]) else {
                    index += 1
                    continue
                }
                buffer.writeBytes(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[start..<index]))
                buffer.writeString(reference)
                index += length
                start = index
            }
            buffer.writeBytes(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[start...]))
        }
    }

    /// Whether a byte begins a character that can't stand for itself.
    private static func mayNeedReference(_ byte: UInt8) -> Bool {
        switch byte {
        case 0..<0x20, 0x22, 0x26, 0x3C, 0x3E, 0x7F, 0xC2, 0xE2, 0xEF: true
        default: false
        }
    }

    /// What is written for the first character and how many bytes it has, if it can't stand for itself.
    private static func reference(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> (length: Int, reference: String)? {
        let next = bytes.dropFirst().prefix(2)
        switch bytes.first {
        case UInt8(ascii: "&"): return (1, "&amp;")
        case UInt8(ascii: "<"): return (1, "&lt;")
        case UInt8(ascii: ">"): return (1, "&gt;")
        case UInt8(ascii: "\""): return (1, "&quot;")
        case let control? where control < 0x20 || control == 0x7F: return (1, "&#\(control);")
        case 0xC2:
            guard let last = next.first, last < 0xA0 else { return nil }
            return (2, "&#\(last);")
        case 0xE2 where next.elementsEqual([0x80, 0xA8]): return (3, "&#8232;")
        case 0xEF where next.elementsEqual([0xBF, 0xBE]): return (3, "&#65534;")
        case 0xEF where next.elementsEqual([0xBF, 0xBF]): return (3, "&#65535;")
        default: return nil
        }
    }
}
