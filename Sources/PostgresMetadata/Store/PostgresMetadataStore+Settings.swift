// SPDX-License-Identifier: Apache-2.0

import Foundation
public import MediaCore

/// Settings of buckets, and tags of objects.
extension PostgresMetadataStore {
    public func bucketSettings(_ id: BucketID, facts: RequestFacts) async throws -> BucketSettings {
        let settings = try await transaction([.scope(system(facts)), .run(Self.readSettings, id.rawValue)]) {
            try $0[0].optionalRow().map { try SettingsColumns.read($0) }
        }
        guard let settings else { throw StorageError.bucketNotFound(id) }
        return settings
    }

    public func updateBucketSettings(
        _ id: BucketID, changes: BucketSettingsChanges, as caller: Caller
    ) async throws -> BucketSettings {
        try await mappingErrors(about: .bucket(id)) {
            try await client.withTransaction(ending: .commit) { transaction in
                // To lock a row takes what it takes to update it.
                let results = try await transaction.run([
                    .scope(scope(caller)), .run(Self.lockBucket, id.rawValue),
                    .scope(lockingSystem(caller.facts)), .run(Self.readSettings, id.rawValue),
                ])
                guard try results[0].optionalRow() != nil, let row = try results[1].optionalRow() else {
                    throw StorageError.bucketNotFound(id)
                }
                let settings = try SettingsColumns.read(row).changed(by: changes)
                _ = try await transaction.finish(with: [
                    .run(
                        Self.writeSettings, id.rawValue, settings.versioning.rawValue, settings.tags.json.rawValue,
                        try SettingsColumns.json(settings.cors), try SettingsColumns.json(settings.lifecycle),
                        Parameter.int(settings.directFrom))
                ])
                return settings
            }
        }
    }

    public func bucketsWithLifecycle() async throws -> [(id: BucketID, settings: BucketSettings)] {
        try await transaction([.scope(system(.upkeep)), .run(Self.listLifecycles)]) {
            try $0[0].rows.map { (BucketID(stored: try $0.string(SettingsColumns.count)), try SettingsColumns.read($0)) }
        }
    }

    public func replaceTags(
        _ tags: TagSet, of address: ObjectAddress, version: VersionID?, as caller: Caller
    ) async throws -> VersionID {
        let replaced: VersionID? = try await refusing(.update, on: .objects, caller) {
            try await mappingErrors(about: .object(address)) {
                try await client.withTransaction(ending: .commit) { transaction in
                    try await replaceTags(tags, of: address, version, as: caller, in: transaction)
                }
            }
        }
        if let replaced { return replaced }
        guard try await isVisible(address, version, caller) else { throw StorageError.objectNotFound(address) }
        throw StorageError(.accessDenied, "Access denied").refused(.update, on: .objects, caller)
    }

    /// Nil when the caller may not update what there is.
    private func replaceTags(
        _ tags: TagSet, of address: ObjectAddress, _ version: VersionID?, as caller: Caller, in transaction: Transaction
    ) async throws -> VersionID? {
        let (bucket, name) = (address.bucket.rawValue, address.key.rawValue)
        let value = tags.isEmpty ? nil : tags.json.rawValue
        if let version {
            let found = try await findVersion(version, of: address, caller.facts, in: transaction)
            if let sequence = found.sequence {
                guard !found.isMarker else { throw StorageError.objectNotFound(address) }
                let results = try await transaction.finish(with: [
                    .scope(scope(caller)), .run(Self.tagKept, Parameter.int(sequence), value),
                ])
                return try results[0].optionalRow().map { _ in version }
            }
        }
        let results = try await transaction.finish(with: [
            .scope(scope(caller)), .run(Self.tagCurrent, bucket, name, value),
            .scope(system(caller.facts)), .run(Self.readCurrentID, bucket, name),
        ])
        guard try results[0].optionalRow() != nil, let row = try results[1].optionalRow() else { return nil }
        return try row.bool(1) ? .id(ObjectVersion(stored: row.string(0))) : .null
    }

    private func isVisible(_ address: ObjectAddress, _ version: VersionID?, _ caller: Caller) async throws -> Bool {
        do {
            if let version {
                _ = try await self.version(version, at: address, access: .policy(caller))
            } else {
                _ = try await visibleObject(at: address, as: caller)
            }
            return true
        } catch let error as StorageError where error.code == .objectNotFound {
            return false
        }
    }
}

/// The columns of a bucket's settings, for a table that the statement calls `s` and that may have no row for it.
enum SettingsColumns {
    static let count = 5
    static let list = "coalesce(s.versioning, 'off'), s.tags, s.cors, s.lifecycle, s.direct_from"

    static func read(_ row: Row) throws(PostgresError) -> BucketSettings {
        guard let versioning = BucketVersioning(rawValue: try row.string(0)) else {
            throw PostgresError(.unexpectedResult, "column 0 is not a state of versioning")
        }
        return BucketSettings(
            versioning: versioning, tags: TagSet(stored: try decoded(row, 1) ?? [:]), cors: try decoded(row, 2),
            lifecycle: try decoded(row, 3), directFrom: try row.optionalInt64(4))
    }

    private static func decoded<Value: Decodable>(_ row: Row, _ column: Int) throws(PostgresError) -> Value? {
        guard let text = try row.optionalString(column) else { return nil }
        do {
            return try JSONDecoder().decode(Value.self, from: Data(text.utf8))
        } catch {
            throw PostgresError(.unexpectedResult, "column \(column) can't be read as settings")
        }
    }

    static func json(_ value: (some Encodable)?) throws -> String? {
        guard let value else { return nil }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}

extension PostgresMetadataStore {
    private static let readSettings = SQL(
        "settings_read",
        """
        SELECT \(SettingsColumns.list)
        FROM storage.buckets AS b
        LEFT JOIN magpie.bucket_settings AS s ON s.bucket_id = b.id
        WHERE b.id = $1
        """)

    private static let lockBucket = SQL(
        "settings_lock", "SELECT b.id FROM storage.buckets AS b WHERE b.id = $1 FOR NO KEY UPDATE")

    private static let writeSettings = SQL(
        "settings_write",
        """
        INSERT INTO magpie.bucket_settings (bucket_id, versioning, tags, cors, lifecycle, direct_from)
        VALUES ($1, $2, $3::jsonb, $4::jsonb, $5::jsonb, $6::bigint)
        ON CONFLICT (bucket_id) DO UPDATE
        SET versioning = excluded.versioning, tags = excluded.tags, cors = excluded.cors, lifecycle = excluded.lifecycle,
            direct_from = excluded.direct_from, updated_at = now()
        """)

    private static let listLifecycles = SQL(
        "settings_lifecycles",
        """
        SELECT \(SettingsColumns.list), s.bucket_id
        FROM magpie.bucket_settings AS s
        WHERE s.lifecycle IS NOT NULL
        ORDER BY s.bucket_id COLLATE "C"
        """)

    private static func tagged(_ table: String, _ tags: String) -> String {
        """
        CASE WHEN \(tags)::jsonb IS NULL THEN coalesce(\(table).metadata, '{}') - 'tags' \
        ELSE coalesce(\(table).metadata, '{}') || jsonb_build_object('tags', \(tags)::jsonb) END
        """
    }

    private static let tagCurrent = SQL(
        "object_tag",
        """
        UPDATE storage.objects AS o SET metadata = \(tagged("o", "$3"))
        WHERE o.bucket_id = $1 AND o.name = $2
        RETURNING o.id
        """)

    private static let tagKept = SQL(
        "version_tag",
        """
        UPDATE magpie.object_versions AS v SET metadata = \(tagged("v", "$2"))
        WHERE v.sequence = $1::bigint
        RETURNING v.sequence
        """)

    private static let readCurrentID = SQL(
        "object_version_id",
        """
        SELECT coalesce(o.version, ''), l.is_versioned IS TRUE
        FROM storage.objects AS o
        LEFT JOIN magpie.blobs AS l ON l.version = o.version
        WHERE o.bucket_id = $1 AND o.name = $2
        """)
}
