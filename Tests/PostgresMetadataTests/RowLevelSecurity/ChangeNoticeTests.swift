// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Synchronization
import Testing

@testable import PostgresMetadata

/// Collects what a watcher is told, and lets a test wait until it was told something.
private final class ChangeLog: Sendable {
    private let changes: AsyncStream<MetadataChange>
    private let continuation: AsyncStream<MetadataChange>.Continuation

    init() { (changes, continuation) = AsyncStream.makeStream(of: MetadataChange.self) }

    func append(_ change: MetadataChange) { continuation.yield(change) }

    /// What came, up to and without the first that equals `last`.
    func changes(until last: MetadataChange) async -> [MetadataChange] {
        var seen: [MetadataChange] = []
        for await change in changes {
            if change == last { return seen }
            seen.append(change)
        }
        return seen
    }
}

/// A store that watches its database while `body` changes it.
private func watching(
    announcesOwnWrites: Bool = false, _ body: (StoreFixture, PostgresMetadataStore, ChangeLog) async throws -> Void
) async throws {
    let store = try await TestStore.migrated(announcesOwnWrites: announcesOwnWrites)
    let log = ChangeLog()
    let watcher = Task { try await store.watch { log.append($0) } }
    #expect(await log.changes(until: .tracking) == [.lostTrack])
    let result: Result<Void, any Error>
    do { result = .success(try await body(StoreFixture(.postgres(store)), store, log)) } catch { result = .failure(error) }
    watcher.cancel()
    _ = await watcher.result
    await store.shutdown()
    try result.get()
}

extension PostgresMetadataStore {
    /// Plain SQL as another program would run it.
    fileprivate func plain(_ script: String) async throws {
        try await administrator.execute(script: "SET storage.allow_delete_query = 'true';\n" + script)
    }

    /// A notice that comes after all earlier ones.
    fileprivate func mark() async throws -> MetadataChange {
        try await plain("SELECT pg_notify('magpie_changes', '[\"bucket\", \"the end\"]')")
        return .bucket(BucketID(stored: "the end"))
    }
}

@Suite(.serialized) struct ChangeNoticeTests {
    @Test func whoMaySeeAFileIsReportedWithItsObject() async throws {
        try await watching { fixture, store, log in
            try await fixture.makeProject("photos")
            let file = try await fixture.addFileForNotices()
            _ = await log.changes(until: try await store.mark())

            try await store.plain("UPDATE magpie.files SET original_name = 'other'")
            try await store.plain("UPDATE magpie.files SET visibility = 'private'")
            #expect(await log.changes(until: try await store.mark()) == [.object(file)])
        }
    }

    private func object(_ key: String, in bucket: String = "photos") -> MetadataChange {
        .object(ObjectAddress(bucket: BucketID(stored: bucket), key: ObjectKey(stored: key)))
    }

    @Test func plainSQLIsAnnouncedByAddress() async throws {
        try await watching { _, store, log in
            try await store.plain("INSERT INTO storage.buckets (id, name) VALUES ('photos', 'photos'), ('b', 'b')")
            try await store.plain(#"INSERT INTO storage.objects (bucket_id, name) VALUES ('photos', 'a"\ü')"#)
            try await store.plain("UPDATE storage.objects SET bucket_id = 'b', name = 'c'")
            try await store.plain("DELETE FROM storage.objects")
            try await store.plain("UPDATE storage.buckets SET public = true WHERE id = 'b'")
            try await store.plain("DELETE FROM storage.buckets WHERE id = 'b'")

            let changes = await log.changes(until: try await store.mark())

            let bucket = MetadataChange.bucket(BucketID(stored: "b"))
            #expect(changes.prefix(3) == [.bucket(BucketID(stored: "photos")), bucket, object(#"a"\ü"#)])
            #expect(Set(changes.dropFirst(3).prefix(2)) == [object(#"a"\ü"#), object("c", in: "b")])
            #expect(changes.dropFirst(5) == [object("c", in: "b"), bucket, bucket])
        }
    }

    @Test func ownWritesAreQuietWhereNobodyElseListens() async throws {
        try await watching { fixture, store, log in
            try await fixture.write()

            #expect(await log.changes(until: try await store.mark()).isEmpty)
        }
    }

    @Test func ownWritesAreAnnouncedToOthers() async throws {
        try await watching(announcesOwnWrites: true) { fixture, store, log in
            try await fixture.write()

            let changes = Set(await log.changes(until: try await store.mark()))

            #expect(changes == [.bucket(BucketID(stored: "photos")), object("a"), object("b"), object("c")])
        }
    }

    @Test func dryRunsAnnounceNothing() async throws {
        try await watching(announcesOwnWrites: true) { fixture, store, log in
            try await fixture.makeBucket()
            let first = await log.changes(until: try await store.mark())

            try await fixture.allow([.insert, .select, .update])
            try await fixture.store.checkPut(fixture.draft("a"), mode: .replace, as: fixture.alice)

            #expect(first == [.bucket(BucketID(stored: "photos"))])
            #expect(await log.changes(until: try await store.mark()).isEmpty)
        }
    }

    @Test(arguments: ["UPDATE storage.objects SET metadata = '{}'", "DELETE FROM storage.objects"])
    func aBulkStatementIsFoldedToItsBucket(_ statement: String) async throws {
        try await watching { _, store, log in
            try await store.plain(
                """
                SET magpie.quiet = 'on';
                INSERT INTO storage.buckets (id, name) VALUES ('photos', 'photos');
                INSERT INTO storage.objects (bucket_id, name) SELECT 'photos', i::text FROM generate_series(1, 101) AS i;
                """)

            try await store.plain(statement)

            #expect(await log.changes(until: try await store.mark()) == [.bucket(BucketID(stored: "photos"))])
        }
    }

    @Test func aBulkStatementOverManyBucketsIsEverything() async throws {
        try await watching { _, store, log in
            try await store.plain(
                "SET magpie.quiet = 'on'; INSERT INTO storage.buckets (id, name) SELECT i, i FROM generate_series(1, 101) AS i;")

            try await store.plain("INSERT INTO storage.objects (bucket_id, name) SELECT id, 'k' FROM storage.buckets")

            #expect(await log.changes(until: try await store.mark()) == [.lostTrack, .tracking])
        }
    }

    @Test func anAddressThatIsTooLongForANoticeIsEverything() async throws {
        try await watching { _, store, log in
            try await store.plain("SET magpie.quiet = 'on'; INSERT INTO storage.buckets (id, name) VALUES ('photos', 'photos');")

            try await store.plain("INSERT INTO storage.objects (bucket_id, name) VALUES ('photos', repeat(chr(1), 1400))")

            #expect(await log.changes(until: try await store.mark()) == [.lostTrack, .tracking])
        }
    }

    @Test func truncationIsEverything() async throws {
        try await watching { _, store, log in
            try await store.plain("TRUNCATE storage.objects")

            #expect(await log.changes(until: try await store.mark()) == [.lostTrack, .tracking])
        }
    }

    @Test func aRolledBackChangeIsNone() async throws {
        try await watching { _, store, log in
            try await store.plain("BEGIN; INSERT INTO storage.buckets (id, name) VALUES ('x', 'x'); ROLLBACK;")

            #expect(await log.changes(until: try await store.mark()).isEmpty)
        }
    }

    @Test(arguments: [
        "", "{}", "[]", #"["object","b"]"#, #"["bucket"]"#, #"["object",1,2]"#, #"["what"]"#, "\u{0}", "[\"bucket\",\"b\"",
    ])
    func aNoticeThatNobodyUnderstandsIsEverything(_ payload: String) {
        #expect(ChangeNotice.changes(in: payload) == [.lostTrack, .tracking])
    }
}

extension StoreFixture {
    /// One write of each kind.
    fileprivate func write() async throws {
        let bucket = try await makeBucket()
        try await put(all: ["a", "b", "a"])
        _ = try await store.moveObject(from: address("a"), to: address("c"), as: service)
        _ = try await store.deleteObject(at: address("b"), as: service)
        _ = try await store.updateBucket(bucket, changes: BucketChanges(isPublic: true), as: service)
    }
}

extension StoreFixture {
    /// A public file. - Returns: where it is.
    fileprivate func addFileForNotices() async throws -> ObjectAddress {
        let ticket = try await issue(to: alice, in: "photos")
        let object = try await put(ticket.address.key.rawValue, in: "photos", owner: Self.alice)
        return try await store.registerFile(fileDraft(ticket, object, visibility: .public), as: alice).address
    }
}
