// SPDX-License-Identifier: Apache-2.0

import Foundation
public import MediaCore
public import NIOCore

/// What projects configured of their images.
extension PostgresMetadataStore {
    public func imageSettings(_ id: BucketID, facts: RequestFacts) async throws -> ImageSettings {
        let steps: [Step] = [
            .scope(system(facts)), .run(Self.readOriginals, id.rawValue), .run(Self.readPresets, id.rawValue),
            .run(Self.readWatermarks, id.rawValue), .run(Self.readPlugins, id.rawValue),
        ]
        let settings: ImageSettings? = try await transaction(steps) { results in
            guard let bucket = try results[0].optionalRow() else { return nil }
            var settings = ImageSettings(signsOriginals: try !bucket.isNull(0))
            for row in results[1].rows {
                let name = try row.string(0)
                settings.presets[name] = try StoredPreset(row.json(1)).named(name)
            }
            for row in results[2].rows {
                let picture = try WatermarkPicture(row)
                settings.watermarks[picture.id] = picture
            }
            settings.plugins = Set(try results[3].rows.compactMap { Plugin(rawValue: try $0.string(0)) })
            return settings
        }
        guard let settings else { throw StorageError.bucketNotFound(id) }
        return settings
    }

    public func putPreset(_ preset: NamedTransform, in id: BucketID, as caller: Caller) async throws {
        let body = try StoredPreset(preset).json()
        _ = try await configure(of: id, as: caller, .run(Self.writePreset, id.rawValue, preset.name, body))
    }

    public func deletePreset(_ name: String, in id: BucketID, as caller: Caller) async throws -> Bool {
        try await configure(of: id, as: caller, .run(Self.deletePreset, id.rawValue, name))?.bool(0) ?? false
    }

    public func putWatermark(
        _ watermark: WatermarkPicture, body: ByteBuffer, in id: BucketID, as caller: Caller
    ) async throws -> Bool {
        let write = Step.run(
            Self.writeWatermark, id.rawValue, watermark.id, Data(body.readableBytesView).base64EncodedString(), watermark.digest,
            watermark.mediaType, Parameter.int(watermark.size), Parameter.timestamp(watermark.updatedAt))
        return try await configure(of: id, as: caller, write)?.bool(0) ?? false
    }

    public func deleteWatermark(_ watermark: String, in id: BucketID, as caller: Caller) async throws -> Bool {
        try await configure(of: id, as: caller, .run(Self.deleteWatermark, id.rawValue, watermark))?.bool(0) ?? false
    }

    public func watermark(
        _ watermark: String, digest: String, in id: BucketID, facts: RequestFacts
    ) async throws -> ByteBuffer? {
        let read = Step.run(Self.readBytes, id.rawValue, watermark, digest)
        return try await transaction([.scope(system(facts)), read]) {
            try $0[0].optionalRow().map { ByteBuffer(bytes: try $0.bytes(0)) }
        }
    }

    public func setPlugin(_ plugin: Plugin, isActive: Bool, in id: BucketID, as caller: Caller) async throws {
        let write = isActive ? Self.activatePlugin : Self.deactivatePlugin
        _ = try await configure(of: id, as: caller, .run(write, id.rawValue, plugin.rawValue))
    }

    public func setOriginalsSecret(_ sealed: [UInt8]?, in id: BucketID, as caller: Caller) async throws {
        let write =
            sealed.map { Step.run(Self.writeSecret, id.rawValue, Data($0).base64EncodedString()) }
            ?? Step.run(Self.deleteSecret, id.rawValue)
        _ = try await configure(of: id, as: caller, write)
    }

    public func originalsSecret(of id: BucketID, facts: RequestFacts) async throws -> [UInt8]? {
        try await transaction([.scope(system(facts)), .run(Self.readSecret, id.rawValue)]) {
            try $0[0].optionalRow().map { Array(try $0.bytes(0)) }
        }
    }

    /// Runs a write as system, under a lock on the bucket that only those get who may update it.
    /// - Returns: the row that the write returns.
    func configure(of id: BucketID, as caller: Caller, _ write: Step) async throws -> Row? {
        try await mappingErrors(about: .bucket(id)) {
            try await client.withTransaction(ending: .commit) { transaction in
                let results = try await transaction.run([
                    .scope(scope(caller)), .run(Self.lockBucket, id.rawValue), .run(Self.findBucket, id.rawValue),
                ])
                guard try results[0].optionalRow() != nil else {
                    guard try results[1].optionalRow() != nil else { throw StorageError.bucketNotFound(id) }
                    throw StorageError(.accessDenied, "Access denied", resource: id.rawValue)
                        .refused(.update, on: .buckets, caller)
                }
                return try await transaction.finish(with: [.scope(lockingSystem(caller.facts)), write])[0].optionalRow()
            }
        }
    }
}

extension WatermarkPicture {
    fileprivate init(_ row: Row) throws(PostgresError) {
        self.init(
            id: try row.string(0), digest: try row.string(1), mediaType: try row.string(2), size: try row.int(3),
            updatedAt: try row.timestamp(4))
    }
}

extension Row {
    /// A `bytea` selected as `encode(c, 'base64')`, which Postgres breaks into lines.
    fileprivate func bytes(_ column: Int) throws(PostgresError) -> Data {
        guard let bytes = Data(base64Encoded: try string(column), options: .ignoreUnknownCharacters) else {
            throw PostgresError(.unexpectedResult, "column \(column) is not in Base64")
        }
        return bytes
    }
}

extension PostgresMetadataStore {
    private static let lockBucket = SQL(
        "images_lock", "SELECT b.id FROM storage.buckets AS b WHERE b.id = $1 FOR NO KEY UPDATE")
    private static let findBucket = SQL("images_find", "SELECT b.id FROM storage.buckets AS b WHERE b.id = $1")

    private static let readOriginals = SQL(
        "images_originals",
        """
        SELECT s.bucket_id
        FROM storage.buckets AS b
        LEFT JOIN magpie.originals_signing AS s ON s.bucket_id = b.id
        WHERE b.id = $1
        """)
    private static let readPresets = SQL(
        "presets_read", "SELECT p.name, p.body FROM magpie.presets AS p WHERE p.bucket_id = $1")
    private static let readWatermarks = SQL(
        "watermarks_read",
        """
        SELECT w.id, w.digest, w.media_type, w.size, (extract(epoch FROM w.updated_at) * 1000000)::bigint
        FROM magpie.watermarks AS w
        WHERE w.bucket_id = $1
        """)
    private static let readPlugins = SQL("plugins_read", "SELECT g.plugin FROM magpie.plugins AS g WHERE g.bucket_id = $1")

    private static let writePreset = SQL(
        "preset_write",
        """
        INSERT INTO magpie.presets (bucket_id, name, body) VALUES ($1, $2, $3::jsonb)
        ON CONFLICT (bucket_id, name) DO UPDATE SET body = excluded.body
        """)
    private static let deletePreset = SQL(
        "preset_delete", "DELETE FROM magpie.presets AS p WHERE p.bucket_id = $1 AND p.name = $2 RETURNING true")

    private static let writeWatermark = SQL(
        "watermark_write",
        """
        WITH known AS (SELECT FROM magpie.watermarks AS w WHERE w.bucket_id = $1 AND w.id = $2)
        INSERT INTO magpie.watermarks (bucket_id, id, bytes, digest, media_type, size, updated_at)
        VALUES ($1, $2, decode($3, 'base64'), $4, $5, $6::int, timestamptz 'epoch' + $7::bigint * interval '1 microsecond')
        ON CONFLICT (bucket_id, id) DO UPDATE
        SET bytes = excluded.bytes, digest = excluded.digest, media_type = excluded.media_type, size = excluded.size,
            updated_at = excluded.updated_at
        RETURNING NOT EXISTS (SELECT FROM known)
        """)
    private static let deleteWatermark = SQL(
        "watermark_delete", "DELETE FROM magpie.watermarks AS w WHERE w.bucket_id = $1 AND w.id = $2 RETURNING true")
    private static let readBytes = SQL(
        "watermark_bytes",
        "SELECT encode(w.bytes, 'base64') FROM magpie.watermarks AS w WHERE w.bucket_id = $1 AND w.id = $2 AND w.digest = $3")

    private static let activatePlugin = SQL(
        "plugin_activate", "INSERT INTO magpie.plugins (bucket_id, plugin) VALUES ($1, $2) ON CONFLICT DO NOTHING")
    private static let deactivatePlugin = SQL(
        "plugin_deactivate", "DELETE FROM magpie.plugins AS g WHERE g.bucket_id = $1 AND g.plugin = $2")

    private static let writeSecret = SQL(
        "originals_write",
        """
        INSERT INTO magpie.originals_signing (bucket_id, sealed_secret) VALUES ($1, decode($2, 'base64'))
        ON CONFLICT (bucket_id) DO UPDATE SET sealed_secret = excluded.sealed_secret, updated_at = now()
        """)
    private static let deleteSecret = SQL(
        "originals_delete", "DELETE FROM magpie.originals_signing AS s WHERE s.bucket_id = $1")
    private static let readSecret = SQL(
        "originals_read", "SELECT encode(s.sealed_secret, 'base64') FROM magpie.originals_signing AS s WHERE s.bucket_id = $1")
}
