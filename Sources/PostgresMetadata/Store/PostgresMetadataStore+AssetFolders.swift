// SPDX-License-Identifier: Apache-2.0

public import MediaCore

/// The folders of projects.
extension PostgresMetadataStore {
    public func folders(in project: BucketID, as caller: Caller) async throws -> [FolderPath] {
        let paths = try await mappingErrors {
            try await client.withTransaction(ending: .commit) { transaction in
                let looks = try await transaction.run([
                    .scope(scope(caller)), .run(Self.seesAllFolders, project.rawValue),
                ])
                let scope = try looks[0].onlyRow().bool(0) ? system(caller.facts) : scope(caller)
                let results = try await transaction.finish(with: [.scope(scope), .run(Self.readFolders, project.rawValue)])
                return try results[0].rows.map { FolderPath(stored: try $0.string(0)) }
            }
        }
        return Set(paths.flatMap(\.ancestry)).sorted()
    }

    public func createFolder(_ path: FolderPath, in project: BucketID, as caller: Caller) async throws {
        let paths = Parameter.strings(path.ancestry.map(\.rawValue))
        _ = try await changeFolders(of: project, as: caller, .run(Self.writeFolders, project.rawValue, paths))
    }

    public func deleteFolder(
        _ path: FolderPath, limit: Int, in project: BucketID, as caller: Caller
    ) async throws -> Bool {
        guard !path.isRoot else { return false }
        let delete = Step.run(Self.deleteFolder, project.rawValue, path.rawValue, Parameter.int(limit))
        return try await changeFolders(of: project, as: caller, delete).onlyRow().bool(0)
    }

    public func unfileAssets(
        of path: FolderPath, unchangedSince time: Timestamp, limit: Int, in project: BucketID
    ) async throws -> Int {
        guard !path.isRoot else { return 0 }
        let unfile = Step.run(
            Self.unfileAssets, project.rawValue, path.rawValue, Parameter.timestamp(time), Parameter.int(limit))
        return try await transaction([.scope(system(.upkeep)), unfile]) { try $0[0].onlyRow().int(0) }
    }

    /// Runs a write as system, under a lock on the bucket that only those get who may update it, or as keys and members write its objects.
    private func changeFolders(of project: BucketID, as caller: Caller, _ write: Step) async throws -> ResultSet {
        try await mappingErrors(about: .bucket(project)) {
            try await client.withTransaction(ending: .commit) { transaction in
                let looks = try await transaction.run([
                    .scope(lockingSystem(caller.facts)), .run(Self.findProject, project.rawValue),
                    .scope(scope(caller)), .run(Self.lockBucket, project.rawValue), .run(Self.findBucket, project.rawValue),
                    .run(Self.mayWrite, project.rawValue),
                ])
                guard try looks[0].optionalRow() != nil, try looks[2].optionalRow() != nil else {
                    throw StorageError.bucketNotFound(project)
                }
                let mayWrite = try looks[3].onlyRow().bool(0)
                guard try looks[1].optionalRow() != nil || mayWrite else {
                    throw StorageError(.accessDenied, "Access denied", resource: project.rawValue)
                        .refused(.update, on: .buckets, caller)
                }
                return try await transaction.finish(with: [
                    .scope(lockingSystem(caller.facts)), .run(Self.lockBucket, project.rawValue), write,
                ])[1]
            }
        }
    }
}

extension PostgresMetadataStore {
    private static let seesAllFolders = SQL("folders_sees_all", "SELECT magpie.sees_all_assets($1)")

    // From one folder to the next: how many assets lie in it does not matter.
    private static let readFolders = SQL(
        "folders_read",
        """
        WITH RECURSIVE used(path) AS (
            (
                SELECT a.folder FROM magpie.assets AS a
                WHERE a.bucket_id = $1 AND a.folder > '' AND a.kind <> 'other'
                ORDER BY a.folder
                LIMIT 1
            )
            UNION ALL
            SELECT (
                SELECT a.folder FROM magpie.assets AS a
                WHERE a.bucket_id = $1 AND a.folder > u.path AND a.kind <> 'other'
                ORDER BY a.folder
                LIMIT 1
            )
            FROM used AS u
            WHERE u.path IS NOT NULL
        )
        SELECT u.path FROM used AS u WHERE u.path IS NOT NULL
        UNION
        SELECT f.path FROM magpie.folders AS f WHERE f.bucket_id = $1
        """)

    private static let findProject = SQL(
        "folders_project", "SELECT p.bucket_id FROM magpie.projects AS p WHERE p.bucket_id = $1")
    private static let lockBucket = SQL(
        "folders_lock", "SELECT b.id FROM storage.buckets AS b WHERE b.id = $1 FOR NO KEY UPDATE")
    private static let mayWrite = SQL("folders_may_write", "SELECT $1 = ANY (magpie.caller_writable_projects())")
    private static let findBucket = SQL("folders_find", "SELECT b.id FROM storage.buckets AS b WHERE b.id = $1")

    private static let writeFolders = SQL(
        "folders_write",
        """
        INSERT INTO magpie.folders (bucket_id, path) SELECT $1, p FROM unnest($2::text[]) AS p
        ON CONFLICT DO NOTHING
        """)

    private static let deleteFolder = SQL("folder_delete", "SELECT magpie.delete_folder($1, $2, $3::int)")
    private static let unfileAssets = SQL(
        "assets_unfile",
        """
        SELECT magpie.unfile_assets($1, $2, timestamptz 'epoch' + $3::bigint * interval '1 microsecond', $4::int)
        """)
}
