// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore

extension HTTPFields {
    /// What is said of an object that is delivered as it was stored, in every dialect that has no words of its own for it.
    init(describing delivered: Delivered) {
        let details = delivered.details
        self.init()
        self[.eTag] = delivered.object.record.entityTag(details)
        self[.lastModified] = (details.lastModified ?? delivered.object.record.updatedAt)?.httpDate
        self[.acceptRanges] = "bytes"
        self[.contentType] = details.safeMediaType
        self[.contentEncoding] = Self.value(details.representation.contentEncoding)
        self[.contentLanguage] = Self.value(details.representation.contentLanguage)
        self[.contentDisposition] = Self.value(details.representation.contentDisposition)
        restrain(details.safeMediaType)
    }

    /// A stored text that may stand in a header: rows in old databases hold anything.
    static func value(_ text: String?) -> String? {
        text.flatMap { $0.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } ? $0 : nil }
    }
}

extension ObjectMetadata {
    /// The type as which the object may be shown: a page that runs scripts in this origin is shown as text.
    var safeMediaType: String {
        guard let type = HTTPFields.value(mimetype) else { return "application/octet-stream" }
        return type.lowercased().contains("text/html") ? "text/plain" : type
    }
}
