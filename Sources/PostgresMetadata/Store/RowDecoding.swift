// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore

/// The columns of a bucket, for a table that the statement calls `b`, and how they are read.
enum BucketColumns {
    static let count = 9
    static let list = """
        b.id, b.name, coalesce(b.owner_id, b.owner::text), coalesce(b.public, false), b.file_size_limit, b.allowed_mime_types, \
        b.type::text, (extract(epoch FROM b.created_at) * 1000000)::bigint, (extract(epoch FROM b.updated_at) * 1000000)::bigint
        """

    static func read(_ row: Row, at start: Int = 0) throws(PostgresError) -> Bucket {
        Bucket(
            id: BucketID(stored: try row.string(start)), name: try row.string(start + 1),
            owner: try row.optionalString(start + 2),
            isPublic: try row.bool(start + 3), fileSizeLimit: try row.optionalInt64(start + 4),
            allowedMimeTypes: try row.optionalStrings(start + 5), type: try row.string(start + 6),
            createdAt: try row.optionalTimestamp(start + 7), updatedAt: try row.optionalTimestamp(start + 8))
    }
}

/// The columns of an object, for a table that the statement calls `o`, and how they are read.
enum ObjectColumns {
    static let count = 11
    static let list = """
        o.id, o.bucket_id, o.name, o.version, o.owner, o.owner_id, o.metadata, o.user_metadata, \
        (extract(epoch FROM o.created_at) * 1000000)::bigint, (extract(epoch FROM o.updated_at) * 1000000)::bigint, \
        (extract(epoch FROM o.last_accessed_at) * 1000000)::bigint
        """

    static func read(_ row: Row, at start: Int = 0) throws(PostgresError) -> ObjectRecord {
        ObjectRecord(
            id: ObjectID(stored: try row.string(start)),
            // Both columns may be NULL in a database that came from elsewhere; such a row has no address and is never asked for by it.
            address: ObjectAddress(
                bucket: BucketID(stored: try row.optionalString(start + 1) ?? ""),
                key: ObjectKey(stored: try row.optionalString(start + 2) ?? "")),
            version: try row.optionalString(start + 3).map { ObjectVersion(stored: $0) },
            owner: try row.optionalString(start + 4),
            ownerID: try row.optionalString(start + 5), metadata: try row.optionalJSON(start + 6),
            userMetadata: try row.optionalJSON(start + 7), createdAt: try row.optionalTimestamp(start + 8),
            updatedAt: try row.optionalTimestamp(start + 9), lastAccessedAt: try row.optionalTimestamp(start + 10))
    }

    /// The deprecated `owner` column: the subject, where it is a UUID.
    static func owner(of subject: String?) -> String? {
        subject.flatMap { UUID(uuidString: $0)?.uuidString.lowercased() }
    }
}

/// The columns of a blob's location, for a table that the statement calls `l`, and how they are read.
enum BlobColumns {
    static let count = 7
    static let list = "l.backend, l.key, l.size, l.md5, l.checksums, l.is_versioned, l.parts"

    static func read(_ row: Row, at start: Int) throws(PostgresError) -> BlobLocation? {
        guard let backend = try row.optionalString(start) else { return nil }
        return BlobLocation(
            backend: BackendID(backend), key: BlobKey(try row.string(start + 1)), size: try row.int64(start + 2),
            md5: try row.optionalString(start + 3), checksums: StringMap.read(try row.optionalJSON(start + 4) ?? .emptyObject),
            parts: try row.optionalString(start + 6).flatMap(PartLayout.init(text:)))
    }

    /// Whether the version has an id of its own.
    static func isVersioned(_ row: Row, at start: Int) throws(PostgresError) -> Bool {
        try row.optionalBool(start + 5) ?? false
    }
}
