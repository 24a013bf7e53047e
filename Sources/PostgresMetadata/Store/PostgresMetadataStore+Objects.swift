// SPDX-License-Identifier: Apache-2.0

public import MediaCore

/// Reading and deleting objects.
extension PostgresMetadataStore {
    public func object(at address: ObjectAddress, access: Access) async throws -> ReadableObject {
        switch access {
        case .policy(let caller): try await object(at: address, as: caller)
        case .publicBucket(let facts): try await publicObject(at: address, facts)
        case .grant(_, let facts): try await grantedObject(at: address, facts)
        }
    }

    /// Asks for the public and the caller's view in one round trip and keeps the one that counts.
    private func object(at address: ObjectAddress, as caller: Caller) async throws -> ReadableObject {
        let steps: [Step] = [
            .scope(system(caller.facts)), readStep(Self.readPublicObject, address),
            .scope(scope(caller)), readStep(Self.readVisibleObject, address),
        ]
        let found: Found
        do {
            found = try await transaction(steps) { results in
                let open = try Found(results[0])
                return open.isOpen ? open : try Found(bucket: open.bucket, isConcealed: open.isConcealed, results[1])
            }
        } catch let error as StorageError where error.isStatementFailure {
            // A public bucket needs no policy, so a role or policy that can't be used must not close it.
            let open = try await transaction([.scope(system(caller.facts)), readStep(Self.readPublicObject, address)]) {
                try Found($0[0])
            }
            guard open.isOpen else { throw error }
            return try open.readable(at: address)
        }
        return try found.readable(at: address)
    }

    private func publicObject(at address: ObjectAddress, _ facts: RequestFacts) async throws -> ReadableObject {
        let found = try await transaction([.scope(system(facts)), readStep(Self.readPublicObject, address)]) { try Found($0[0]) }
        guard found.bucket?.isPublic == true else { throw StorageError.bucketNotFound(address.bucket) }
        guard !found.isConcealed else { throw StorageError.objectNotFound(address) }
        return try found.readable(at: address)
    }

    private func grantedObject(at address: ObjectAddress, _ facts: RequestFacts) async throws -> ReadableObject {
        try await transaction([.scope(system(facts)), readStep(Self.readAnyObject, address)]) { try Found($0[0]) }
            .readable(at: address)
    }

    public func visibleObject(at address: ObjectAddress, as caller: Caller) async throws -> ReadableObject {
        let steps: [Step] = [
            .scope(system(caller.facts)), .run(Self.readRules, address.bucket.rawValue),
            .scope(scope(caller)), readStep(Self.readVisibleObject, address),
        ]
        let found = try await transaction(steps) { results in
            try Found(bucket: try results[0].optionalRow().map { try BucketColumns.read($0) }, results[1])
        }
        guard let object = found.object, let bucket = found.bucket else { throw StorageError.objectNotFound(address) }
        return ReadableObject(bucket: bucket, record: object, blob: found.blob, isVersioned: found.isVersioned)
    }

    public func visibleKeys(among keys: [ObjectKey], in bucket: BucketID, as caller: Caller) async throws -> Set<ObjectKey> {
        let names = Parameter.strings(keys.map(\.rawValue))
        return try await transaction([.scope(scope(caller)), .run(Self.readVisibleKeys, bucket.rawValue, names)]) {
            Set(try $0[0].rows.map { ObjectKey(stored: try $0.string(0)) })
        }
    }

    public func deleteObject(at address: ObjectAddress, as caller: Caller) async throws -> ObjectRecord {
        let deleted = try await delete(address, if: .none, marksAbsent: false, as: caller)
        guard let record = deleted.record else { throw StorageError.objectNotFound(address) }
        return record
    }

    public func deleteObjects(_ keys: [ObjectKey], in bucket: BucketID, as caller: Caller) async throws -> [ObjectRecord] {
        let names = Parameter.strings(keys.map(\.rawValue))
        return try await mappingErrors {
            try await client.withTransaction(ending: .commit) { transaction in
                let results = try await transaction.run([
                    // Locked in one order by everybody, so that two bulk deletions never wait for each other.
                    .scope(system(caller.facts)), .run(Self.lockVersioned, bucket.rawValue, names),
                    .run(Self.lockObjects, bucket.rawValue, names),
                    .scope(scope(caller)), .run(Self.deleteObjects, bucket.rawValue, names),
                ])
                let records = try results[2].rows.map { try ObjectColumns.read($0) }
                _ = try await transaction.finish(with: requestDeletions(of: records, caller.facts))
                return records
            }
        }
    }

    /// The deletion of the rows' blobs, requested in the transaction that deletes the rows.
    func requestDeletions(of records: [ObjectRecord], _ facts: RequestFacts) -> [Step] {
        let versions = records.compactMap(\.version?.rawValue)
        guard !versions.isEmpty else { return [] }
        return [.scope(system(facts)), .run(Self.requestDeletions, Parameter.strings(versions))]
    }

    func readStep(_ sql: SQL, _ address: ObjectAddress) -> Step {
        .run(sql, address.bucket.rawValue, address.key.rawValue)
    }
}

/// What a read found of a bucket and an object in it.
private struct Found {
    var bucket: Bucket?
    var object: ObjectRecord?
    var blob: BlobLocation?
    var isVersioned = false
    /// Whether the object is a file, or to be one, that everybody may not see whatever its bucket is.
    var isConcealed = false

    /// Whether everybody may read it.
    var isOpen: Bool { bucket?.isPublic == true && !isConcealed }

    /// Reads a row of bucket, object and blob, of which the last two may be missing, and of whether it is concealed.
    init(_ result: ResultSet) throws(PostgresError) {
        guard let row = try result.optionalRow() else { return }
        bucket = try BucketColumns.read(row)
        isConcealed = try row.bool(BucketColumns.count + ObjectColumns.count + BlobColumns.count)
        guard try !row.isNull(BucketColumns.count) else { return }
        object = try ObjectColumns.read(row, at: BucketColumns.count)
        let start = BucketColumns.count + ObjectColumns.count
        blob = try BlobColumns.read(row, at: start)
        isVersioned = try BlobColumns.isVersioned(row, at: start)
    }

    /// Reads a row of object and blob.
    init(bucket: Bucket?, isConcealed: Bool = false, _ result: ResultSet) throws(PostgresError) {
        self.bucket = bucket
        self.isConcealed = isConcealed
        guard let row = try result.optionalRow() else { return }
        object = try ObjectColumns.read(row)
        blob = try BlobColumns.read(row, at: ObjectColumns.count)
        isVersioned = try BlobColumns.isVersioned(row, at: ObjectColumns.count)
    }

    func readable(at address: ObjectAddress) throws(StorageError) -> ReadableObject {
        guard var bucket else { throw .bucketNotFound(address.bucket) }
        // To whoever keeps it, it is an object of a private bucket.
        if isConcealed { bucket.isPublic = false }
        guard let object else { throw .objectNotFound(address) }
        return ReadableObject(bucket: bucket, record: object, blob: blob, isVersioned: isVersioned)
    }
}

extension PostgresMetadataStore {
    /// Whether an address names a row that the role in force may see.
    static let findObject = SQL("object_find", "SELECT o.id FROM storage.objects AS o WHERE o.bucket_id = $1 AND o.name = $2")

    static let readRules = SQL("object_rules", "SELECT \(BucketColumns.list) FROM storage.buckets AS b WHERE b.id = $1")

    private static let readPublicObject = SQL(
        "object_read_public",
        """
        SELECT \(BucketColumns.list), \(ObjectColumns.list), \(BlobColumns.list),
            coalesce(b.public AND magpie.is_concealed($1, $2), false)
        FROM storage.buckets AS b
        LEFT JOIN storage.objects AS o ON b.public AND o.bucket_id = b.id AND o.name = $2
        LEFT JOIN magpie.blobs AS l ON l.version = o.version
        WHERE b.id = $1
        """)

    private static let readAnyObject = SQL(
        "object_read_any",
        """
        SELECT \(BucketColumns.list), \(ObjectColumns.list), \(BlobColumns.list),
            coalesce(b.public AND magpie.is_concealed($1, $2), false)
        FROM storage.buckets AS b
        LEFT JOIN storage.objects AS o ON o.bucket_id = b.id AND o.name = $2
        LEFT JOIN magpie.blobs AS l ON l.version = o.version
        WHERE b.id = $1
        """)

    private static let readVisibleObject = SQL(
        "object_read_visible",
        """
        SELECT \(ObjectColumns.list), \(BlobColumns.list)
        FROM storage.objects AS o
        LEFT JOIN LATERAL magpie.blob_details(o.version) AS l ON true
        WHERE o.bucket_id = $1 AND o.name = $2
        """)

    private static let readVisibleKeys = SQL(
        "object_keys", "SELECT o.name FROM storage.objects AS o WHERE o.bucket_id = $1 AND o.name = ANY ($2::text[])")

    /// In a versioned bucket the addresses themselves: two deletions that find nothing mark the same place. In one order for everybody.
    private static let lockVersioned = SQL(
        "objects_lock_versioned",
        """
        SELECT pg_advisory_xact_lock(a.hash)
        FROM (
            SELECT DISTINCT hashtextextended($1 || '/' || t, 0) AS hash FROM unnest($2::text[]) AS t ORDER BY 1
        ) AS a
        WHERE EXISTS (SELECT FROM magpie.bucket_settings AS s WHERE s.bucket_id = $1 AND s.versioning <> 'off')
        """)

    private static let lockObjects = SQL(
        "objects_lock",
        """
        SELECT o.id FROM storage.objects AS o
        WHERE o.bucket_id = $1 AND o.name = ANY ($2::text[])
        ORDER BY o.id
        FOR UPDATE
        """)

    static let deleteObject = SQL(
        "object_delete", "DELETE FROM storage.objects AS o WHERE o.bucket_id = $1 AND o.name = $2 RETURNING \(ObjectColumns.list)"
    )

    private static let deleteObjects = SQL(
        "objects_delete",
        "DELETE FROM storage.objects AS o WHERE o.bucket_id = $1 AND o.name = ANY ($2::text[]) RETURNING \(ObjectColumns.list)")

    private static let requestDeletions = SQL("blob_deletions_request", "SELECT magpie.request_blob_deletions($1::text[])")
}
