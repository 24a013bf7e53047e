// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What the server knows of an object's bytes: the `metadata` column of `storage.objects`, in Supabase's words.
public struct ObjectMetadata: Hashable, Sendable {
    /// With its double quotes: the MD5 in hex, or `"<md5>-<parts>"` for a multipart object.
    public var eTag: String?
    /// In bytes.
    public var size: Int64?
    public var mimetype: String?
    public var cacheControl: String?
    public var lastModified: Timestamp?
    public var xRobotsTag: String?
    public var representation: RepresentationFields
    /// Of the object, as S3 knows them. Here they are seen by policies, and go wherever the row goes.
    public var tags: TagSet

    public init(
        eTag: String? = nil, size: Int64? = nil, mimetype: String? = nil, cacheControl: String? = nil,
        lastModified: Timestamp? = nil, xRobotsTag: String? = nil, representation: RepresentationFields = .none,
        tags: TagSet = .empty
    ) {
        self.eTag = eTag
        self.size = size
        self.mimetype = mimetype
        self.cacheControl = cacheControl
        self.lastModified = lastModified
        self.xRobotsTag = xRobotsTag
        self.representation = representation
        self.tags = tags
    }

    /// Reads a stored column. Rows in the wild lack fields, or hold numbers as strings: what is unreadable becomes nil.
    public init(parsing json: JSONText?) {
        self.init()
        guard let json, let value = try? JSONSerialization.jsonObject(with: Data(json.rawValue.utf8)),
            let fields = value as? [String: Any]
        else { return }
        eTag = fields["eTag"] as? String
        size = Self.integer(fields["size"]) ?? Self.integer(fields["contentLength"])
        mimetype = fields["mimetype"] as? String
        cacheControl = fields["cacheControl"] as? String
        lastModified = (fields["lastModified"] as? String).flatMap(Timestamp.init(iso8601:))
        xRobotsTag = fields["xRobotsTag"] as? String
        representation = RepresentationFields(
            contentEncoding: fields["contentEncoding"] as? String, contentDisposition: fields["contentDisposition"] as? String,
            contentLanguage: fields["contentLanguage"] as? String, expires: fields["expires"] as? String)
        if let stored = fields["tags"] as? [String: Any] { tags = TagSet(stored: stored.compactMapValues { $0 as? String }) }
    }

    /// The column to store.
    public var json: JSONText {
        JSONText(
            trusted: JSONWriter.object { writer in
                writer.field("eTag", eTag)
                writer.field("size", size)
                writer.field("mimetype", mimetype)
                writer.field("cacheControl", cacheControl)
                writer.field("lastModified", lastModified)
                writer.field("contentLength", size)
                writer.key("httpStatusCode")
                writer.integer(200)
                for (name, value) in optionalFields where value != nil { writer.field(name, value) }
                if !tags.isEmpty { writer.field("tags", tags.json) }
            })
    }

    /// What most objects lack is not written at all: clients of Supabase see the column as it is.
    private var optionalFields: [(String, String?)] {
        [
            ("xRobotsTag", xRobotsTag), ("contentEncoding", representation.contentEncoding),
            ("contentDisposition", representation.contentDisposition), ("contentLanguage", representation.contentLanguage),
            ("expires", representation.expires),
        ]
    }

    private static func integer(_ value: Any?) -> Int64? {
        switch value {
        case let number as NSNumber: number.int64Value >= 0 ? number.int64Value : nil
        case let text as String: Int64(text).flatMap { $0 >= 0 ? $0 : nil }
        default: nil
        }
    }
}
