// SPDX-License-Identifier: Apache-2.0

import Logging
import MediaCore
import MediaTesting
import NIOCore
import Testing

@testable import PostgresMetadata

/// The whole core on a database whose own writes are not announced, as a server with its private database runs it.
private struct CoreOnPostgres {
    let store: PostgresMetadataStore
    let storage: Storage
    let bucket = BucketID(stored: "photos")

    private struct OneStore: BlobStoreDirectory {
        let store = InMemoryBlobStore()
        let defaultBackend = BackendID.managed
        func store(for backend: BackendID) async throws -> any BlobStore { store }
    }

    /// Runs `body` with a public bucket `photos`, while the cache follows the database's notices.
    static func run(_ body: (CoreOnPostgres) async throws -> Void) async throws {
        let store = try await TestStore.migrated()
        let storage = Storage(
            configuration: Storage.Configuration(uploadLimits: UploadLimits(maxObjectBytes: 1 << 20)),
            keys: try await KeyRing(secret: "a-secret-for-tests-of-32-characters"), metadata: store, blobs: OneStore(),
            logger: TestLog.quiet)
        let (marks, continuation) = AsyncStream.makeStream(of: MetadataChange.self)
        let watcher = Task {
            try await store.watch { change in
                storage.cache.apply(change)
                continuation.yield(change)
            }
        }
        for await change in marks where change == .tracking { break }
        let core = CoreOnPostgres(store: store, storage: storage)
        let result: Result<Void, any Error>
        do {
            _ = try await storage.buckets.create(Bucket(id: core.bucket, name: "photos", isPublic: true), as: core.service)
            result = .success(try await body(core))
        } catch { result = .failure(error) }
        watcher.cancel()
        _ = await watcher.result
        await store.shutdown()
        try result.get()
    }

    var facts: RequestFacts { RequestFacts(operation: Operation("storage.object.test")) }
    var service: Caller { Caller(principal: TestStore.service, facts: facts) }

    func address(_ key: String) -> ObjectAddress { ObjectAddress(bucket: bucket, key: ObjectKey(stored: key)) }

    func put(_ text: String, at key: String) async throws {
        _ = try await storage.objects.put(
            Upload(
                body: ByteStream(ByteBuffer(string: text)),
                options: UploadOptions(mode: .replace, contentType: "text/plain", cacheControl: "no-cache")),
            at: address(key), access: .policy(service))
    }

    /// The bytes that anybody gets, or the code of the refusal.
    func publicRead(_ key: String) async throws -> String {
        do {
            let delivered = try await storage.delivery.open(address(key), access: .publicBucket(facts))
            guard case .full(let content) = delivered.outcome else { return "not full" }
            var bytes = ByteBuffer()
            for try await var chunk in content.stream().chunks { bytes.writeBuffer(&chunk) }
            return String(buffer: bytes)
        } catch let error as StorageError {
            return error.code.rawValue
        }
    }

    /// What a public read gives once notices that are under way have come.
    func publicRead(_ key: String, until expected: String) async throws -> String {
        let end = ContinuousClock.now + .seconds(10)
        while true {
            let text = try await publicRead(key)
            if text == expected || ContinuousClock.now > end { return text }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    func sql(_ script: String) async throws { try await store.administrator.execute(script: script) }

    /// A trigger as users write them.
    func makeTrigger(_ event: String, on table: String, _ body: String) async throws {
        try await sql(
            """
            CREATE FUNCTION public.users_own() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \(body) RETURN NEW; END $$;
            CREATE TRIGGER users_own \(event) ON storage.\(table) FOR EACH ROW EXECUTE FUNCTION public.users_own();
            """)
    }

    /// Starts `change`, runs `body` while its COMMIT can't go on, and lets it go on.
    func holdingCommit(
        of change: Change, _ body: (Task<Void, any Error>) async throws -> Void
    ) async throws -> Task<Void, any Error> {
        try await sql(
            """
            CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER hold AFTER UPDATE OR DELETE ON storage.\(change == .closeBucket ? "buckets" : "objects")
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.hold();
            """)
        return try await store.administrator.withTransaction(ending: .rollback) { transaction in
            _ = try await transaction.run([.run(SQL("test_hold", "SELECT pg_advisory_xact_lock(42)"))])
            let task = Task { try await run(change) }
            while try await !isHeld() { await Task.yield() }
            try await body(task)
            return task
        }
    }

    /// Whether somebody waits for a lock. One round trip.
    func isHeld() async throws -> Bool {
        let held = SQL("test_held", "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)")
        return try await store.client.transaction([.run(held)], ending: .rollback)[0].onlyRow().bool(0)
    }

    private func run(_ change: Change) async throws {
        switch change {
        case .closeBucket: try await storage.buckets.update(bucket, changes: BucketChanges(isPublic: false), as: service)
        case .move:
            try await storage.objects.move(from: address("a"), to: address("b"), alphabet: .utf8, as: service)
        case .delete: try await storage.objects.delete(address("a"), as: service)
        case .deleteSome: _ = try await storage.objects.delete([ObjectKey(stored: "a")], in: bucket, as: service)
        case .empty: try await storage.buckets.empty(bucket, as: service)
        }
    }
}

/// Something after which nobody reads the object `a` any more.
enum Change: CaseIterable, Sendable {
    case closeBucket, move, delete, deleteSome, empty

    var answer: String { self == .closeBucket ? "bucketNotFound" : "objectNotFound" }
}

/// A quiet server's cache and what it can't know of its own transactions.
@Suite(.serialized) struct CacheTests {
    @Test func anObjectThatATriggerDeletesIsGone() async throws {
        try await CoreOnPostgres.run { core in
            try await core.put("old", at: "avatar-old.txt")
            #expect(try await core.publicRead("avatar-old.txt") == "old")
            try await core.makeTrigger(
                "AFTER INSERT", on: "objects", "DELETE FROM storage.objects WHERE name = 'avatar-old.txt';")

            try await core.put("new", at: "avatar.txt")

            #expect(try await core.publicRead("avatar-old.txt", until: "objectNotFound") == "objectNotFound")
        }
    }

    @Test func aBucketThatATriggerMakesPrivateIsClosed() async throws {
        try await CoreOnPostgres.run { core in
            try await core.put("open", at: "a")
            #expect(try await core.publicRead("a") == "open")
            try await core.makeTrigger("AFTER INSERT", on: "objects", "UPDATE storage.buckets SET public = false;")

            try await core.put("new", at: "b")

            #expect(try await core.publicRead("a", until: "bucketNotFound") == "bucketNotFound")
        }
    }

    @Test func anUploadThatATriggerRenamesIsReadAtOnce() async throws {
        try await CoreOnPostgres.run { core in
            try await core.put("old", at: "kept")
            #expect(try await core.publicRead("kept") == "old")
            try await core.makeTrigger("BEFORE INSERT", on: "objects", "NEW.name := 'kept';")

            try await core.put("new", at: "asked-for")

            #expect(try await core.publicRead("kept") == "new")
        }
    }

    @Test(arguments: Change.allCases)
    func aChangeWhoseCallerGoesAwayIsMadeToItsEnd(_ change: Change) async throws {
        try await CoreOnPostgres.run { core in
            try await core.put("open", at: "a")
            #expect(try await core.publicRead("a") == "open")

            let task = try await core.holdingCommit(of: change) { task in
                task.cancel()
                // Time enough for a request to cancel that should not be made.
                for _ in 0..<50 { _ = try await core.isHeld() }
            }

            try await task.value
            #expect(try await core.publicRead("a") == change.answer)
        }
    }

    @Test(arguments: Change.allCases)
    func aCommitThatOutlivesItsConnectionIsWaitedFor(_ change: Change) async throws {
        try await CoreOnPostgres.run { core in
            try await core.put("open", at: "a")

            let task = try await core.holdingCommit(of: change) { _ in
                core.store.client.pool.closeLeased()
                // It is kept again before the change happens.
                for _ in 0..<50 {
                    let text = try await core.publicRead("a")
                    #expect(text == "open")
                }
            }

            await #expect(throws: StorageError.self) { try await task.value }
            #expect(try await core.publicRead("a") == change.answer)
        }
    }
}
