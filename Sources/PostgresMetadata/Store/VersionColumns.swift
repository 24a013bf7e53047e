// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// The columns of a version that is not current, for a table that the statement calls `v`. They begin as an object's do.
enum VersionColumns {
    static let count = ObjectColumns.count + 3
    static let list = """
        coalesce(v.object_id, '00000000-0000-0000-0000-000000000000'), v.bucket_id, v.name, v.version, v.owner, v.owner_id, \
        v.metadata, v.user_metadata, (extract(epoch FROM v.created_at) * 1000000)::bigint, \
        (extract(epoch FROM v.updated_at) * 1000000)::bigint, NULL, v.is_null, v.is_delete_marker, v.sequence
        """

    /// What clients call the version.
    static func id(_ row: Row) throws(PostgresError) -> VersionID {
        try row.bool(ObjectColumns.count) ? .null : .id(ObjectVersion(stored: try row.string(3)))
    }

    static func isMarker(_ row: Row) throws(PostgresError) -> Bool { try row.bool(ObjectColumns.count + 1) }

    static func sequence(_ row: Row) throws(PostgresError) -> Int64 { try row.int64(ObjectColumns.count + 2) }
}
