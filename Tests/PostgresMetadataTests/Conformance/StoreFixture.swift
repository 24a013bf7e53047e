// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore
import MediaTesting
import Synchronization
import Testing

@testable import PostgresMetadata

/// A store under test, with what tests of every store need to arrange.
final class StoreFixture: Sendable {
    enum Backing: Sendable {
        case memory(InMemoryMetadataStore)
        case postgres(PostgresMetadataStore)
    }

    let backing: Backing
    private let policies = Mutex<[Policy]>([])

    init(_ backing: Backing) { self.backing = backing }

    var store: any MetadataStore {
        switch backing {
        case .memory(let store): store
        case .postgres(let store): store
        }
    }

    /// Adds permissive policies of one role.
    func allow(
        _ commands: Set<PolicyRefusal.Command>, on table: Policy.Table = .objects, to role: String = "authenticated",
        where predicate: PolicyPredicate = .always
    ) async throws {
        switch backing {
        case .memory(let store):
            let all = policies.withLock { policies in
                policies += commands.map { Policy([role], $0, table, allows: predicate.allows) }
                return policies
            }
            store.setPolicies(all)
        case .postgres(let store):
            for command in commands {
                let clause =
                    switch command {
                    case .select, .delete: "USING (\(predicate.sql))"
                    case .insert: "WITH CHECK (\(predicate.sql))"
                    case .update: "USING (\(predicate.sql)) WITH CHECK (\(predicate.sql))"
                    }
                try await store.administrator.execute(
                    script:
                        "CREATE POLICY \"\(UUID().uuidString)\" ON \(table.rawValue) FOR \(command.rawValue) TO \(role) \(clause)"
                )
            }
        }
    }

    /// Runs `body` as plain SQL where there is SQL.
    func onPostgres(_ body: (PostgresMetadataStore) async throws -> Void) async throws {
        if case .postgres(let store) = backing { try await body(store) }
    }

    // MARK: Callers

    static let alice = "11111111-1111-1111-1111-111111111111"
    static let bob = "22222222-2222-2222-2222-222222222222"

    var service: Caller { Caller(principal: TestStore.service, facts: facts) }
    var anon: Caller { caller(role: "anon", subject: nil) }
    var alice: Caller { caller(subject: Self.alice) }
    var bob: Caller { caller(subject: Self.bob) }
    var facts: RequestFacts { RequestFacts(operation: Operation("storage.object.test")) }

    func caller(role: String = "authenticated", subject: String?, operation: String = "storage.object.test") -> Caller {
        let claims = JSONWriter.object { writer in
            writer.field("role", role)
            if let subject { writer.field("sub", subject) }
        }
        return Caller(
            principal: Principal(role: role, subject: subject, claims: JSONText(trusted: claims), token: "token"),
            facts: RequestFacts(operation: Operation(operation)))
    }

    // MARK: Rows

    @discardableResult
    func makeBucket(_ name: String = "photos", isPublic: Bool = false) async throws -> BucketID {
        let id = BucketID(stored: name)
        _ = try await store.createBucket(Bucket(id: id, name: name, isPublic: isPublic), as: service)
        return id
    }

    func address(_ key: String, in bucket: String = "photos") -> ObjectAddress {
        ObjectAddress(bucket: BucketID(stored: bucket), key: ObjectKey(stored: key))
    }

    func draft(
        _ key: String, in bucket: String = "photos", owner: String? = nil, metadata: String? = nil, userMetadata: String? = nil
    ) -> ObjectDraft {
        ObjectDraft(
            address: address(key, in: bucket), ownerID: owner, metadata: metadata.map { JSONText(trusted: $0) },
            userMetadata: userMetadata.map { JSONText(trusted: $0) })
    }

    func newObject(
        _ key: String, in bucket: String = "photos", owner: String? = nil, userMetadata: String? = nil,
        condition: WriteCondition = .none
    ) -> NewObject {
        let version = ObjectVersion()
        return NewObject(
            address: address(key, in: bucket), version: version, ownerID: owner,
            metadata: ObjectMetadata(eTag: "\"0\"", size: 3, mimetype: "image/png", cacheControl: "no-cache").json,
            userMetadata: userMetadata.map { JSONText(trusted: $0) },
            blob: BlobLocation(
                backend: .managed, key: BlobKey(version.rawValue), size: 3, md5: "d41d8cd98f00b204e9800998ecf8427e",
                checksums: ["CRC32": "AAAAAA=="]), condition: condition)
    }

    @discardableResult
    func put(
        _ key: String, in bucket: String = "photos", owner: String? = nil, userMetadata: String? = nil, mode: PutMode = .replace
    ) async throws -> ObjectRecord {
        try await store.commitPut(newObject(key, in: bucket, owner: owner, userMetadata: userMetadata), mode: mode, facts: facts)
    }

    /// Makes a bucket that keeps versions.
    @discardableResult
    func makeVersionedBucket(_ name: String = "photos", _ versioning: BucketVersioning = .enabled) async throws -> BucketID {
        let bucket = try await makeBucket(name)
        try await setVersioning(.enabled, of: name)
        if versioning != .enabled { try await setVersioning(versioning, of: name) }
        return bucket
    }

    func setVersioning(_ versioning: BucketVersioning, of bucket: String = "photos") async throws {
        _ = try await store.updateBucketSettings(
            BucketID(stored: bucket), changes: BucketSettingsChanges(versioning: versioning), as: service)
    }

    @discardableResult
    func delete(
        _ key: String, in bucket: String = "photos", version: VersionID? = nil, if condition: WriteCondition = .none,
        expecting expected: ObjectVersion? = nil, as caller: Caller? = nil
    ) async throws -> DeletionOutcome {
        try await store.delete(
            ObjectDeletion(key: ObjectKey(stored: key), version: version, condition: condition, expected: expected),
            in: BucketID(stored: bucket), as: caller ?? service)
    }

    /// The versions of a bucket as a line of text each: the key, the id, `latest` and `marker` where they hold.
    func versions(of records: [ObjectRecord], in bucket: String = "photos", as caller: Caller? = nil) async throws -> [String] {
        let names = Dictionary(
            uniqueKeysWithValues: records.enumerated().compactMap { item in item.element.version.map { ($0, "v\(item.offset)") } }
        )
        let page = try await store.versions(matching: VersionQuery(), in: BucketID(stored: bucket), as: caller ?? service)
        return page.items.map { item in
            guard case .version(let entry) = item else { return "\(item)" }
            let version = entry.version.flatMap { names[$0] } ?? (entry.isDeleteMarker ? "marker" : "?")
            return [entry.key.rawValue, version, entry.id == .null ? "null" : nil, entry.isLatest ? "latest" : nil]
                .compactMap { $0 }.joined(separator: " ")
        }
    }

    func put(all keys: [String], in bucket: String = "photos", owner: String? = nil) async throws {
        for key in keys { try await put(key, in: bucket, owner: owner) }
    }

    /// Writes a row whose bytes Magpie was never told of, as a foreign database holds it. The bucket must exist.
    func adopt(_ key: String, in bucket: String = "photos", version: String? = nil) async throws {
        switch backing {
        case .memory(let store):
            store.adopt(
                ObjectRecord(
                    id: ObjectID(), address: address(key, in: bucket), version: version.map { ObjectVersion(stored: $0) }))
        case .postgres(let store):
            let insert = SQL("test_adopt", "INSERT INTO storage.objects (bucket_id, name, version) VALUES ($1, $2, $3)")
            _ = try await store.administrator.transaction([.run(insert, bucket, key, version)], ending: .commit)
        }
    }

    /// Waits until the millisecond of the clock has changed: listings by time tell no smaller difference.
    func pause() async throws {
        let start = Timestamp.now().milliseconds
        while Timestamp.now().milliseconds <= start + 1 { await Task.yield() }
    }

    /// Makes and deletes objects, so that the deletion of their blobs is requested.
    func deleteNewObjects(_ keys: [String]) async throws {
        let bucket = try await makeBucket()
        try await put(all: keys)
        _ = try await store.deleteObjects(keys.map { ObjectKey(stored: $0) }, in: bucket, as: service)
    }

    /// Takes the version off a row, which leaves a blob without an object and without a request.
    func disown(_ record: ObjectRecord) async throws {
        switch backing {
        case .memory(let store):
            var row = record
            row.version = nil
            store.adopt(row)
        case .postgres(let store):
            let update = SQL("test_disown", "UPDATE storage.objects SET version = NULL WHERE id = $1::uuid")
            _ = try await store.administrator.transaction([.run(update, record.id.rawValue)], ending: .commit)
        }
    }

    /// The keys of the blobs whose deletion is requested and due.
    func blob(of record: ObjectRecord) async throws -> BlobLocation? {
        try await store.visibleObject(at: record.address, as: service).blob
    }

    func dueDeletions() async throws -> Set<BlobKey> {
        Set(try await store.takeBlobDeletions(limit: 1000).map(\.key))
    }
}

/// The keys under which the fixture kept the bytes of these rows.
func blobKeys(of records: [ObjectRecord]) -> Set<BlobKey> {
    Set(records.compactMap(\.version).map { BlobKey($0.rawValue) })
}

/// The storage error that `body` throws. Nil when it succeeds; anything else it throws fails the test.
func failure<Value>(_ body: () async throws -> Value) async -> StorageError? {
    do {
        _ = try await body()
        return nil
    } catch let error as StorageError {
        return error
    } catch {
        Issue.record(error)
        return nil
    }
}
