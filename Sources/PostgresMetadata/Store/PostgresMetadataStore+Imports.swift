// SPDX-License-Identifier: Apache-2.0

public import MediaCore

/// Files in projects' own stores that become originals.
extension PostgresMetadataStore {
    public func knownBlobs(among keys: [BlobKey], in backends: [BackendID]) async throws -> Set<BlobKey> {
        let find = Step.run(
            Self.findKnown, Parameter.strings(backends.map(\.rawValue)), Parameter.strings(keys.map(\.rawValue)))
        return try await transaction([.scope(searchingScope), find]) {
            Set(try $0[0].rows.map { BlobKey(try $0.string(0)) })
        }
    }

    func adoptStep(_ object: NewObject) -> Step {
        .run(
            Self.adoptBlob, object.blob.backend.rawValue, object.blob.key.rawValue, object.version.rawValue,
            object.address.bucket.rawValue)
    }

    /// A new row with what it was elsewhere.
    func importStep(_ object: NewObject, _ past: ObjectPast) -> Step {
        let (address, blob) = (object.address, object.blob)
        return .run(
            Self.importObject, address.bucket.rawValue, address.key.rawValue, object.version.rawValue,
            ObjectColumns.owner(of: object.ownerID), object.ownerID, object.metadata.rawValue, object.userMetadata?.rawValue,
            blob.backend.rawValue, blob.key.rawValue, Parameter.int(blob.size), blob.md5, StringMap.text(blob.checksums),
            past.id?.rawValue, Parameter.timestamp(past.createdAt), Parameter.timestamp(past.updatedAt),
            Parameter.timestamp(past.lastAccessedAt))
    }

    private static let importObject = SQL(
        "object_import",
        """
        SELECT \(ObjectColumns.list)
        FROM magpie.import_object(
            $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
            timestamptz 'epoch' + $14::bigint * interval '1 microsecond',
            timestamptz 'epoch' + $15::bigint * interval '1 microsecond',
            timestamptz 'epoch' + $16::bigint * interval '1 microsecond') AS o
        """)

    private static let findKnown = SQL(
        "blobs_known",
        """
        SELECT k.key
        FROM unnest($2::text[]) AS k (key)
        WHERE EXISTS (SELECT FROM magpie.blobs AS l WHERE l.backend = ANY ($1::text[]) AND l.key = k.key)
            OR EXISTS (SELECT FROM magpie.blob_deletions AS d WHERE d.backend = ANY ($1::text[]) AND d.key = k.key)
            OR EXISTS (SELECT FROM magpie.blob_intents AS i WHERE i.backend = ANY ($1::text[]) AND i.key = k.key)
        """)

    private static let adoptBlob = SQL("blob_adopt", "SELECT magpie.adopt_blob($1, $2, $3, $4)")
}
