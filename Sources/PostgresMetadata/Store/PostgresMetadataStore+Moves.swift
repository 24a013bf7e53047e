// SPDX-License-Identifier: Apache-2.0

public import MediaCore

/// Bytes that leave one store for another.
extension PostgresMetadataStore {
    public func countMovableBlobs(of project: BucketID, to backend: BackendID) async throws -> Int64 {
        try await transaction([
            .scope(searchingScope), .run(Self.countMovable, project.rawValue, backend.rawValue),
        ]) { try $0[0].onlyRow().int64(0) }
    }

    public func movableBlobs(
        of project: BucketID, to backend: BackendID, after cursor: MovableBlob.Cursor, limit: Int
    ) async throws -> MovableBlobPage {
        var blobs: [MovableBlob] = []
        if !cursor.isKept {
            let read = Step.run(
                Self.movableObjects, project.rawValue, backend.rawValue, cursor.key, Parameter.int(limit))
            blobs = try await movable(of: project, read)
            if let last = blobs.last, blobs.count == limit {
                return MovableBlobPage(blobs: blobs, next: .init(isKept: false, key: last.address.key.rawValue))
            }
        }
        let start = cursor.isKept ? cursor : MovableBlob.Cursor(isKept: true, key: "")
        let read = Step.run(
            Self.movableVersions, project.rawValue, backend.rawValue, start.key, start.version,
            Parameter.int(limit - blobs.count))
        let kept = try await movable(of: project, read)
        let next = kept.last.map {
            MovableBlob.Cursor(isKept: true, key: $0.address.key.rawValue, version: $0.version.rawValue)
        }
        return MovableBlobPage(blobs: blobs + kept, next: blobs.count + kept.count == limit ? next : nil)
    }

    private func movable(of project: BucketID, _ read: Step) async throws -> [MovableBlob] {
        try await transaction([.scope(searchingScope), read]) { results in
            try results[0].rows.compactMap { row in
                try BlobColumns.read(row, at: 2).map { location in
                    MovableBlob(
                        address: ObjectAddress(bucket: project, key: ObjectKey(stored: try row.string(0))),
                        version: ObjectVersion(stored: try row.string(1)), location: location)
                }
            }
        }
    }

    public func moveBlob(
        _ blob: MovableBlob, to key: BlobKey, in backend: BackendID, keepingSourceFor seconds: Int64
    ) async throws -> Bool {
        let move = Step.run(
            Self.move, blob.address.bucket.rawValue, blob.address.key.rawValue, blob.version.rawValue,
            blob.location.backend.rawValue, blob.location.key.rawValue, backend.rawValue, key.rawValue, Parameter.int(seconds))
        return try await transaction([.scope(system(.upkeep)), move]) { try $0[0].onlyRow().bool(0) }
    }
}

extension PostgresMetadataStore {
    private static let countMovable = SQL(
        "blobs_movable_count",
        """
        SELECT
            (
                SELECT count(*)
                FROM storage.objects AS o
                JOIN magpie.blobs AS l ON l.version = o.version
                WHERE o.bucket_id = $1 AND l.backend <> $2
            ) + (
                SELECT count(*)
                FROM magpie.object_versions AS v
                JOIN magpie.blobs AS l ON l.version = v.version
                WHERE v.bucket_id = $1 AND l.backend <> $2
            )
        """)

    private static let movableObjects = SQL(
        "blobs_movable_objects",
        """
        SELECT o.name, o.version, \(BlobColumns.list)
        FROM storage.objects AS o
        JOIN magpie.blobs AS l ON l.version = o.version
        WHERE o.bucket_id = $1 AND o.name COLLATE "C" > $3 AND l.backend <> $2
        ORDER BY o.name COLLATE "C"
        LIMIT $4::bigint
        """)

    private static let movableVersions = SQL(
        "blobs_movable_versions",
        """
        SELECT v.name, v.version, \(BlobColumns.list)
        FROM magpie.object_versions AS v
        JOIN magpie.blobs AS l ON l.version = v.version
        WHERE v.bucket_id = $1 AND (v.name COLLATE "C", v.version COLLATE "C") > ($3, $4) AND l.backend <> $2
        ORDER BY v.name COLLATE "C", v.version COLLATE "C"
        LIMIT $5::bigint
        """)

    private static let move = SQL(
        "blob_move", "SELECT magpie.move_blob($1, $2, $3, $4, $5, $6, $7, $8::bigint)")
}
