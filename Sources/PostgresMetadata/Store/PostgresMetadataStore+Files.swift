// SPDX-License-Identifier: Apache-2.0

public import MediaCore

/// Reading, listing and changing files.
extension PostgresMetadataStore {
    public func file(_ id: FileID, in project: BucketID, as caller: Caller) async throws -> FileRecord {
        let steps: [Step] = [
            .scope(system(caller.facts)), .run(Self.fileExists, project.rawValue, id.rawValue),
            .scope(scope(caller)), .run(Self.readFile, project.rawValue, id.rawValue),
        ]
        return try await transaction(steps) { results in
            if let row = try results[1].optionalRow() { return try FileColumns.read(row) }
            guard try results[0].optionalRow() != nil else { throw StorageError.fileNotFound(id) }
            throw StorageError(.accessDenied, "Access denied", resource: id.rawValue)
        }
    }

    public func files(matching query: FileQuery, in project: BucketID, as caller: Caller) async throws -> FoundFiles {
        try await mappingErrors {
            try await client.withTransaction(ending: .commit) { transaction in
                // What a caller sees is the database's to say. It is looked for with all indexes, which policies keep from use, and what was
                // found is read as the caller.
                let looks = try await transaction.run([.scope(scope(caller)), .run(Self.fileScope, project.rawValue)])
                let look = try looks[0].onlyRow()
                let (extent, subject) = (try look.string(0), try look.optionalString(1))
                let found = try await transaction.run([
                    .scope(system(caller.facts)), Self.find(query, in: project, extent: extent, subject: subject),
                ])
                guard let head = found[0].rows.first else { throw PostgresError(.unexpectedResult, "a page has no total") }
                let ids = try found[0].rows.dropFirst().map { try $0.string(0) }
                let total = FileTotal(try head.int(1), isExact: try head.bool(2))
                let read = Step.run(Self.readFiles, project.rawValue, Parameter.strings(Array(ids.prefix(query.limit))))
                let rows = try await transaction.finish(with: [.scope(scope(caller)), read])
                return FoundFiles(
                    files: try rows[0].rows.map { try FileColumns.read($0) }, total: total, hasMore: ids.count > query.limit)
            }
        }
    }

    public func updateFile(
        _ id: FileID, patch: FilePatch, in project: BucketID, as caller: Caller,
        checked: @escaping @Sendable (FileRecord) throws -> Void
    ) async throws -> FileRecord {
        try await change(id, in: project, as: caller) { file in
            if let name = patch.originalName { file.originalName = name }
            if let visibility = patch.visibility { file.visibility = visibility }
            if let metadata = patch.metadata { file.metadata = metadata.applied(to: file.metadata) }
            if let subjects = patch.sharedWith { file.sharedWith = Set(subjects).sorted() }
            try checked(file)
        }
    }

    public func changeShares(
        of id: FileID, adding: [String], removing: [String], most: Int, in project: BucketID, as caller: Caller
    ) async throws -> [String] {
        try await change(id, in: project, as: caller) { file in
            let subjects = Set(file.sharedWith).subtracting(removing).union(adding)
            guard subjects.count <= most else { throw StorageError.tooManyShares(most) }
            file.sharedWith = subjects.sorted()
        }.sharedWith
    }

    /// Changes a file, for who may update its object.
    private func change(
        _ id: FileID, in project: BucketID, as caller: Caller, _ change: @escaping @Sendable (inout FileRecord) throws -> Void
    ) async throws -> FileRecord {
        try await mappingErrors {
            try await client.withTransaction(ending: .commit) { transaction in
                // To lock the object takes what it takes to update it.
                let looks = try await transaction.run([
                    .scope(scope(caller)), .run(Self.lockFileObject, project.rawValue, id.rawValue),
                    .scope(lockingSystem(caller.facts)), .run(Self.lockFile, project.rawValue, id.rawValue),
                ])
                guard let row = try looks[1].optionalRow() else { throw StorageError.fileNotFound(id) }
                guard try looks[0].optionalRow() != nil else {
                    throw StorageError(.accessDenied, "Access denied", resource: id.rawValue).refused(
                        .update, on: .objects, caller)
                }
                var file = try FileColumns.read(row)
                try change(&file)
                let write = Step.run(
                    Self.writeFile, id.rawValue, file.originalName, file.visibility.rawValue,
                    Parameter.strings(file.sharedWith), file.metadata.json.rawValue)
                return try FileColumns.read(try await transaction.finish(with: [write])[0].onlyRow())
            }
        }
    }

    public func fileStatistics(of project: BucketID, as caller: Caller) async throws -> FileStatistics {
        let steps: [Step] = [
            .scope(scope(caller)), .run(Self.fileScope, project.rawValue), .run(Self.countOwn, project.rawValue),
            .scope(system(caller.facts)), .run(Self.countAll, project.rawValue),
        ]
        return try await transaction(steps) { results in
            let seesAll = try results[0].onlyRow().string(0) == "all"
            var statistics = FileStatistics()
            for row in (seesAll ? results[2] : results[1]).rows {
                let count = FileCount(files: try row.int64(2), bytes: try row.int64(3))
                guard count.files > 0 else { continue }
                let visibility: FileVisibility = try FileColumns.word(row.string(0))
                let label: FileLabel = try FileColumns.word(row.string(1))
                statistics.byVisibility[visibility] = (statistics.byVisibility[visibility] ?? FileCount()) + count
                statistics.byLabel[label] = (statistics.byLabel[label] ?? FileCount()) + count
            }
            return statistics
        }
    }

    private static func find(_ query: FileQuery, in project: BucketID, extent: String, subject: String?) -> Step {
        var (essence, kind): (String?, String?)
        switch query.mediaType {
        case nil: break
        case .exactly(let type): essence = type
        case .kind(let name): kind = name
        }
        return .run(
            findFiles, project.rawValue, extent, subject, query.visibility?.rawValue, query.ownerKind?.rawValue,
            query.ownerSubject, query.label?.rawValue, essence, kind, query.search, query.order.field.column,
            Parameter.bool(query.order.isAscending), Parameter.int(query.offset), Parameter.int(query.limit + 1),
            Parameter.int(FileTotal.countLimit))
    }
}

extension FileOrder.Field {
    fileprivate var column: String {
        switch self {
        case .createdAt: "created_at"
        case .updatedAt: "updated_at"
        case .originalName: "original_name"
        case .size: "size"
        case .mimeType: "essence"
        case .visibility: "visibility"
        case .id: "id"
        }
    }
}

extension PostgresMetadataStore {
    private static let readFile = SQL(
        "file_read", "SELECT \(FileColumns.list) FROM magpie.files AS f WHERE f.bucket_id = $1 AND f.id = $2::uuid")

    private static let fileExists = SQL(
        "file_exists", "SELECT f.id FROM magpie.files AS f WHERE f.bucket_id = $1 AND f.id = $2::uuid")

    private static let fileScope = SQL("file_scope", "SELECT magpie.file_scope($1), magpie.caller_subject()")

    private static let findFiles = SQL(
        "files_find",
        """
        SELECT f.id, f.total, f.is_exact
        FROM magpie.find_files(
            $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::boolean, $13::bigint, $14::int, $15::int) AS f
        """)

    private static let readFiles = SQL(
        "files_read",
        """
        SELECT \(FileColumns.list)
        FROM unnest($2::uuid[]) WITH ORDINALITY AS w(id, n)
        JOIN magpie.files AS f ON f.id = w.id
        WHERE f.bucket_id = $1
        ORDER BY w.n
        """)

    private static let lockFileObject = SQL(
        "file_object_lock",
        """
        SELECT o.id FROM storage.objects AS o
        WHERE o.id = (SELECT f.object_id FROM magpie.files AS f WHERE f.bucket_id = $1 AND f.id = $2::uuid)
        FOR NO KEY UPDATE
        """)

    private static let lockFile = SQL(
        "file_lock",
        "SELECT \(FileColumns.list) FROM magpie.files AS f WHERE f.bucket_id = $1 AND f.id = $2::uuid FOR NO KEY UPDATE")

    private static let writeFile = SQL(
        "file_write",
        """
        UPDATE magpie.files AS f
        SET original_name = $2, visibility = $3, shared_with = $4::text[], metadata = $5::jsonb, updated_at = now()
        WHERE f.id = $1::uuid
        RETURNING \(FileColumns.list)
        """)

    private static let countAll = SQL(
        "files_count_all",
        """
        SELECT t.visibility, t.label, sum(t.files)::bigint, sum(t.bytes)::bigint
        FROM magpie.file_totals AS t
        WHERE t.bucket_id = $1
        GROUP BY t.visibility, t.label
        """)

    private static let countOwn = SQL(
        "files_count_own",
        """
        SELECT f.visibility, f.label, count(*), sum(f.size)::bigint
        FROM magpie.files AS f
        WHERE f.bucket_id = $1 AND f.owner_id = magpie.caller_subject()
        GROUP BY f.visibility, f.label
        """)
}
