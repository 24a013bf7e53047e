// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import MediaCore
import WireFormats

/// The header fields that describe an object in answers to GET and HEAD.
struct S3Representation {
    let record: ObjectRecord
    let details: ObjectMetadata

    /// - Parameter overrides: `response-content-type` and its like, by the field they replace.
    func headers(overriding overrides: [HTTPField.Name: String] = [:]) -> HTTPFields {
        var headers: HTTPFields = [.acceptRanges: "bytes"]
        headers[.eTag] = record.entityTag(details)
        headers[.lastModified] = lastModified?.httpDate
        headers[.contentType] = Self.fieldValue(details.mimetype) ?? S3ObjectFields.defaultContentType
        headers[.cacheControl] = Self.fieldValue(details.cacheControl)
        headers[.contentEncoding] = Self.fieldValue(details.representation.contentEncoding)
        headers[.contentDisposition] = Self.fieldValue(details.representation.contentDisposition)
        headers[.contentLanguage] = Self.fieldValue(details.representation.contentLanguage)
        headers[.expires] = Self.fieldValue(details.representation.expires)
        if !details.tags.isEmpty { headers[.amzTaggingCount] = String(details.tags.pairs.count) }
        addUserMetadata(to: &headers)
        for (name, value) in overrides { headers[name] = value }
        return headers
    }

    var lastModified: Timestamp? { details.lastModified ?? record.updatedAt }

    /// What can't stand in a header is counted instead of sent, as S3 does.
    private func addUserMetadata(to headers: inout HTTPFields) {
        guard let json = record.userMetadata?.rawValue, json != "{}" else { return }
        // Another dialect, or SQL, may have kept any JSON: what is no object has no fields.
        guard let values = (try? JSONSerialization.jsonObject(with: Data(json.utf8))) as? [String: Any] else { return }
        var missing = 0
        for (key, value) in values.sorted(by: { $0.key < $1.key }) {
            if let name = HTTPField.Name(S3ObjectFields.metadataPrefix + key), let text = Self.fieldValue(Self.text(value)) {
                headers[name] = text
            } else {
                missing += 1
            }
        }
        if missing > 0 { headers[.amzMissingMeta] = String(missing) }
    }

    /// Other dialects write numbers and booleans too.
    private static func text(_ value: Any) -> String? {
        switch value {
        case let text as String: text
        case let number as NSNumber: number.stringValue
        default: nil
        }
    }

    /// A stored text that may stand in a header: rows in old databases hold anything.
    private static func fieldValue(_ value: String?) -> String? {
        value.flatMap { $0.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 } ? $0 : nil }
    }
}
