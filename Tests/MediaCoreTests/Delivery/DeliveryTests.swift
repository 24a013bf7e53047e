// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import NIOCore
import Synchronization
import Testing

struct DeliveryTests {
    @Test func aPrivateObjectIsNeverServedFromTheCacheToSomeoneTheDatabaseWouldRefuse() async throws {
        let core = try await CoreFixture()
        try await core.put("secret", at: "a")
        let grant = SignedGrant(address: core.address("a"), action: .download, expiresAt: nil)
        #expect(try await core.read("a", access: .grant(grant, CoreFixture.facts)) == "secret")

        #expect(await errorCode { _ = try await core.read("a", access: .policy(CoreFixture.caller())) } == .objectNotFound)
        #expect(await errorCode { _ = try await core.read("a", access: .publicBucket(CoreFixture.facts)) } == .bucketNotFound)
    }

    @Test func aBucketThatGoesPrivateIsClosedAtOnce() async throws {
        let core = try await CoreFixture(public: true)
        try await core.put("open", at: "a")
        let delivered = try await core.storage.delivery.open(core.address("a"), access: .publicBucket(CoreFixture.facts))
        let held = try #require(delivered.cached)
        #expect(held.body.bytes == ByteBuffer(string: "open"))

        try await core.storage.buckets.update(
            core.bucket, changes: BucketChanges(isPublic: false), as: CoreFixture.service)

        #expect(await errorCode { _ = try await core.read("a", access: .publicBucket(CoreFixture.facts)) } == .bucketNotFound)
        #expect(held.body.bytes == nil)
    }

    @Test func anObjectThatWasDescribedFirstIsKeptWithItsBytesAfterwards() async throws {
        let blobs = Mutex<FaultyBlobStore?>(nil)
        let core = try await CoreFixture(
            public: true,
            wrapping: { store in
                let faulty = FaultyBlobStore(store)
                blobs.withLock { $0 = faulty }
                return faulty
            })
        let counter = try #require(blobs.withLock { $0 })
        try await core.put("open", at: "a")
        _ = try await core.storage.delivery.describe(core.address("a"), access: .publicBucket(CoreFixture.facts))

        for _ in 0..<3 { #expect(try await core.read("a", access: .publicBucket(CoreFixture.facts)) == "open") }

        #expect(counter.count(of: .get) == 1)
    }

    @Test func aReplacedObjectIsReadAnewAtOnce() async throws {
        let core = try await CoreFixture(public: true)
        try await core.put("old", at: "a")
        #expect(try await core.read("a", access: .publicBucket(CoreFixture.facts)) == "old")

        try await core.put("new", at: "a", options: CoreFixture.options(.replace))

        #expect(try await core.read("a", access: .publicBucket(CoreFixture.facts)) == "new")
    }

    @Test func aDeletedObjectIsGoneFromTheCacheAtOnce() async throws {
        let core = try await CoreFixture(public: true)
        try await core.put("old", at: "a")
        _ = try await core.read("a", access: .publicBucket(CoreFixture.facts))

        try await core.storage.objects.delete(core.address("a"), as: CoreFixture.service)

        #expect(await errorCode { _ = try await core.read("a", access: .publicBucket(CoreFixture.facts)) } == .objectNotFound)
    }

    @Test(arguments: [true, false])
    func aRangeIsAnsweredWithItsBytes(isPublic: Bool) async throws {
        let core = try await CoreFixture(public: isPublic)
        try await core.put("0123456789", at: "a")
        _ = try await core.read("a")

        let delivered = try await core.storage.delivery.open(
            core.address("a"), range: .closed(2...4), access: .policy(CoreFixture.service))

        #expect(try await CoreFixture.text(delivered) == "234")
        guard case .partial(_, let range) = delivered.outcome else {
            Issue.record("the whole object came")
            return
        }
        #expect(range == 2..<5)
    }

    @Test func aRangeOfAnotherVersionIsAnsweredWithTheWhole() async throws {
        let core = try await CoreFixture()
        try await core.put("0123456789", at: "a")

        let delivered = try await core.storage.delivery.open(
            core.address("a"), range: .from(5), preconditions: Preconditions(ifRange: "\"other\""),
            access: .policy(CoreFixture.service))

        #expect(try await CoreFixture.text(delivered) == "0123456789")
    }

    @Test func aReaderThatHasTheBytesGetsNone() async throws {
        let core = try await CoreFixture(public: true)
        let record = try await core.put("x", at: "a")
        let tag = record.entityTag(ObjectMetadata(parsing: record.metadata))

        for _ in 0..<2 {
            let delivered = try await core.storage.delivery.open(
                core.address("a"), preconditions: Preconditions(ifNoneMatch: tag), access: .publicBucket(CoreFixture.facts))
            guard case .notModified = delivered.outcome else {
                Issue.record("bytes came")
                return
            }
            _ = try await core.read("a", access: .publicBucket(CoreFixture.facts))
        }
    }

    @Test func aGrantOpensNothingButItsObject() async throws {
        let core = try await CoreFixture()
        try await core.put("x", at: "a")
        try await core.put("y", at: "b")
        let grant = SignedGrant(address: core.address("a"), action: .download, expiresAt: nil)

        let code = await errorCode {
            _ = try await core.storage.delivery.open(core.address("b"), access: .grant(grant, CoreFixture.facts))
        }

        #expect(code == .signatureMismatch)
    }

    @Test func aRowWithoutItsBytesSaysSo() async throws {
        let core = try await CoreFixture()
        let record = try await core.put("x", at: "a")
        try await core.memory.delete([BlobKey(try #require(record.version).rawValue)])

        #expect(await errorCode { _ = try await core.read("a") } == .blobMissing)
    }
}
