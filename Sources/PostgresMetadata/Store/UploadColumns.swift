// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore

/// The columns of an upload, for a table that the statement calls `u`, and of its parts, for one called `p`.
enum UploadColumns {
    static let list = """
        u.id, u.kind, u.bucket_id, u.name, u.backend, u.multipart, u.owner_id, u.replaces, u.details, u.user_metadata, \
        u.attributes, u.length, u.received, u.md5, u.pieces, u.crc64nvme, u.writer, \
        (extract(epoch FROM u.created_at) * 1000000)::bigint, (extract(epoch FROM u.expires_at) * 1000000)::bigint, \
        (extract(epoch FROM u.completed_at) * 1000000)::bigint, u.role
        """

    static let partList = """
        p.number, p.size, p.tag, p.md5, p.checksums, (extract(epoch FROM p.created_at) * 1000000)::bigint
        """

    static func read(_ row: Row) throws(PostgresError) -> UploadSession {
        let kind = try row.string(1)
        guard let kind = UploadSession.Kind(rawValue: kind) else {
            throw PostgresError(.unexpectedResult, "an upload of the unknown kind \(kind)")
        }
        return UploadSession(
            id: UploadID(try row.string(0)), kind: kind,
            address: ObjectAddress(bucket: BucketID(stored: try row.string(2)), key: ObjectKey(stored: try row.string(3))),
            backend: BackendID(try row.string(4)), multipart: MultipartID(try row.string(5)), ownerID: try row.optionalString(6),
            role: try row.optionalString(20), mode: try row.bool(7) ? .replace : .create,
            details: ObjectMetadata(parsing: try row.json(8)),
            userMetadata: try row.optionalJSON(9), attributes: try row.json(10), length: try row.optionalInt64(11),
            offset: try row.int64(12),
            digest: UploadDigest(md5: try row.string(13), pieces: try row.int(14), crc64nvme: try row.string(15)),
            writer: try row.int64(16), createdAt: try row.timestamp(17), expiresAt: try row.optionalTimestamp(18),
            completedAt: try row.optionalTimestamp(19))
    }

    static func readPart(_ row: Row) throws -> UploadPart {
        UploadPart(
            blob: BlobPart(
                number: try PartNumber(try row.int(0)), size: try row.int64(1), tag: try row.string(2)),
            md5: try row.optionalString(3), checksums: StringMap.read(try row.json(4)), createdAt: try row.timestamp(5))
    }
}

/// A JSON object whose values are text.
enum StringMap {
    static func text(_ map: [String: String]) -> String {
        JSONWriter.object { writer in
            for (name, value) in map.sorted(by: { $0.key < $1.key }) { writer.field(name, value) }
        }
    }

    /// Members of other kinds are left out.
    static func read(_ json: JSONText) -> [String: String] {
        guard let value = try? JSONSerialization.jsonObject(with: Data(json.rawValue.utf8)),
            let members = value as? [String: Any]
        else { return [:] }
        return members.compactMapValues { $0 as? String }
    }
}
