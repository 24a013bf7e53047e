// SPDX-License-Identifier: Apache-2.0

public import MediaCore

/// Writing down what is known and said of assets.
extension PostgresMetadataStore {
    public func recordAsset(_ record: AssetRecord, facts: RequestFacts) async throws -> Asset? {
        do {
            return try await self.record(record, namedApart: false, facts: facts)
        } catch let error as StorageError where Self.isTakenName(error) {
            // By an asset that was given exactly this name, number and all.
            return try await self.record(record, namedApart: true, facts: facts)
        }
    }

    /// - Parameter namedApart: whether the public id is given by a statement of its own, which tries until one is free.
    private func record(_ record: AssetRecord, namedApart: Bool, facts: RequestFacts) async throws -> Asset? {
        let (bucket, name, version) = (
            record.address.bucket.rawValue, record.address.key.rawValue, record.version.rawValue
        )
        // Each statement does nothing unless the object has that version; the first one keeps it from getting another.
        var steps: [Step] = [
            .scope(lockingSystem(facts)), .run(Self.lockVersion, bucket, name, version),
            Self.record(record, publicID: namedApart ? nil : record.publicID),
        ]
        if namedApart, let wanted = record.publicID { steps.append(.run(Self.nameAsset, bucket, name, version, wanted)) }
        if record.isThumbnail { steps.append(.run(Self.setThumbnail, bucket, name, version)) }
        if record.isInspected { steps.append(.run(Self.forgetInspection, bucket, name, version)) }
        steps.append(.run(Self.readRecorded, bucket, name, version))
        return try await transaction(steps) { try $0.last?.optionalRow().map { try AssetColumns.read($0) } }
    }

    private static func isTakenName(_ error: StorageError) -> Bool {
        guard let cause = error.cause as? PostgresError else { return false }
        return cause.sqlState == .uniqueViolation && cause.table == "assets"
    }

    public func updateAsset(
        _ name: String, changes: AssetChanges, in project: BucketID, as caller: Caller
    ) async throws -> Asset {
        try await mappingErrors {
            try await client.withTransaction(ending: .commit) { transaction in
                let isID = AssetID.isID(name)
                // To lock the object takes what it takes to update it.
                let looks = try await transaction.run([
                    .scope(scope(caller)), .run(isID ? Self.seeByID : Self.seeByPublicID, project.rawValue, name),
                    .run(isID ? Self.lockByID : Self.lockByPublicID, project.rawValue, name),
                ])
                guard let row = try looks[1].optionalRow() else {
                    guard try looks[0].optionalRow() != nil else { throw StorageError.assetNotFound(name) }
                    throw StorageError(.accessDenied, "Access denied", resource: name).refused(.update, on: .objects, caller)
                }
                let results = try await transaction.finish(with: [
                    .scope(lockingSystem(caller.facts)),
                    .run(
                        Self.change, try row.string(0), AssetChangesColumns.json(changes), changes.exif.map(StringMap.text)),
                ])
                return try AssetColumns.read(results[0].onlyRow())
            }
        }
    }

    private static func record(_ record: AssetRecord, publicID: String?) -> Step {
        let facts = record.facts
        return .run(
            recordFacts, record.address.bucket.rawValue, record.address.key.rawValue, record.version.rawValue,
            AssetChangesColumns.json(record.changes), StringMap.text(record.changes.exif ?? record.exif), record.originalFileName,
            facts.kind.rawValue, facts.mediaType, Parameter.int(facts.size), Parameter.int(facts.width),
            Parameter.int(facts.height), Parameter.int(facts.orientation), facts.duration.map { "\($0)" },
            Parameter.bool(facts.hasAudio), facts.codec, record.origin?.source.rawValue, record.origin?.type,
            publicID, Parameter.bool(record.isInspected))
    }
}

extension PostgresMetadataStore {
    /// The asset of an object that still has the version, for a table `a` that the statement joins or changes.
    private static let ofVersion = "a.object_id = o.id AND o.bucket_id = $1 AND o.name = $2 AND o.version = $3"

    // Not before an upload under way has ended: it may bring another version.
    private static let lockVersion = SQL(
        "asset_lock_version",
        "SELECT o.id FROM storage.objects AS o WHERE o.bucket_id = $1 AND o.name = $2 AND o.version = $3 FOR SHARE")

    private static let recordFacts = SQL(
        "asset_record",
        """
        UPDATE magpie.assets AS a
        SET \(AssetChangesColumns.assignments), exif = $5::jsonb, file_name = coalesce($6, a.file_name), kind = $7,
            media_type = $8, size = $9::bigint, width = $10::int, height = $11::int, orientation = $12::int,
            duration = $13::double precision, has_audio = $14::boolean, codec = $15, source_id = coalesce($16, a.source_id),
            derivation_type = coalesce($17, a.derivation_type),
            public_id = CASE WHEN a.public_id IS NULL THEN magpie.offered_public_id(a.bucket_id, $18) ELSE a.public_id END,
            inspected_version = CASE WHEN $19::boolean THEN $3 ELSE a.inspected_version END, modified_at = now()
        FROM storage.objects AS o, (SELECT $4::jsonb) AS c(changes)
        WHERE \(ofVersion)
        """)

    private static let nameAsset = SQL(
        "asset_name",
        """
        SELECT magpie.name_asset(a.object_id, $4)
        FROM magpie.assets AS a, storage.objects AS o
        WHERE \(ofVersion) AND a.public_id IS NULL
        """)

    private static let setThumbnail = SQL(
        "asset_thumbnail",
        """
        UPDATE magpie.assets AS parent SET thumbnail_id = a.id
        FROM magpie.assets AS a, storage.objects AS o
        WHERE \(ofVersion) AND parent.bucket_id = a.bucket_id AND parent.id = a.source_id
        """)

    private static let forgetInspection = SQL(
        "asset_inspected",
        """
        DELETE FROM magpie.jobs AS j
        USING storage.objects AS o
        WHERE o.bucket_id = $1 AND o.name = $2 AND o.version = $3 AND j.completed_at IS NULL AND j.status = 'Pending'
            AND j.unique_key = magpie.inspection_key(o.id, o.bucket_id, o.name, o.version)
        """)

    private static let readRecorded = SQL(
        "asset_recorded",
        "SELECT \(AssetColumns.list) FROM magpie.assets AS a, storage.objects AS o WHERE \(ofVersion)")

    private static let seeByID = SQL(
        "asset_see_by_id", "SELECT a.object_id FROM magpie.assets AS a WHERE a.bucket_id = $1 AND a.id = $2")
    private static let seeByPublicID = SQL(
        "asset_see_by_public_id", "SELECT a.object_id FROM magpie.assets AS a WHERE a.bucket_id = $1 AND a.public_id = $2")

    private static func lock(_ column: String) -> String {
        """
        SELECT o.id FROM storage.objects AS o
        WHERE o.id = (SELECT a.object_id FROM magpie.assets AS a WHERE a.bucket_id = $1 AND a.\(column) = $2)
        FOR NO KEY UPDATE
        """
    }
    private static let lockByID = SQL("asset_lock_by_id", lock("id"))
    private static let lockByPublicID = SQL("asset_lock_by_public_id", lock("public_id"))

    private static let change = SQL(
        "asset_change",
        """
        UPDATE magpie.assets AS a
        SET \(AssetChangesColumns.assignments), exif = coalesce($3::jsonb, a.exif), modified_at = now()
        FROM storage.objects AS o, (SELECT $2::jsonb) AS c(changes)
        WHERE a.object_id = $1::uuid AND o.id = a.object_id
        RETURNING \(AssetColumns.list)
        """)
}
