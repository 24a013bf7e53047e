// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import MediaCore

struct ReadCacheTests {
    private static func object(_ key: String, bucket: String = "b", isPublic: Bool = true) -> ReadableObject {
        let address = ObjectAddress(bucket: BucketID(stored: bucket), key: ObjectKey(stored: key))
        return ReadableObject(
            bucket: Bucket(id: address.bucket, name: bucket, isPublic: isPublic),
            record: ObjectRecord(id: ObjectID(), address: address, version: ObjectVersion()), blob: nil)
    }

    private static func tracking(capacity: Int = 1 << 20) -> ReadCache {
        let cache = ReadCache(capacity: capacity, maxBodyBytes: 64 << 10)
        cache.apply(.tracking)
        return cache
    }

    @discardableResult
    private static func keep(_ object: ReadableObject, in cache: ReadCache, bytes: Int = 10) -> CachedObject? {
        guard let ticket = cache.ticket(for: object.record.address) else { return nil }
        return cache.insert(
            object, details: ObjectMetadata(), body: ByteBuffer(repeating: 1, count: bytes), ticket: ticket)
    }

    @Test func givesBackWhatWasKept() throws {
        let cache = Self.tracking()
        let object = Self.object("k")

        Self.keep(object, in: cache)

        #expect(cache.lookup(object.record.address)?.object == object)
    }

    @Test func keepsNothingWhileChangesMayBeMissed() {
        let cache = ReadCache(capacity: 1 << 20, maxBodyBytes: 1024)
        let object = Self.object("k")

        #expect(cache.ticket(for: object.record.address) == nil)

        cache.apply(.tracking)
        Self.keep(object, in: cache)
        cache.apply(.lostTrack)

        #expect(cache.lookup(object.record.address) == nil)
        #expect(cache.ticket(for: object.record.address) == nil)
    }

    @Test func anInvalidatedObjectIsNoLongerValidForThoseWhoHoldIt() throws {
        let cache = Self.tracking()
        let object = Self.object("k")
        let held = try #require(Self.keep(object, in: cache))

        cache.invalidate(object.record.address)

        #expect(held.body.bytes == nil)
        #expect(cache.lookup(object.record.address) == nil)
    }

    @Test func aReadThatBeganBeforeAChangeIsNotKept() throws {
        let cache = Self.tracking()
        let object = Self.object("k")
        let ticket = try #require(cache.ticket(for: object.record.address))

        cache.invalidate(object.record.address)

        #expect(cache.insert(object, details: ObjectMetadata(), body: nil, ticket: ticket) == nil)
        #expect(cache.lookup(object.record.address) == nil)
    }

    @Test func aReadThatBeganBeforeABucketChangedIsNotKept() throws {
        let cache = Self.tracking()
        let object = Self.object("k")
        let ticket = try #require(cache.ticket(for: object.record.address))

        cache.apply(.bucket(BucketID(stored: "b")))

        #expect(cache.insert(object, details: ObjectMetadata(), body: nil, ticket: ticket) == nil)
    }

    @Test func aReadThatBeganBeforeTrackWasLostIsNotKept() throws {
        let cache = Self.tracking()
        let object = Self.object("k")
        let ticket = try #require(cache.ticket(for: object.record.address))

        cache.apply(.lostTrack)
        cache.apply(.tracking)

        #expect(cache.insert(object, details: ObjectMetadata(), body: nil, ticket: ticket) == nil)
    }

    @Test func aRecordAloneDoesNotReplaceOneWithItsBytes() throws {
        let cache = Self.tracking()
        let object = Self.object("k")
        Self.keep(object, in: cache)
        let ticket = try #require(cache.ticket(for: object.record.address))

        #expect(cache.insert(object, details: ObjectMetadata(), body: nil, ticket: ticket) == nil)

        #expect(cache.lookup(object.record.address)?.body.bytes != nil)
    }

    @Test func aBucketsObjectsGoTogether() {
        let cache = Self.tracking()
        let inside = [Self.object("1"), Self.object("2")]
        let outside = Self.object("1", bucket: "other")
        for object in inside + [outside] { Self.keep(object, in: cache) }

        cache.invalidate(BucketID(stored: "b"))

        #expect(inside.allSatisfy { cache.lookup($0.record.address) == nil })
        #expect(cache.lookup(outside.record.address) != nil)
    }

    @Test func staysBelowItsCapacity() {
        let cache = Self.tracking(capacity: 100 << 10)
        let objects = (0..<500).map { Self.object("k\($0)") }

        for object in objects { Self.keep(object, in: cache, bytes: 4096) }

        let kept = objects.compactMap { cache.lookup($0.record.address) }
        #expect(!kept.isEmpty)
        #expect(kept.reduce(0) { $0 + $1.cost } <= 100 << 10)
    }

    @Test func whatIsReadOftenOutlivesWhatIsReadOnce() {
        let cache = Self.tracking(capacity: 100 << 10)
        let favourite = Self.object("favourite")
        Self.keep(favourite, in: cache, bytes: 4096)

        for number in 0..<300 {
            #expect(cache.lookup(favourite.record.address) != nil)
            Self.keep(Self.object("k\(number)"), in: cache, bytes: 4096)
        }

        #expect(cache.lookup(favourite.record.address) != nil)
    }

    @Test func aCapacityOfNothingKeepsNothing() {
        let cache = ReadCache(capacity: 0, maxBodyBytes: 0)
        cache.apply(.tracking)

        #expect(cache.ticket(for: Self.object("k").record.address) == nil)
    }
}
