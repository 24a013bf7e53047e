// SPDX-License-Identifier: Apache-2.0

public import MediaCore

extension PostgresMetadataStore {
    /// The most entries of one page of `objects(matching:in:as:)`.
    static let pageCap = 1000

    public func folder(_ query: FolderQuery, in bucket: BucketID, as caller: Caller) async throws -> [ListEntry] {
        let steps: [Step] = [
            .scope(scope(caller)),
            .run(
                Self.searchFolder, query.prefix, bucket.rawValue, Parameter.int(query.limit), Parameter.int(query.offset),
                query.search,
                query.sortColumn.rawValue, query.order.rawValue),
        ]
        return try await transaction(steps) { try $0[0].rows.map { try ListEntry($0) } }
    }

    public func objects(matching query: ListQuery, in bucket: BucketID, as caller: Caller) async throws -> ObjectPage {
        let place = ListPlace(query)
        let limit = max(0, min(query.limit, Self.pageCap))
        let steps: [Step] = [.scope(scope(caller)), place.statement(in: bucket, limit: limit + 1)]
        let entries = try await transaction(steps) { try $0[0].rows.map { try ListEntry($0) } }
        let page = Array(entries.prefix(limit))
        let next = entries.count > limit ? page.last.map(place.cursor) ?? query.after : nil
        return ObjectPage(entries: page, next: next)
    }

    private static let searchFolder = SQL(
        "folder_search",
        """
        SELECT s.name, s.id, s.metadata, \(ListColumns.times("s"))
        FROM storage.search($1, $2, $3::int, 1, $4::int, $5, $6, $7) AS s
        """)
}

/// The columns of a listing after its name, id and metadata.
private enum ListColumns {
    static func times(_ table: String) -> String {
        ["created_at", "updated_at", "last_accessed_at"]
            .map { "(extract(epoch FROM \(table).\($0)) * 1000000)::bigint" }.joined(separator: ", ")
    }
}

extension ListEntry {
    fileprivate init(_ row: Row) throws(PostgresError) {
        self.init(
            name: try row.string(0), id: try row.optionalString(1).map { ObjectID(stored: $0) },
            metadata: try row.optionalJSON(2),
            createdAt: try row.optionalTimestamp(3), updatedAt: try row.optionalTimestamp(4),
            lastAccessedAt: try row.optionalTimestamp(5))
    }
}

/// Where a page begins and in which order it goes on. A cursor brings its own order.
private struct ListPlace {
    let query: ListQuery
    let column: ListQuery.Column
    let order: SortOrder

    init(_ query: ListQuery) {
        self.query = query
        self.column = query.after?.sortColumn ?? query.sortColumn
        self.order = query.after?.order ?? query.order
    }

    func statement(in bucket: BucketID, limit: Int) -> Step {
        let folds = query.foldsFolders
        guard column == .name else {
            // NULL sorts last, as in Postgres, under a number that no time reaches.
            let place = query.after.map { $0.milliseconds ?? .max }
            return .run(
                Self.byTime(column, order), bucket.rawValue, query.prefix, Parameter.bool(folds), Parameter.int(place),
                query.after?.name, Parameter.int(limit))
        }
        switch (order, folds) {
        case (.ascending, false): return .run(Self.flatAscending, bucket.rawValue, query.prefix, lowerBound, Parameter.int(limit))
        case (.ascending, true):
            return .run(Self.foldedAscending, bucket.rawValue, query.prefix, lowerBound, Parameter.int(limit))
        case (.descending, false):
            return .run(Self.flatDescending, bucket.rawValue, query.prefix, query.after?.name, Parameter.int(limit))
        case (.descending, true):
            return .run(Self.foldedDescending, bucket.rawValue, query.prefix, query.after?.name, Parameter.int(limit))
        }
    }

    func cursor(_ entry: ListEntry) -> ListQuery.Cursor {
        let time: Timestamp? =
            switch column {
            case .name: nil
            case .createdAt: entry.createdAt
            case .updatedAt: entry.isFolder ? entry.createdAt : entry.updatedAt
            }
        return ListQuery.Cursor(name: entry.name, sortColumn: column, order: order, milliseconds: time?.milliseconds)
    }

    /// The first key that a page in ascending order may hold.
    private var lowerBound: String {
        guard let last = query.after?.name else { return query.prefix }
        // "0" follows "/": the first key behind a folder. U+0001 is the smallest character a key can have: the first key behind a key.
        let next = endsInFolder(last) ? last.dropLast() + "0" : last + "\u{1}"
        return query.prefix.utf8.lexicographicallyPrecedes(next.utf8) ? next : query.prefix
    }

    private func endsInFolder(_ name: String) -> Bool {
        query.foldsFolders && name.utf8.last == UInt8(ascii: "/") && name.utf8.count > query.prefix.utf8.count
    }
}

extension ListPlace {
    private static let columns = "o.name, o.id, o.metadata, \(ListColumns.times("o"))"
    /// A folder has no times in a listing by name.
    private static let folded = "e.name, e.id, e.metadata, \(ListColumns.times("e"))"

    private static let flatAscending = SQL(
        "list_flat_asc",
        """
        SELECT \(columns)
        FROM storage.objects AS o
        WHERE o.bucket_id = $1 AND o.name COLLATE "C" >= $3
            AND o.name COLLATE "C" < magpie.key_bound($2)
        ORDER BY o.name COLLATE "C"
        LIMIT $4::bigint
        """)

    private static let flatDescending = SQL(
        "list_flat_desc",
        """
        SELECT \(columns)
        FROM storage.objects AS o
        WHERE o.bucket_id = $1 AND o.name COLLATE "C" >= $2
            AND o.name COLLATE "C"
                < least(magpie.key_bound($2) COLLATE "C", $3 COLLATE "C")
        ORDER BY o.name COLLATE "C" DESC
        LIMIT $4::bigint
        """)

    private static let foldedAscending = SQL(
        "list_folded_asc", "SELECT \(folded) FROM magpie.level_ascending($1, $2, '/', $3, $4::bigint) AS e")

    // An argument's collation would become that of every text in the function.
    private static let foldedDescending = SQL(
        "list_folded_desc",
        """
        SELECT \(folded)
        FROM magpie.level_descending(
            $1, $2, '/',
            least(magpie.key_bound($2) COLLATE "C", $3 COLLATE "C") COLLATE "default",
            $4::bigint) AS e
        """)

    /// No index serves a time: everything below the prefix is read. A folder is as old as the oldest object below it.
    private static func byTime(_ column: ListQuery.Column, _ order: SortOrder) -> SQL {
        let comparison = order == .ascending ? ">" : "<"
        return SQL(
            "list_time_\(column.rawValue)_\(order.rawValue)",
            """
            WITH below AS (
                SELECT o.*, CASE WHEN $3::boolean THEN position('/' IN substr(o.name, char_length($2) + 1)) ELSE 0 END AS cut
                FROM storage.objects AS o
                WHERE o.bucket_id = $1 AND o.name COLLATE "C" >= $2
                    AND o.name COLLATE "C" < magpie.key_bound($2)
            ), entries AS (
                SELECT left(b.name, char_length($2) + b.cut) AS name, NULL::uuid AS id, NULL::jsonb AS metadata,
                    min(b.created_at) AS created_at, NULL::timestamptz AS updated_at, NULL::timestamptz AS last_accessed_at,
                    min(b.created_at) AS place
                FROM below AS b
                WHERE b.cut > 0
                GROUP BY 1
                UNION ALL
                SELECT b.name, b.id, b.metadata, b.created_at, b.updated_at, b.last_accessed_at, b.\(column.rawValue)
                FROM below AS b
                WHERE b.cut = 0
            ), placed AS (
                SELECT e.*, coalesce(floor(extract(epoch FROM e.place) * 1000)::bigint, 9223372036854775807) AS milliseconds
                FROM entries AS e
            )
            SELECT p.name, p.id, p.metadata, \(ListColumns.times("p"))
            FROM placed AS p
            WHERE $4::bigint IS NULL OR (p.milliseconds, p.name COLLATE "C") \(comparison) ($4::bigint, $5)
            ORDER BY p.milliseconds \(order.rawValue), p.name COLLATE "C" \(order.rawValue)
            LIMIT $6::bigint
            """)
    }
}
