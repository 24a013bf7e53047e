// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore
import WireFormats

/// `InitiateMultipartUploadResult`.
struct S3UploadBegun {
    let address: ObjectAddress
    let id: UploadID

    var document: XMLWriter {
        var xml = XMLWriter()
        xml.element("InitiateMultipartUploadResult", namespace: XMLWriter.s3Namespace) { xml in
            xml.element("Bucket", text: address.bucket.rawValue)
            xml.element("Key", text: address.key.rawValue)
            xml.element("UploadId", text: id.rawValue)
        }
        return xml
    }
}

/// `CompleteMultipartUpload`: the parts that a client makes an object of.
struct S3Completion {
    struct Part: Hashable {
        var number: PartNumber
        /// Without quotes.
        var eTag: String
        var checksums: [ChecksumValue]
    }

    static let maxParts = 10_000
    let parts: [Part]

    /// - Throws: `S3Error.malformedXML`; `InvalidPart` for a number that no part has.
    init(_ tree: XMLTree) throws(S3Error) {
        let list = tree.all("Part")
        guard tree.name == "CompleteMultipartUpload", (1...Self.maxParts).contains(list.count) else { throw .malformedXML }
        var parts: [Part] = []
        for item in list {
            guard let number = item["PartNumber"].flatMap({ Int($0.text) }), let eTag = item["ETag"]?.text else {
                throw .malformedXML
            }
            let partNumber: PartNumber
            do { partNumber = try PartNumber(number) } catch { throw S3Error(.badRequest, "InvalidPart", error.message) }
            parts.append(Part(number: partNumber, eTag: Self.unquoted(eTag), checksums: try Self.checksums(item)))
        }
        self.parts = Self.named(parts)
    }

    /// A part that was sent twice and is named twice in a row counts as it was named last, which is how it was sent last.
    private static func named(_ parts: [Part]) -> [Part] {
        parts.reduce(into: []) { kept, part in
            if kept.last?.number == part.number { kept.removeLast() }
            kept.append(part)
        }
    }

    private static func checksums(_ item: XMLTree) throws(S3Error) -> [ChecksumValue] {
        var values: [ChecksumValue] = []
        for algorithm in ChecksumAlgorithm.allCases where algorithm != .md5 {
            guard let text = item["Checksum" + algorithm.name]?.text else { continue }
            guard let value = ChecksumValue(algorithm, base64: text) else {
                throw .invalidRequest("Value for Checksum\(algorithm.name) is invalid.")
            }
            values.append(value)
        }
        return values
    }

    private static func unquoted(_ text: String) -> String {
        text.count >= 2 && text.hasPrefix("\"") && text.hasSuffix("\"") ? String(text.dropFirst().dropLast()) : text
    }
}

/// `CompleteMultipartUploadResult`.
struct S3UploadCompleted {
    let location: String
    let address: ObjectAddress
    let eTag: String
    let checksums: S3StoredChecksums

    var document: XMLWriter {
        var xml = XMLWriter()
        xml.element("CompleteMultipartUploadResult", namespace: XMLWriter.s3Namespace) { xml in
            xml.element("Location", text: location)
            xml.element("Bucket", text: address.bucket.rawValue)
            xml.element("Key", text: address.key.rawValue)
            xml.element("ETag", text: eTag)
            checksums.write(to: &xml)
        }
        return xml
    }
}

/// `ListPartsResult`.
struct S3PartList {
    let address: ObjectAddress
    let session: UploadSession
    let parts: [UploadPart]
    let marker: Int
    let limit: Int
    let isTruncated: Bool
    let encoding: S3KeyEncoding

    var document: XMLWriter {
        var xml = XMLWriter(capacity: 1024 + parts.count * 256)
        xml.element("ListPartsResult", namespace: XMLWriter.s3Namespace) { xml in
            xml.element("Bucket", text: address.bucket.rawValue)
            xml.element("Key", text: encoding.write(address.key.rawValue))
            xml.element("UploadId", text: session.id.rawValue)
            let owner = S3Owner(subject: session.ownerID)
            owner.write(as: "Initiator", to: &xml)
            owner.write(to: &xml)
            xml.element("StorageClass", text: "STANDARD")
            xml.element("PartNumberMarker", text: String(marker))
            xml.element("NextPartNumberMarker", text: String(parts.last?.number.rawValue ?? 0))
            xml.element("MaxParts", text: String(limit))
            xml.element("IsTruncated", text: String(isTruncated))
            let plan = S3ChecksumPlan(session.attributes)
            if let plan {
                xml.element("ChecksumAlgorithm", text: plan.algorithm.name)
                xml.element("ChecksumType", text: plan.type.rawValue)
            }
            for part in parts { write(part, plan, to: &xml) }
        }
        return xml
    }

    private func write(_ part: UploadPart, _ plan: S3ChecksumPlan?, to xml: inout XMLWriter) {
        xml.element("Part") { xml in
            xml.element("PartNumber", text: String(part.number.rawValue))
            xml.element("LastModified", text: part.createdAt.iso8601)
            xml.element("ETag", text: "\"\(part.md5 ?? "")\"")
            xml.element("Size", text: String(part.size))
            if let plan, let value = part.checksums[plan.algorithm.name] { xml.checksum(plan.algorithm, value) }
        }
    }
}

/// `ListMultipartUploadsResult`.
struct S3UploadList {
    enum Item {
        case upload(UploadSession)
        case prefix(String)
    }

    let bucket: BucketID
    let request: S3UploadListRequest
    let items: [Item]
    /// The upload that a next page begins behind. Nil on the last.
    let next: (key: String, id: String)?

    var document: XMLWriter {
        var xml = XMLWriter(capacity: 1024 + items.count * 384)
        let encoding = request.encoding
        xml.element("ListMultipartUploadsResult", namespace: XMLWriter.s3Namespace) { xml in
            xml.element("Bucket", text: bucket.rawValue)
            xml.element("KeyMarker", text: encoding.write(request.keyMarker))
            xml.element("UploadIdMarker", text: request.idMarker)
            if let next {
                xml.element("NextKeyMarker", text: encoding.write(next.key))
                xml.element("NextUploadIdMarker", text: next.id)
            }
            xml.element("Prefix", text: encoding.write(request.prefix))
            if !request.delimiter.isEmpty { xml.element("Delimiter", text: encoding.write(request.delimiter)) }
            if encoding == .url { xml.element("EncodingType", text: "url") }
            xml.element("MaxUploads", text: String(request.limit))
            xml.element("IsTruncated", text: String(next != nil))
            for case .upload(let session) in items { write(session, encoding, to: &xml) }
            for case .prefix(let prefix) in items {
                xml.element("CommonPrefixes") { $0.element("Prefix", text: encoding.write(prefix)) }
            }
        }
        return xml
    }

    private func write(_ session: UploadSession, _ encoding: S3KeyEncoding, to xml: inout XMLWriter) {
        xml.element("Upload") { xml in
            xml.element("Key", text: encoding.write(session.address.key.rawValue))
            xml.element("UploadId", text: session.id.rawValue)
            let owner = S3Owner(subject: session.ownerID)
            owner.write(as: "Initiator", to: &xml)
            owner.write(to: &xml)
            xml.element("StorageClass", text: "STANDARD")
            xml.element("Initiated", text: session.createdAt.iso8601)
            if let plan = S3ChecksumPlan(session.attributes) {
                xml.element("ChecksumAlgorithm", text: plan.algorithm.name)
                xml.element("ChecksumType", text: plan.type.rawValue)
            }
        }
    }
}

/// A request for a page of uploads under way.
struct S3UploadListRequest {
    static let maxUploads = 1000

    let prefix: String
    let delimiter: String
    let keyMarker: String
    let idMarker: String
    let limit: Int
    let encoding: S3KeyEncoding

    /// - Throws: `S3Error` with `InvalidArgument`.
    init(_ query: QueryParameters) throws(S3Error) {
        prefix = try query.keyText("prefix")
        delimiter = try query.keyText("delimiter")
        keyMarker = try query.keyText("key-marker")
        idMarker = keyMarker.isEmpty ? "" : try query.keyText("upload-id-marker")
        limit = min(try query.integer("max-uploads", in: 0...Int(Int32.max)) ?? Self.maxUploads, Self.maxUploads)
        encoding = try S3KeyEncoding(query)
    }
}
