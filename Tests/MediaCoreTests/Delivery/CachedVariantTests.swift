// SPDX-License-Identifier: Apache-2.0

import MediaTesting
import NIOCore
import Testing

@testable import MediaCore

/// Variants in the cache of objects.
struct CachedVariantTests {
    private static func tracking(capacity: Int = 1 << 20) -> ReadCache {
        let cache = ReadCache(capacity: capacity, maxBodyBytes: 64 << 10)
        cache.apply(.tracking)
        return cache
    }

    private static func object(_ key: String) -> ReadableObject {
        let address = ObjectAddress(bucket: BucketID(stored: "b"), key: ObjectKey(stored: key))
        return ReadableObject(
            bucket: Bucket(id: address.bucket, name: "b", isPublic: true),
            record: ObjectRecord(id: ObjectID(), address: address, version: ObjectVersion()), blob: nil)
    }

    private static func keep(_ object: ReadableObject, in cache: ReadCache) throws -> CachedObject {
        let ticket = try #require(cache.ticket(for: object.record.address))
        return try #require(cache.insert(object, details: ObjectMetadata(), body: nil, ticket: ticket))
    }

    private static func variant(_ name: String, of object: ReadableObject, bytes: Int = 100) -> CachedVariant {
        CachedVariant(
            name: VariantName(version: object.record.version ?? ObjectVersion(), fingerprint: name), mediaType: "image/webp",
            body: ByteBuffer(repeating: 1, count: bytes))
    }

    @Test func isFoundByItsName() throws {
        let cache = Self.tracking()
        let object = Self.object("k")
        let variant = Self.variant("1", of: object)

        #expect(cache.keep(variant, of: try Self.keep(object, in: cache)))

        #expect(cache.variant(variant.name) === variant)
        #expect(cache.variant(Self.variant("2", of: object).name) == nil)
    }

    @Test func goesWithItsObject() throws {
        let cache = Self.tracking()
        let (object, other) = (Self.object("k"), Self.object("other"))
        let variants = ["1", "2"].map { Self.variant($0, of: object) }
        let cached = try Self.keep(object, in: cache)
        for variant in variants { #expect(cache.keep(variant, of: cached)) }
        let stays = Self.variant("1", of: other)
        #expect(cache.keep(stays, of: try Self.keep(other, in: cache)))

        cache.apply(.object(object.record.address))

        #expect(variants.allSatisfy { cache.variant($0.name) == nil && $0.body.bytes == nil })
        #expect(cache.variant(stays.name) != nil)
    }

    @Test(arguments: [MetadataChange.bucket(BucketID(stored: "b")), .lostTrack])
    func goesWithItsBucketAndWhenChangesMayBeMissed(_ change: MetadataChange) throws {
        let cache = Self.tracking()
        let object = Self.object("k")
        let variant = Self.variant("1", of: object)
        #expect(cache.keep(variant, of: try Self.keep(object, in: cache)))

        cache.apply(change)

        #expect(cache.variant(variant.name) == nil)
        #expect(variant.body.bytes == nil)
    }

    @Test func isNotKeptForAnObjectThatChangedMeanwhile() throws {
        let cache = Self.tracking()
        let object = Self.object("k")
        let cached = try Self.keep(object, in: cache)
        cache.apply(.object(object.record.address))

        #expect(!cache.keep(Self.variant("1", of: object), of: cached))
    }

    @Test func oneThatIsTooLargeIsNotKept() throws {
        let cache = Self.tracking()
        let object = Self.object("k")
        let cached = try Self.keep(object, in: cache)

        #expect(!cache.keep(Self.variant("1", of: object, bytes: 65 << 10), of: cached))
    }

    @Test func manyVariantsStayWithinTheBudgetAndUnderstandable() throws {
        let cache = Self.tracking(capacity: 256 << 10)
        var random = SeededGenerator(seed: 4)
        let objects = (0..<20).map { Self.object("\($0)") }
        var kept: [CachedVariant] = []

        for round in 0..<5000 {
            guard let object = objects.randomElement(using: &random) else { continue }
            let address = object.record.address
            switch Int.random(in: 0..<10, using: &random) {
            case 0: cache.apply(.object(address))
            case 1: _ = cache.lookup(address)
            default:
                let cached = try cache.lookup(address) ?? Self.keep(object, in: cache)
                let variant = Self.variant("\(round % 300)", of: object, bytes: Int.random(in: 1...8000, using: &random))
                if cache.keep(variant, of: cached) { kept.append(variant) }
            }
            #expect(cache.cost <= 256 << 10)
        }

        // What can be found is alive, and belongs to an object that is there; what was dropped is empty.
        for variant in kept {
            if cache.variant(variant.name) === variant {
                #expect(variant.body.bytes != nil)
                #expect(objects.contains { $0.record.version == variant.name.version && cache.lookup($0.record.address) != nil })
            } else {
                #expect(variant.body.bytes == nil)
            }
        }
        for object in objects { cache.apply(.object(object.record.address)) }
        #expect(cache.cost == 0)
    }
}
