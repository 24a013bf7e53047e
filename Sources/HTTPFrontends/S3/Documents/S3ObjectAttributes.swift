// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore
import WireFormats

/// `GetObjectAttributesResponse`: what a client wants to know of an object without reading it.
struct S3ObjectAttributes {
    enum Name: String, CaseIterable {
        case eTag = "ETag"
        case checksum = "Checksum"
        case parts = "ObjectParts"
        case storageClass = "StorageClass"
        case size = "ObjectSize"
    }

    let names: Set<Name>
    let found: S3FoundObject
    let marker: Int
    let limit: Int
    /// Those of the parts, where the client chose a checksum. Parts without one are only counted, as Amazon S3 has it.
    var partChecksums: PartChecksums?

    /// - Throws: `S3Error` with `InvalidArgument` where the head does not name what is wanted.
    init(_ found: S3FoundObject, headers: HTTPFields) throws(S3Error) {
        let list = (headers[.amzObjectAttributes] ?? "").split(separator: ",").map { $0.filter { $0 != " " } }
        guard !list.isEmpty else {
            throw .invalidArgument(
                "x-amz-object-attributes", "",
                "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty")
        }
        var names: Set<Name> = []
        for text in list {
            guard let name = Name(rawValue: text) else {
                throw .invalidArgument("x-amz-object-attributes", text, "Invalid attribute name specified.")
            }
            names.insert(name)
        }
        self.names = names
        self.found = found
        marker = try Self.number(headers, "x-amz-part-number-marker") ?? 0
        limit = min(try Self.number(headers, "x-amz-max-parts") ?? 1000, 1000)
    }

    private static func number(_ headers: HTTPFields, _ name: String) throws(S3Error) -> Int? {
        guard let field = HTTPField.Name(name), let text = headers[field] else { return nil }
        guard let value = Int(text), value >= 0 else { throw .invalidArgument(name, text, "It must be a number") }
        return value
    }

    var document: XMLWriter {
        var xml = XMLWriter()
        let blob = found.object.blob
        xml.element("GetObjectAttributesResponse", namespace: XMLWriter.s3Namespace) { xml in
            if names.contains(.eTag) {
                // Unlike everywhere else, without its quotes.
                xml.element("ETag", text: found.object.record.entityTag(found.details).filter { $0 != "\"" })
            }
            if names.contains(.checksum), let blob, !blob.checksums.isEmpty {
                xml.element("Checksum") { S3StoredChecksums(blob.checksums).write(to: &$0) }
            }
            if names.contains(.parts), let parts = blob?.parts { write(parts, to: &xml) }
            if names.contains(.storageClass) { xml.element("StorageClass", text: "STANDARD") }
            if names.contains(.size) { xml.element("ObjectSize", text: String(blob?.size ?? found.details.size ?? 0)) }
        }
        return xml
    }

    private func write(_ parts: PartLayout, to xml: inout XMLWriter) {
        let algorithm = partChecksums.flatMap { ChecksumAlgorithm(name: $0.algorithm) }
        let page = Array(parts.sizes.enumerated().dropFirst(marker).prefix(limit))
        let last = page.last.map { $0.offset + 1 } ?? marker
        xml.element("ObjectParts") { xml in
            xml.element("PartsCount", text: String(parts.count))
            xml.element("PartNumberMarker", text: String(marker))
            xml.element("NextPartNumberMarker", text: String(last))
            xml.element("MaxParts", text: String(limit))
            xml.element("IsTruncated", text: String(last < parts.count))
            guard let partChecksums, let algorithm else { return }
            for (index, size) in page {
                xml.element("Part") { xml in
                    xml.element("PartNumber", text: String(index + 1))
                    xml.element("Size", text: String(size))
                    xml.checksum(algorithm, partChecksums.values[index])
                }
            }
        }
    }
}
