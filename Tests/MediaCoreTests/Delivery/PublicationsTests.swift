// SPDX-License-Identifier: Apache-2.0

import Logging
import MediaCore
import MediaTesting
import NIOCore
import Synchronization
import Testing

/// What a CDN serves follows the objects.
@Suite struct PublicationsTests {
    private static func publications(_ fixture: CoreFixture, _ publisher: MemoryPublisher) -> Publications {
        Publications(
            bucket: fixture.bucket, publisher: publisher, metadata: fixture.metadata, blobs: OneStore(store: fixture.memory),
            service: CoreFixture.service.principal)
    }

    private static func object(_ key: String, _ fixture: CoreFixture) async throws -> ReadableObject {
        try await fixture.metadata.visibleObject(at: fixture.address(key), as: CoreFixture.service)
    }

    @Test func anObjectThatIsAskedForIsPublishedOnce() async throws {
        let fixture = try await CoreFixture()
        let publisher = MemoryPublisher(blobs: fixture.memory)
        let publications = Self.publications(fixture, publisher)
        try await fixture.put("one", at: "a/b")
        for _ in 0..<3 {
            let url = try await publications.url(of: Self.object("a/b", fixture))
            #expect(url == "cdn:a/b")
        }
        #expect(publisher.texts == ["a/b": "one"])
        #expect(publisher.writes == 1)
    }

    @Test func aNewVersionReplacesTheCopyAndADeletionRemovesIt() async throws {
        let fixture = try await CoreFixture()
        let publisher = MemoryPublisher(blobs: fixture.memory)
        let publications = Self.publications(fixture, publisher)
        try await fixture.put("one", at: "k")
        try await publications.refresh(ObjectKey(stored: "k"))
        try await fixture.put("two", at: "k", options: CoreFixture.options(.replace))
        try await publications.refresh(ObjectKey(stored: "k"))
        #expect(publisher.texts == ["k": "two"])
        try await fixture.storage.objects.delete(fixture.address("k"), as: CoreFixture.service)
        try await publications.refresh(ObjectKey(stored: "k"))
        #expect(publisher.texts.isEmpty)
    }

    /// The first copy is made of a version that is replaced, and published, before it lands.
    @Test func aCopyThatComesLateIsMadeAgain() async throws {
        let fixture = try await CoreFixture()
        let publisher = MemoryPublisher(blobs: fixture.memory)
        let publications = Self.publications(fixture, publisher)
        try await fixture.put("one", at: "k")
        publisher.holdNextWrite { [fixture] in
            try await fixture.put("two", at: "k", options: CoreFixture.options(.replace))
            try await publications.refresh(ObjectKey(stored: "k"))
        }
        try await publications.refresh(ObjectKey(stored: "k"))
        #expect(publisher.texts == ["k": "two"])
    }

    @Test func aDeletionThatComesBetweenIsSeen() async throws {
        let fixture = try await CoreFixture()
        let publisher = MemoryPublisher(blobs: fixture.memory)
        let publications = Self.publications(fixture, publisher)
        try await fixture.put("one", at: "k")
        publisher.holdNextWrite { [fixture] in
            try await fixture.storage.objects.delete(fixture.address("k"), as: CoreFixture.service)
            try await publications.refresh(ObjectKey(stored: "k"))
        }
        try await publications.refresh(ObjectKey(stored: "k"))
        #expect(publisher.texts.isEmpty)
    }

    @Test func aComparisonMendsWhateverDiffers() async throws {
        let fixture = try await CoreFixture()
        let publisher = MemoryPublisher(blobs: fixture.memory)
        let publications = Self.publications(fixture, publisher)
        for key in ["a", "b", "c", "dir/x", "z"] { try await fixture.put("text of \(key)", at: key) }
        #expect(try await publications.reconcile() == 5)
        #expect(try await publications.reconcile() == 0)

        try await fixture.storage.objects.delete(fixture.address("b"), as: CoreFixture.service)
        try await fixture.put("longer than before", at: "c", options: CoreFixture.options(.replace))
        try await fixture.put("new", at: "aa")
        try await publisher.publish(ByteStream(ByteBuffer(string: "stray")), as: "zz", mediaType: "", cacheControl: nil)

        #expect(try await publications.reconcile() == 4)
        #expect(
            publisher.texts == [
                "a": "text of a", "aa": "new", "c": "longer than before", "dir/x": "text of dir/x", "z": "text of z",
            ])
    }

    private static func run(_ publications: Publications) -> Task<Void, Never> {
        Task {
            await publications.run(
                every: .seconds(86_400), delay: .zero, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }
    }

    /// The comparison at the beginning is over before anything is written, and the next one is a day away.
    @Test func whatIsWrittenElsewhereIsPublishedSoonAndNothingTwice() async throws {
        let fixture = try await CoreFixture()
        let publisher = MemoryPublisher(blobs: fixture.memory)
        let publications = Self.publications(fixture, publisher)
        try await fixture.put("first", at: "first")
        try await fixture.put("old", at: "old")
        fixture.storage.cache.follow { publications.note($0) }
        let running = Self.run(publications)
        await settled { publisher.texts == ["first": "first", "old": "old"] }

        try await fixture.put("new", at: "new")
        try await fixture.storage.objects.delete(fixture.address("old"), as: CoreFixture.service)
        await settled { publisher.texts == ["first": "first", "new": "new"] }
        // Its own publication is not repeated when the notice of it is read.
        try await fixture.put("own", at: "own")
        try await publications.refresh(ObjectKey(stored: "own"))
        publications.note(.object(fixture.address("own")))
        try await fixture.put("last", at: "last")
        await settled { publisher.texts["last"] == "last" }
        // Notices of another bucket are none.
        publications.note(.object(fixture.address("first", in: BucketID(stored: "other"))))
        publications.note(.lostTrack)

        #expect(publisher.texts == ["first": "first", "last": "last", "new": "new", "own": "own"])
        running.cancel()
        await running.value
    }

    @Test func afterALossOfNoticesEverythingIsCompared() async throws {
        let fixture = try await CoreFixture()
        let publisher = MemoryPublisher(blobs: fixture.memory)
        let publications = Self.publications(fixture, publisher)
        let running = Self.run(publications)
        try await fixture.put("first", at: "first")
        publications.note(.object(fixture.address("first")))
        await settled { publisher.texts == ["first": "first"] }
        // Nobody says so.
        try await fixture.put("second", at: "second")
        publications.note(.tracking)
        await settled { publisher.texts.count == 2 }
        #expect(publisher.texts == ["first": "first", "second": "second"])
        running.cancel()
        await running.value
    }

    @Test func whatNoURLCanCarryIsNotPublished() async throws {
        let fixture = try await CoreFixture()
        let publisher = MemoryPublisher(blobs: fixture.memory)
        let publications = Self.publications(fixture, publisher)
        try await fixture.put("one", at: "a/../b")
        #expect(try await publications.url(of: Self.object("a/../b", fixture)) == nil)
        #expect(try await publications.reconcile() == 0)
        #expect(publisher.texts.isEmpty)
    }
}

/// Keeps copies in memory.
private final class MemoryPublisher: BlobPublisher {
    private struct Copy {
        var text: String
        var at: Timestamp
    }

    private struct State {
        var copies: [String: Copy] = [:]
        var writes = 0
        var held: (@Sendable () async throws -> Void)?
    }

    let backend = BackendID.managed
    private let blobs: InMemoryBlobStore
    private let state = Mutex(State())

    init(blobs: InMemoryBlobStore) { self.blobs = blobs }

    var texts: [String: String] { state.withLock { $0.copies.mapValues(\.text) } }
    var writes: Int { state.withLock { $0.writes } }

    /// Does something between the reading of the next blob and the writing of its copy.
    func holdNextWrite(_ body: @escaping @Sendable () async throws -> Void) { state.withLock { $0.held = body } }

    func publish(_ blob: BlobKey, of size: Int64, as name: String, mediaType: String, cacheControl: String?) async throws {
        let body = try await blobs.get(blob, range: nil).stream()
        try await publish(body, as: name, mediaType: mediaType, cacheControl: cacheControl)
    }

    func publish(_ body: ByteStream, as name: String, mediaType: String, cacheControl: String?) async throws {
        let text = String(buffer: try await body.collected())
        let held = state.withLock { state in
            defer { state.held = nil }
            return state.held
        }
        try await held?()
        state.withLock { state in
            state.copies[name] = Copy(text: text, at: .now())
            state.writes += 1
        }
    }

    func withdraw(_ name: String) async throws { state.withLock { _ = $0.copies.removeValue(forKey: name) } }

    func published(after name: String?, limit: Int) async throws -> BlobPage {
        let found = state.withLock { state in
            state.copies.sorted { $0.key < $1.key }.filter { $0.key > name ?? "" }
        }
        let page = found.prefix(limit).map { name, copy in
            BlobInfo(key: BlobKey(name), size: Int64(copy.text.utf8.count), modifiedAt: copy.at)
        }
        return BlobPage(blobs: page, cursor: found.count > page.count ? page.last?.key.rawValue : nil)
    }

    func canPublish(_ name: String) -> Bool { !name.split(separator: "/").contains("..") }

    func url(of name: String) -> String { "cdn:\(name)" }
}
