// SPDX-License-Identifier: Apache-2.0

public import MediaCore

/// Reading and listing assets.
extension PostgresMetadataStore {
    public func asset(_ name: String, in project: BucketID, as caller: Caller) async throws -> Asset {
        let steps: [Step] = [
            .scope(system(caller.facts)), .run(Self.readTotals, project.rawValue),
            .scope(scope(caller)), Self.read(name, in: project),
        ]
        let asset = try await transaction(steps) { results in
            guard try results[0].optionalRow() != nil else { throw StorageError.bucketNotFound(project) }
            return try results[1].optionalRow().map { try AssetColumns.read($0) }
        }
        guard let asset else { throw StorageError.assetNotFound(name) }
        return asset
    }

    public func assetAddress(_ name: String, in project: BucketID, facts: RequestFacts) async throws -> ObjectAddress? {
        let sql = AssetID.isID(name) ? Self.findByID : Self.findByPublicID
        return try await transaction([.scope(system(facts)), .run(sql, project.rawValue, name)]) {
            try $0[0].optionalRow().map { ObjectAddress(bucket: project, key: ObjectKey(stored: try $0.string(0))) }
        }
    }

    public func assets(matching query: AssetQuery, in project: BucketID, as caller: Caller) async throws -> AssetPage {
        try await mappingErrors {
            try await client.withTransaction(ending: .commit) { transaction in
                // Whether policies hide anything is the database's to say; where they don't, the indexes for texts can be used.
                let looks = try await transaction.run([
                    .scope(system(caller.facts)), .run(Self.readTotals, project.rawValue),
                    .scope(scope(caller)), .run(Self.seesAll, project.rawValue),
                ])
                guard let totals = try looks[0].optionalRow() else { throw StorageError.bucketNotFound(project) }
                let seesAll = try looks[1].onlyRow().bool(0)
                var known: Int?
                if seesAll, !query.isFiltered { known = try totals.int(query.includesDerived ? 1 : 0) }
                let find = Self.find(query, in: project, seesAll: seesAll, counts: known == nil)
                let results = try await transaction.finish(with: [
                    .scope(seesAll ? system(caller.facts) : scope(caller)), find,
                ])
                return try AssetPage(results[0], limit: query.limit, total: known)
            }
        }
    }

    public func derivedAssets(of id: AssetID, in project: BucketID, as caller: Caller) async throws -> [Asset] {
        try await transaction([.scope(scope(caller)), .run(Self.readDerived, project.rawValue, id.rawValue)]) {
            try $0[0].rows.map { try AssetColumns.read($0) }.sorted { DerivationOrder.precedes($0, $1) }
        }
    }

    public func adoptObjects(after key: ObjectKey?, limit: Int, in project: BucketID) async throws -> ObjectKey? {
        let steps: [Step] = [
            .scope(system(.upkeep)), .run(Self.adopt, project.rawValue, key?.rawValue, Parameter.int(limit)),
        ]
        return try await transaction(steps) { try $0[0].onlyRow().optionalString(0).map { ObjectKey(stored: $0) } }
    }

    static func read(_ name: String, in project: BucketID) -> Step {
        .run(AssetID.isID(name) ? readByID : readByPublicID, project.rawValue, name)
    }

    private static func find(_ query: AssetQuery, in project: BucketID, seesAll: Bool, counts: Bool) -> Step {
        .run(
            Self.findAssets, project.rawValue, Parameter.int(query.limit + 1), query.after?.place, query.folder?.rawValue,
            query.category, Parameter.bool(query.isVideo), Parameter.bool(query.includesDerived), query.search.nonEmpty,
            query.keyword.nonEmpty, query.author.nonEmpty, Parameter.bool(seesAll),
            counts ? Parameter.int(query.hasTexts ? AssetPage.searchCountLimit : AssetPage.countLimit) : nil)
    }
}

extension AssetPage {
    /// - Parameter total: nil where the first row says it.
    fileprivate init(_ result: ResultSet, limit: Int, total: Int?) throws(PostgresError) {
        guard let head = result.rows.first else { throw PostgresError(.unexpectedResult, "a page has no total") }
        var assets: [Asset] = []
        for row in result.rows.dropFirst() where try !row.isNull(1) { assets.append(try AssetColumns.read(row, at: 1)) }
        let count: Int
        if let total { count = total } else { count = try head.int(0) }
        // Counted a moment earlier.
        self.init(assets: Array(assets.prefix(limit)), hasMore: assets.count > limit, total: max(count, min(assets.count, limit)))
    }
}

extension AssetQuery {
    /// Whether it asks for less than everything, or everything and what is derived.
    fileprivate var isFiltered: Bool { hasTexts || category != nil || isVideo != nil || folder != nil }

    /// Whether it asks for parts of texts.
    fileprivate var hasTexts: Bool { [search, keyword, author].contains { !($0 ?? "").isEmpty } }
}

extension AssetID {
    /// What lists are sorted by, as the column of that name: the time first, whatever the prefix.
    fileprivate var place: String { "\(rawValue.dropFirst(4))\(rawValue.prefix(4))" }
}

extension String? {
    fileprivate var nonEmpty: String? { flatMap { $0.isEmpty ? nil : $0 } }
}

extension StorageError {
    static func assetNotFound(_ name: String) -> StorageError {
        StorageError(.objectNotFound, "Object not found", resource: name)
    }
}

extension PostgresMetadataStore {
    // How many assets lists show, without and with derived ones. No row where there is no such project.
    private static let readTotals = SQL(
        "assets_totals",
        """
        SELECT coalesce(sum(t.listed), 0)::bigint, coalesce(sum(t.listed + t.derived), 0)::bigint
        FROM magpie.projects AS p
        LEFT JOIN magpie.project_totals AS t ON t.bucket_id = p.bucket_id
        WHERE p.bucket_id = $1
        GROUP BY p.bucket_id
        """)

    private static let seesAll = SQL("assets_sees_all", "SELECT magpie.sees_all_assets($1)")

    private static let joined = """
        FROM magpie.assets AS a JOIN storage.objects AS o ON o.id = a.object_id AND o.bucket_id = a.bucket_id
        """

    private static let readByID = SQL(
        "asset_by_id", "SELECT \(AssetColumns.list) \(joined) WHERE a.bucket_id = $1 AND a.id = $2")
    private static let readByPublicID = SQL(
        "asset_by_public_id", "SELECT \(AssetColumns.list) \(joined) WHERE a.bucket_id = $1 AND a.public_id = $2")
    private static let findByID = SQL("asset_key_by_id", "SELECT o.name \(joined) WHERE a.bucket_id = $1 AND a.id = $2")
    private static let findByPublicID = SQL(
        "asset_key_by_public_id", "SELECT o.name \(joined) WHERE a.bucket_id = $1 AND a.public_id = $2")
    private static let readDerived = SQL(
        "assets_derived", "SELECT \(AssetColumns.list) \(joined) WHERE a.bucket_id = $1 AND a.source_id = $2")

    private static let findAssets = SQL(
        "assets_find",
        """
        SELECT f.total, \(AssetColumns.list)
        FROM magpie.find_assets($1, $2::int, $3, $4, $5, $6::boolean, $7::boolean, $8, $9, $10, $11::boolean, $12::int)
            WITH ORDINALITY AS f(object_id, total, n)
        LEFT JOIN magpie.assets AS a ON a.object_id = f.object_id
        LEFT JOIN storage.objects AS o ON o.id = a.object_id AND o.bucket_id = a.bucket_id
        WHERE f.object_id IS NULL OR o.id IS NOT NULL
        ORDER BY f.n
        """)

    private static let adopt = SQL("assets_adopt", "SELECT magpie.adopt_objects($1, $2, $3::int)")
}
