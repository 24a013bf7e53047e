// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore
import NIOCore
import WireFormats

/// What Google says of an object.
struct GCSObject: Decodable, Sendable {
    var name: String
    /// A number, as text.
    var size: String?
    var updated: String?
    var generation: String?
    var crc32c: String?
    var metadata: [String: String]?

    /// The fields of it that are asked for.
    static let wanted = "name,size,updated,generation,crc32c,metadata"

    var checksum: ChecksumValue? { crc32c.flatMap { ChecksumValue(.crc32c, base64: $0) } }

    func entry() throws(ServiceFailure) -> ObjectEntry {
        guard let bytes = size.flatMap({ Int64($0) }), bytes >= 0 else {
            throw ServiceFailure(.malformed("an object without a length"))
        }
        return ObjectEntry(name: name, size: bytes, modifiedAt: updated.flatMap { Timestamp(iso8601: $0) } ?? .now())
    }

    /// Reads a document of Google's.
    static func read<Document: Decodable>(_ type: Document.Type, _ document: ByteBuffer) throws(ServiceFailure) -> Document {
        do {
            return try JSONDecoder().decode(type, from: Data(document.readableBytesView))
        } catch {
            throw ServiceFailure(.malformed("an answer is not the expected JSON"))
        }
    }
}

/// What we say of an object.
struct GCSResource: Encodable, Sendable {
    var name: String?
    var contentType: String?
    var cacheControl: String?
    var md5Hash: String?
    var crc32c: String?
    var metadata: [String: String]?

    var document: ByteBuffer {
        get throws { ByteBuffer(bytes: try JSONEncoder().encode(self)) }
    }
}

struct GCSListing: Decodable {
    var items: [GCSObject]?
    var nextPageToken: String?
}

struct GCSRewrite: Decodable {
    var done: Bool
    var rewriteToken: String?
}

struct GCSComposition: Encodable {
    struct Source: Encodable { var name: String }

    var sourceObjects: [Source]
    var destination: GCSResource
}
