// SPDX-License-Identifier: Apache-2.0

import MediaCore
import WireFormats

/// How a client wants keys in documents written.
enum S3KeyEncoding: Hashable {
    /// As they are; control characters become references by number.
    case plain
    /// Percent-encoded except for `/`, so that every parser of XML can read them.
    case url

    /// - Throws: `S3Error` with `InvalidArgument`.
    init(_ query: QueryParameters) throws(S3Error) {
        switch query["encoding-type"] {
        case nil, "": self = .plain
        case "url": self = .url
        case let other?: throw .invalidArgument("encoding-type", other, "Invalid Encoding Method specified in Request")
        }
    }

    func write(_ text: String) -> String {
        switch self {
        case .plain: text
        case .url: PercentEncoding.encodeComponents(ofPath: text)
        }
    }
}

/// A request for a page of keys, in either version of the call.
struct S3KeyListRequest {
    /// The versions differ in how a page says where the next begins.
    enum Version: Hashable {
        case marker(String)
        case token(String?, startAfter: String)
    }

    let version: Version
    let prefix: String
    let delimiter: String
    /// As asked for, 1000 at most.
    let limit: Int
    let encoding: S3KeyEncoding
    let includesOwner: Bool

    /// - Throws: `S3Error` with `InvalidArgument`.
    init(_ query: QueryParameters, isV2: Bool) throws(S3Error) {
        prefix = try query.keyText("prefix")
        delimiter = try query.keyText("delimiter")
        limit = min(try query.integer("max-keys", in: 0...Int(Int32.max)) ?? KeyQuery.maxLimit, KeyQuery.maxLimit)
        encoding = try S3KeyEncoding(query)
        includesOwner = !isV2 || query["fetch-owner"]?.lowercased() == "true"
        if isV2 {
            let token = query["continuation-token"]
            if let token, !token.isEmpty { _ = try Self.position(token: token) }
            version = .token(token, startAfter: try query.keyText("start-after"))
        } else {
            version = .marker(try query.keyText("marker"))
        }
    }

    /// What the core is asked for.
    var keyQuery: KeyQuery {
        get throws(S3Error) {
            var result = KeyQuery(prefix: prefix, delimiter: delimiter, limit: limit, includesOwner: includesOwner)
            switch version {
            case .token(let token?, _) where !token.isEmpty: result.after = try Self.position(token: token)
            case .token(_, let start), .marker(let start):
                guard !start.isEmpty else { break }
                // A common prefix that ended the last page stands for all keys in it.
                result.after = result.fold(start) == start ? .prefix(start) : .key(start)
            }
            return result
        }
    }

    /// `k` and a key, or `p` and a common prefix.
    private static func position(token: String) throws(S3Error) -> KeyQuery.Position {
        let text = try S3PageToken.decode(token)
        switch text.first {
        case "k": return .key(String(text.dropFirst()))
        case "p": return .prefix(String(text.dropFirst()))
        default: throw .invalidArgument("continuation-token", token, "The continuation token provided is incorrect")
        }
    }

    fileprivate static func token(_ position: KeyQuery.Position) -> String {
        switch position {
        case .key(let key): S3PageToken.encode("k" + key)
        case .prefix(let prefix): S3PageToken.encode("p" + prefix)
        }
    }
}

/// `ListBucketResult`, in either version.
struct S3KeyList {
    let bucket: BucketID
    let request: S3KeyListRequest
    let page: KeyPage

    var document: XMLWriter {
        var xml = XMLWriter(capacity: 1024 + page.items.count * 320)
        xml.element("ListBucketResult", namespace: XMLWriter.s3Namespace) { xml in
            xml.element("Name", text: bucket.rawValue)
            switch request.version {
            case .marker(let marker):
                // Quirk: clients decode it in the second version only.
                xml.element("Prefix", text: request.prefix)
                writePosition(marker: marker, to: &xml)
            case .token(let token, let startAfter):
                xml.element("Prefix", text: request.encoding.write(request.prefix))
                writePosition(token: token, startAfter: startAfter, to: &xml)
            }
            xml.element("MaxKeys", text: String(request.limit))
            if !request.delimiter.isEmpty { xml.element("Delimiter", text: request.encoding.write(request.delimiter)) }
            if request.encoding == .url { xml.element("EncodingType", text: "url") }
            xml.element("IsTruncated", text: String(page.next != nil))
            for case .object(let entry) in page.items { write(entry, to: &xml) }
            for case .prefix(let prefix) in page.items {
                xml.element("CommonPrefixes") { $0.element("Prefix", text: request.encoding.write(prefix)) }
            }
        }
        return xml
    }

    /// Sent without a delimiter too, where Amazon's clients take the last key: it does no harm, and some clients want it.
    private func writePosition(marker: String, to xml: inout XMLWriter) {
        xml.element("Marker", text: request.encoding.write(marker))
        switch page.next {
        case nil: break
        case .key(let text), .prefix(let text): xml.element("NextMarker", text: request.encoding.write(text))
        }
    }

    private func writePosition(token: String?, startAfter: String, to xml: inout XMLWriter) {
        xml.element("KeyCount", text: String(page.items.count))
        if let token { xml.element("ContinuationToken", text: token) }
        if !startAfter.isEmpty { xml.element("StartAfter", text: request.encoding.write(startAfter)) }
        if let next = page.next { xml.element("NextContinuationToken", text: S3KeyListRequest.token(next)) }
    }

    private func write(_ entry: KeyEntry, to xml: inout XMLWriter) {
        xml.element("Contents") { xml in
            xml.element("Key", text: request.encoding.write(entry.key.rawValue))
            xml.element("LastModified", text: (entry.lastModified ?? Timestamp(seconds: 0)).iso8601)
            xml.element("ETag", text: entry.entityTag)
            xml.element("Size", text: String(entry.size ?? 0))
            if request.includesOwner { S3Owner(subject: entry.owner).write(to: &xml) }
            xml.element("StorageClass", text: "STANDARD")
        }
    }
}
