// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// The columns of an asset, for a table that the statement calls `a` with its object as `o`, and how they are read.
enum AssetColumns {
    static let list = """
        a.id, a.bucket_id, o.name, a.inspected_version, a.public_id, a.file_name, a.kind, a.media_type, a.size, a.width, a.height, \
        a.orientation, a.duration, a.has_audio, a.codec, a.name, a.description, a.caption, a.category, a.folder, a.author, \
        a.copyright_holder, a.copyright_year, a.license, a.location_name, a.latitude, a.longitude, a.keywords, \
        \(time("a.date_created")), \(time("a.date_published")), a.representative_of_page, a.tags, a.custom_id, a.exif, a.source_id, \
        a.derivation_type, a.thumbnail_id, \(time("a.uploaded_at")), \(time("a.modified_at"))
        """
    static let count = 39

    private static func time(_ column: String) -> String { "(extract(epoch FROM \(column)) * 1000000)::bigint" }

    static func read(_ row: Row, at start: Int = 0) throws(PostgresError) -> Asset {
        var cursor = Cursor(row: row, column: start)
        return try cursor.asset()
    }

    /// Reads column after column.
    private struct Cursor {
        let row: Row
        var column: Int

        private mutating func next() -> Int {
            defer { column += 1 }
            return column
        }

        private mutating func text() throws(PostgresError) -> String? { try row.optionalString(next()) }
        private mutating func number() throws(PostgresError) -> Double? { try row.optionalDouble(next()) }
        private mutating func flag() throws(PostgresError) -> Bool? { try row.optionalBool(next()) }
        private mutating func time() throws(PostgresError) -> Timestamp? { try row.optionalTimestamp(next()) }
        private mutating func map() throws(PostgresError) -> [String: String] { StringMap.read(try row.json(next())) }
        private mutating func year() throws(PostgresError) -> Int? { try row.optionalInt64(next()).map { Int($0) } }

        mutating func asset() throws(PostgresError) -> Asset {
            let id = AssetID(stored: try row.string(next()))
            let bucket = BucketID(stored: try row.string(next()))
            let address = ObjectAddress(bucket: bucket, key: ObjectKey(stored: try row.string(next())))
            let version = try text().map { ObjectVersion(stored: $0) }
            let (publicID, fileName) = (try text(), try text())
            let facts = try facts()
            let details = try details()
            let exif = try map()
            let (source, derivation, thumbnail) = (try text(), try text(), try text())
            return Asset(
                id: id, address: address, inspectedVersion: version, publicID: publicID, originalFileName: fileName, facts: facts,
                details: details, exif: exif,
                origin: source.flatMap { source in derivation.map { Derivation(source: AssetID(stored: source), type: $0) } },
                thumbnailID: thumbnail.map { AssetID(stored: $0) }, uploadedAt: try row.timestamp(next()),
                modifiedAt: try row.timestamp(next()))
        }

        private mutating func facts() throws(PostgresError) -> AssetFacts {
            guard let kind = AssetKind(rawValue: try row.string(next())) else {
                throw PostgresError(.unexpectedResult, "column \(column - 1) is no kind of asset")
            }
            return AssetFacts(
                kind: kind, mediaType: try row.string(next()), size: try row.int64(next()), width: try row.int(next()),
                height: try row.int(next()), orientation: try row.int(next()), duration: try number(), hasAudio: try flag(),
                codec: try text())
        }

        private mutating func details() throws(PostgresError) -> AssetDetails {
            AssetDetails(
                name: try text(), description: try text(), caption: try text(), category: try text(),
                folder: FolderPath(stored: try row.string(next())), author: try text(), copyrightHolder: try text(),
                copyrightYear: try year(), license: try text(), locationName: try text(), latitude: try number(),
                longitude: try number(), keywords: try row.strings(next()), dateCreated: try time(), datePublished: try time(),
                representativeOfPage: try flag(), tags: try map(), customID: try text())
        }
    }
}

/// Changes of an asset as a statement takes them: a JSON object of those that there are.
enum AssetChangesColumns {
    private static let texts = [
        "name", "description", "caption", "category", "author", "copyright_holder", "license", "location_name", "custom_id",
    ]
    private static let others = [
        ("folder", "c.changes ->> 'folder'"),
        ("copyright_year", "(c.changes ->> 'copyright_year')::int"),
        ("latitude", "(c.changes ->> 'latitude')::double precision"),
        ("longitude", "(c.changes ->> 'longitude')::double precision"),
        (
            "keywords",
            "ARRAY(SELECT k FROM jsonb_array_elements_text(c.changes -> 'keywords') WITH ORDINALITY AS l(k, n) ORDER BY n)"
        ),
        ("date_created", time("date_created")), ("date_published", time("date_published")),
        ("representative_of_page", "(c.changes ->> 'representative_of_page')::boolean"),
        ("tags", "c.changes -> 'tags'"),
    ]

    /// The assignments of an UPDATE of a table `a`, with the JSON as `c.changes`. An empty text is none. All but EXIF.
    static let assignments =
        (texts.map { ($0, "nullif(c.changes ->> '\($0)', '')") } + others)
        .map { "\($0) = CASE WHEN c.changes ? '\($0)' THEN \($1) ELSE a.\($0) END" }.joined(separator: ", ")

    private static func time(_ name: String) -> String {
        "timestamptz 'epoch' + (c.changes ->> '\(name)')::bigint * interval '1 microsecond'"
    }

    static func json(_ changes: AssetChanges) -> String {
        JSONWriter.object { writer in
            let texts = [
                changes.name, changes.description, changes.caption, changes.category, changes.author, changes.copyrightHolder,
                changes.license, changes.locationName, changes.customID,
            ]
            for (name, text) in zip(Self.texts, texts) { if let text { writer.field(name, text) } }
            if let folder = changes.folder { writer.field("folder", folder.rawValue) }
            if let year = changes.copyrightYear { writer.field("copyright_year", Int64(year)) }
            // The shortest text that is read as the same number; what is no number was refused before.
            if let latitude = changes.latitude { writer.field("latitude", "\(latitude)") }
            if let longitude = changes.longitude { writer.field("longitude", "\(longitude)") }
            if let keywords = changes.keywords {
                writer.key("keywords")
                writer.array(keywords) { $0.string($1) }
            }
            if let date = changes.dateCreated { writer.field("date_created", date.microseconds) }
            if let date = changes.datePublished { writer.field("date_published", date.microseconds) }
            if let flag = changes.representativeOfPage { writer.field("representative_of_page", flag) }
            if let tags = changes.tags { writer.field("tags", JSONText(trusted: StringMap.text(tags))) }
        }
    }
}
