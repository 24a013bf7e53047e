// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore
import WireFormats

/// The XML documents of S3, as far as a store needs them.
enum S3Document {
    private static let limits = XMLReader.Limits(bytes: 8 << 20, depth: 16, elements: 100_000)

    /// - Throws: `ServiceFailure` for what is no XML.
    static func tree(_ document: ByteBuffer) throws(ServiceFailure) -> XMLTree {
        do { return try XMLTree(parsing: document, limits: limits) } catch {
            throw ServiceFailure(.malformed("an answer is no XML"))
        }
    }

    /// The code of an error document. Nil for any other one.
    static func errorCode(_ document: ByteBuffer) -> String? {
        // Lists are long and are no errors: only what may be one is read.
        let beginning = String(decoding: document.readableBytesView.prefix(256), as: UTF8.self)
        // One that breaks off, or is none, has no code.
        guard beginning.contains("<Error"), let root = try? tree(document), root.name == "Error" else { return nil }
        return root["Code"]?.text ?? "Unknown"
    }

    /// A key out of a list that is encoded for URLs. Services write a space as `+`, and a plus as `%2B`.
    static func decoded(_ text: String) -> String? {
        PercentEncoding.decode(text.map { $0 == "+" ? "%20" : String($0) }.joined())
    }

    /// The body of `DeleteObjects`, whose answer names only what could not be deleted.
    static func deletion(of keys: some Sequence<String>) -> ByteBuffer {
        var xml = XMLWriter()
        xml.element("Delete", namespace: XMLWriter.s3Namespace) { xml in
            xml.element("Quiet", text: "true")
            for key in keys {
                xml.element("Object") { $0.element("Key", text: key) }
            }
        }
        return xml.buffer
    }

    /// The codes of the keys that could not be deleted.
    static func deletionErrors(_ document: ByteBuffer) throws(ServiceFailure) -> [String] {
        guard document.readableBytes > 0 else { return [] }
        return try tree(document).all("Error").map { $0["Code"]?.text ?? "Unknown" }
    }

    /// The body of `CompleteMultipartUpload`.
    static func completion(of tags: [String]) -> ByteBuffer {
        var xml = XMLWriter()
        xml.element("CompleteMultipartUpload", namespace: XMLWriter.s3Namespace) { xml in
            for (index, tag) in tags.enumerated() {
                xml.element("Part") { xml in
                    xml.element("PartNumber", text: String(index + 1))
                    xml.element("ETag", text: tag)
                }
            }
        }
        return xml.buffer
    }
}

/// A page of keys of the service's.
struct S3ListPage {
    var entries: [ObjectEntry]
    var isTruncated: Bool

    init(_ document: ByteBuffer) throws(ServiceFailure) {
        let root = try S3Document.tree(document)
        guard root.name == "ListBucketResult" else { throw ServiceFailure(.malformed("an answer is no list")) }
        // Only a service that knows the parameter says so.
        let isEncoded = root["EncodingType"]?.text == "url"
        isTruncated = root["IsTruncated"]?.text == "true"
        var entries: [ObjectEntry] = []
        for element in root.all("Contents") {
            guard let text = element["Key"]?.text, let key = isEncoded ? S3Document.decoded(text) : text,
                let size = element["Size"].flatMap({ Int64($0.text) }),
                let date = element["LastModified"].flatMap({ Timestamp(iso8601: $0.text) })
            else { throw ServiceFailure(.malformed("an entry of a list lacks a part")) }
            entries.append(ObjectEntry(name: key, size: size, modifiedAt: date))
        }
        self.entries = entries
    }
}
