// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore
import WireFormats

/// `VersioningConfiguration`.
struct S3Versioning {
    let versioning: BucketVersioning

    init(_ versioning: BucketVersioning) { self.versioning = versioning }

    /// - Throws: `S3Error.malformedXML`; `NotImplemented` for deletion by a second factor.
    init(_ tree: XMLTree) throws(S3Error) {
        guard tree.name == "VersioningConfiguration" else { throw .malformedXML }
        if let factor = tree["MfaDelete"]?.text, factor != "Disabled" { throw .notImplemented("MfaDelete") }
        switch tree["Status"]?.text {
        case "Enabled": versioning = .enabled
        case "Suspended": versioning = .suspended
        case nil:
            throw S3Error(.badRequest, "IllegalVersioningConfigurationException", "The Versioning element must be specified")
        default: throw .malformedXML
        }
    }

    /// Empty for a bucket where versioning was never on, as S3 has it.
    var document: XMLWriter {
        var xml = XMLWriter(capacity: 256)
        xml.element("VersioningConfiguration", namespace: XMLWriter.s3Namespace) { xml in
            switch versioning {
            case .off: break
            case .enabled: xml.element("Status", text: "Enabled")
            case .suspended: xml.element("Status", text: "Suspended")
            }
        }
        return xml
    }
}

/// A request for a page of versions.
struct S3VersionListRequest {
    let prefix: String
    let delimiter: String
    let keyMarker: String
    let versionMarker: String?
    let limit: Int
    let encoding: S3KeyEncoding

    /// - Throws: `S3Error` with `InvalidArgument`.
    init(_ query: QueryParameters) throws(S3Error) {
        prefix = try query.keyText("prefix")
        delimiter = try query.keyText("delimiter")
        keyMarker = try query.keyText("key-marker")
        let marker = try query.keyText("version-id-marker")
        versionMarker = marker.isEmpty ? nil : marker
        limit = min(try query.integer("max-keys", in: 0...Int(Int32.max)) ?? KeyQuery.maxLimit, KeyQuery.maxLimit)
        encoding = try S3KeyEncoding(query)
        guard marker.isEmpty || !keyMarker.isEmpty else {
            throw .invalidArgument("version-id-marker", marker, "A version-id marker cannot be specified without a key marker.")
        }
    }

    /// What the core is asked for.
    var versionQuery: VersionQuery {
        var result = VersionQuery(prefix: prefix, delimiter: delimiter, limit: limit)
        guard !keyMarker.isEmpty else { return result }
        // A common prefix that ended the last page stands for all keys in it.
        if versionMarker == nil, KeyQuery(prefix: prefix, delimiter: delimiter).fold(keyMarker) == keyMarker {
            result.after = .prefix(keyMarker)
        } else {
            result.after = .version(key: keyMarker, versionMarker.map { VersionID($0) })
        }
        return result
    }
}

/// `ListVersionsResult`.
struct S3VersionList {
    let bucket: BucketID
    let request: S3VersionListRequest
    let page: VersionPage

    var document: XMLWriter {
        var xml = XMLWriter(capacity: 1024 + page.items.count * 400)
        let encoding = request.encoding
        xml.element("ListVersionsResult", namespace: XMLWriter.s3Namespace) { xml in
            xml.element("Name", text: bucket.rawValue)
            xml.element("Prefix", text: encoding.write(request.prefix))
            xml.element("KeyMarker", text: encoding.write(request.keyMarker))
            xml.element("VersionIdMarker", text: request.versionMarker ?? "")
            writeNext(to: &xml)
            xml.element("MaxKeys", text: String(request.limit))
            if !request.delimiter.isEmpty { xml.element("Delimiter", text: encoding.write(request.delimiter)) }
            if encoding == .url { xml.element("EncodingType", text: "url") }
            xml.element("IsTruncated", text: String(page.next != nil))
            for case .version(let entry) in page.items { write(entry, to: &xml) }
            for case .prefix(let prefix) in page.items {
                xml.element("CommonPrefixes") { $0.element("Prefix", text: encoding.write(prefix)) }
            }
        }
        return xml
    }

    private func writeNext(to xml: inout XMLWriter) {
        switch page.next {
        case nil: break
        case .prefix(let prefix): xml.element("NextKeyMarker", text: request.encoding.write(prefix))
        case .version(let key, let id):
            xml.element("NextKeyMarker", text: request.encoding.write(key))
            if let id { xml.element("NextVersionIdMarker", text: id.description) }
        }
    }

    private func write(_ entry: VersionEntry, to xml: inout XMLWriter) {
        xml.element(entry.isDeleteMarker ? "DeleteMarker" : "Version") { xml in
            xml.element("Key", text: request.encoding.write(entry.key.rawValue))
            xml.element("VersionId", text: entry.id.description)
            xml.element("IsLatest", text: String(entry.isLatest))
            let details = ObjectMetadata(parsing: entry.metadata)
            let modified = details.lastModified ?? entry.lastModified ?? Timestamp(seconds: 0)
            xml.element("LastModified", text: modified.iso8601)
            if !entry.isDeleteMarker {
                xml.element("ETag", text: details.eTag ?? "\"\(entry.version?.rawValue ?? "")\"")
                xml.element("Size", text: String(details.size ?? 0))
                xml.element("StorageClass", text: "STANDARD")
            }
            S3Owner(subject: entry.owner).write(to: &xml)
        }
    }
}
