// SPDX-License-Identifier: Apache-2.0

import MediaCore
import WireFormats

/// Whom documents call the owner of something: the subject of a token, or the service.
struct S3Owner: Hashable {
    let id: String

    /// Nil: nobody in particular, which is the service.
    init(subject: String?) { id = subject ?? "service" }

    init(_ caller: Caller) { self.init(subject: caller.principal.subject) }

    func write(as name: StaticString = "Owner", to xml: inout XMLWriter) {
        xml.element(name) { xml in
            xml.element("ID", text: id)
            xml.element("DisplayName", text: id)
        }
    }
}

/// A page of the caller's buckets: `ListAllMyBucketsResult`.
struct S3BucketList {
    private static let maxBuckets = 10_000

    let buckets: [Bucket]
    let prefix: String?
    /// The last name of this page. Nil on the last one.
    let next: String?
    let owner: S3Owner

    /// - Parameter buckets: All that the caller sees, in any order.
    /// - Throws: `S3Error` for a page size or a token that is none.
    init(_ buckets: [Bucket], query: QueryParameters, owner: S3Owner) throws(S3Error) {
        let limit = try query.integer("max-buckets", in: 1...Self.maxBuckets)
        let prefix = query["prefix"]
        let start = try query["continuation-token"].map(S3PageToken.decode)
        let found = buckets.filter { bucket in
            prefix.map { bucket.id.rawValue.utf8.starts(with: $0.utf8) } ?? true
                && start.map { BucketID(stored: $0) < bucket.id } ?? true
        }.sorted { $0.id < $1.id }
        let page = found.prefix(limit ?? .max)
        self.prefix = prefix
        self.buckets = Array(page)
        self.next = page.count < found.count ? page.last?.id.rawValue : nil
        self.owner = owner
    }

    var document: XMLWriter {
        var xml = XMLWriter(capacity: 512 + buckets.count * 128)
        xml.element("ListAllMyBucketsResult", namespace: XMLWriter.s3Namespace) { xml in
            owner.write(to: &xml)
            xml.element("Buckets") { xml in
                for bucket in buckets {
                    xml.element("Bucket") { xml in
                        xml.element("Name", text: bucket.id.rawValue)
                        xml.element("CreationDate", text: (bucket.createdAt ?? Timestamp(seconds: 0)).iso8601)
                    }
                }
            }
            if let prefix { xml.element("Prefix", text: prefix) }
            if let next { xml.element("ContinuationToken", text: S3PageToken.encode(next)) }
        }
        return xml
    }
}

/// Where a page begins, as text that means nothing to clients.
enum S3PageToken {
    static func encode(_ text: String) -> String { Base64URL.encode(text.utf8) }

    /// - Throws: `S3Error` with `InvalidArgument`.
    static func decode(_ token: String) throws(S3Error) -> String {
        guard !token.isEmpty, token.utf8.count <= 4096, let bytes = Base64URL.decode(token),
            let text = String(validating: bytes, as: UTF8.self), !text.utf8.contains(0)
        else { throw .invalidArgument("continuation-token", token, "The continuation token provided is incorrect") }
        return text
    }
}

extension QueryParameters {
    /// A text to be compared with keys, empty when it was not sent. - Throws: `S3Error` with `InvalidArgument` when no key can be it.
    func keyText(_ name: String) throws(S3Error) -> String {
        let value = self[name] ?? ""
        guard value.utf8.count <= ObjectKey.maxBytes, !value.utf8.contains(0) else {
            throw .invalidArgument(name, value, "The value is longer than any key or has a byte that no key has")
        }
        return value
    }

    /// A number. - Throws: `S3Error` with `InvalidArgument` for what is none or not in range.
    func integer(_ name: String, in range: ClosedRange<Int>) throws(S3Error) -> Int? {
        guard let text = self[name], !text.isEmpty else { return nil }
        guard let value = Int(text), range.contains(value) else {
            throw .invalidArgument(name, text, "Provided \(name) not an integer or within integer range")
        }
        return value
    }
}
