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

    /// The document so far, in UTF-8.
    public private(set) var buffer: ByteBuffer

    /// - Parameter capacity: The bytes to make room for.
    public init(capacity: Int = 1024) {
        buffer = ByteBufferAllocator().buffer(capacity: capacity)
        buffer.writeStaticString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
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
    public mutating func element(_ name: StaticString, text: some StringProtocol, namespace: String? = nil) {
        open(name, namespace: namespace, attributes: [:])
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
    private mutating func escape(_ text: some StringProtocol) {
        // Most text needs none of it.
        guard text.utf8.contains(where: { $0 < 0x20 || $0 >= 0x7F || Self.special.contains($0) }) else {
            buffer.writeSubstring(Substring(text))
            return
        }
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": buffer.writeStaticString("&amp;")
            case "<": buffer.writeStaticString("&lt;")
            case ">": buffer.writeStaticString("&gt;")
            case "\"": buffer.writeStaticString("&quot;")
            case "\u{0}"..<"\u{20}", "\u{7F}"..<"\u{A0}", "\u{2028}", "\u{FFFE}", "\u{FFFF}":
                buffer.writeString("&#\(scalar.value);")
            default: buffer.writeBytes(UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            }
        }
    }

    private static let special = ByteSet("&<>\"".utf8)
}
