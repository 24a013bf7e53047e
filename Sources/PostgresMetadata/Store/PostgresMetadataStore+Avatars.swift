// SPDX-License-Identifier: Apache-2.0

public import MediaCore

/// Pictures of users, as system.
extension PostgresMetadataStore {
    public func avatar(of subject: String, in project: BucketID, facts: RequestFacts) async throws -> FileRecord? {
        try await transaction([.scope(system(facts)), .run(Self.readAvatar, project.rawValue, subject)]) {
            try $0[0].optionalRow().map { try FileColumns.read($0) }
        }
    }

    public func setAvatar(
        _ id: FileID?, of subject: String, in project: BucketID, facts: RequestFacts
    ) async throws -> FileID? {
        guard let id else {
            return try await transaction([.scope(system(facts)), .run(Self.deleteAvatar, project.rawValue, subject)]) {
                try $0[0].optionalRow().map { FileID(stored: try $0.string(0)) }
            }
        }
        let steps: [Step] = [
            .scope(system(facts)), .run(Self.lockAvatar, project.rawValue, subject),
            .run(Self.writeAvatar, project.rawValue, subject, id.rawValue),
        ]
        return try await transaction(steps) { results in
            guard try results[1].optionalRow() != nil else { throw StorageError.fileNotFound(id) }
            let former = try results[0].optionalRow().map { FileID(stored: try $0.string(0)) }
            return former == id ? nil : former
        }
    }
}

extension PostgresMetadataStore {
    private static let readAvatar = SQL(
        "avatar_read",
        """
        SELECT \(FileColumns.list)
        FROM magpie.avatars AS a
        JOIN magpie.files AS f ON f.id = a.file_id AND f.bucket_id = a.bucket_id
        WHERE a.bucket_id = $1 AND a.subject = $2
        """)

    private static let lockAvatar = SQL(
        "avatar_lock", "SELECT a.file_id FROM magpie.avatars AS a WHERE a.bucket_id = $1 AND a.subject = $2 FOR UPDATE")

    private static let writeAvatar = SQL(
        "avatar_write",
        """
        INSERT INTO magpie.avatars (bucket_id, subject, file_id)
        SELECT f.bucket_id, $2, f.id FROM magpie.files AS f WHERE f.bucket_id = $1 AND f.id = $3::uuid
        ON CONFLICT (bucket_id, subject) DO UPDATE SET file_id = excluded.file_id
        RETURNING file_id
        """)

    private static let deleteAvatar = SQL(
        "avatar_delete", "DELETE FROM magpie.avatars AS a WHERE a.bucket_id = $1 AND a.subject = $2 RETURNING a.file_id")
}
