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

    public init(
        eTag: String? = nil, size: Int64? = nil, mimetype: String? = nil, cacheControl: String? = nil,
        lastModified: Timestamp? = nil, xRobotsTag: String? = nil
    ) {
        self.eTag = eTag
        self.size = size
        self.mimetype = mimetype
        self.cacheControl = cacheControl
        self.lastModified = lastModified
        self.xRobotsTag = xRobotsTag
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
                if let xRobotsTag { writer.field("xRobotsTag", xRobotsTag) }
            })
    }

    private static func integer(_ value: Any?) -> Int64? {
        switch value {
        case let number as NSNumber: number.int64Value >= 0 ? number.int64Value : nil
        case let text as String: Int64(text).flatMap { $0 >= 0 ? $0 : nil }
        default: nil
        }
    }
}
