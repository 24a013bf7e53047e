// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import NIOCore
import Testing

struct CopyMoveDeleteTests {
    private static let keep = CopyOptions(mode: .create, metadata: .keep, alphabet: .utf8)

    @Test func aCopyHasTheBytesAndBothKindsOfMetadata() async throws {
        let core = try await CoreFixture()
        try await core.put("hello", at: "a", options: CoreFixture.options(metadata: #"{"x":1}"#))

        let copy = try await core.storage.objects.copy(
            from: core.address("a"), to: core.address("b"), options: Self.keep, as: CoreFixture.service)

        #expect(try await core.read("b") == "hello")
        #expect(copy.userMetadata?.rawValue.contains("x") == true)
        #expect(ObjectMetadata(parsing: copy.metadata).cacheControl == "max-age=60")
    }

    @Test func aCopyOutlivesItsSource() async throws {
        let core = try await CoreFixture()
        try await core.put("hello", at: "a")
        _ = try await core.storage.objects.copy(
            from: core.address("a"), to: core.address("b"), options: Self.keep, as: CoreFixture.service)

        try await core.storage.objects.delete(core.address("a"), as: CoreFixture.service)
        try await core.upkeep.removeDeletedBlobs()

        #expect(try await core.read("b") == "hello")
    }

    @Test func aCopyOntoItselfRewritesTheMetadata() async throws {
        let core = try await CoreFixture()
        try await core.put("hello", at: "a", options: CoreFixture.options(metadata: #"{"x":1}"#))
        let options = CopyOptions(
            mode: .replace, metadata: .replace(cacheControl: "max-age=9", mimetype: nil, userMetadata: nil), alphabet: .utf8)

        _ = try await core.storage.objects.copy(
            from: core.address("a"), to: core.address("a"), options: options, as: CoreFixture.service)
        try await core.upkeep.removeDeletedBlobs()

        let (_, details) = try await core.storage.delivery.describe(core.address("a"), access: .policy(CoreFixture.service))
        #expect(details.cacheControl == "max-age=9")
        #expect(details.mimetype == "text/plain")
        #expect(try await core.read("a") == "hello")
    }

    @Test func aCopyDoesNotReplaceUnasked() async throws {
        let core = try await CoreFixture()
        try await core.put("one", at: "a")
        try await core.put("two", at: "b")

        let code = await errorCode {
            _ = try await core.storage.objects.copy(
                from: core.address("a"), to: core.address("b"), options: Self.keep, as: CoreFixture.service)
        }

        #expect(code == .objectExists)
        #expect(try await core.read("b") == "two")
        #expect(try await core.blobCount() == 2)
    }

    @Test func aCopyObeysTheLimitsOfItsDestination() async throws {
        let core = try await CoreFixture()
        try await core.put("too long", at: "a")
        let small = BucketID(stored: "small")
        _ = try await core.storage.buckets.create(Bucket(id: small, name: "small", fileSizeLimit: 3), as: CoreFixture.service)
        let images = BucketID(stored: "images")
        _ = try await core.storage.buckets.create(
            Bucket(id: images, name: "images", allowedMimeTypes: ["image/*"]), as: CoreFixture.service)

        for (bucket, expected) in [(small, StorageError.Code.tooLarge), (images, .mediaTypeNotAllowed)] {
            let code = await errorCode {
                _ = try await core.storage.objects.copy(
                    from: core.address("a"), to: core.address("a", in: bucket), options: Self.keep, as: CoreFixture.service)
            }
            #expect(code == expected)
        }
        #expect(try await core.blobCount() == 1)
    }

    @Test func aMovedObjectKeepsItsIdAndBytes() async throws {
        let core = try await CoreFixture()
        let before = try await core.put("hello", at: "a")

        try await core.storage.objects.move(
            from: core.address("a"), to: core.address("b"), alphabet: .utf8, as: CoreFixture.service)

        let (after, _) = try await core.storage.delivery.describe(core.address("b"), access: .policy(CoreFixture.service))
        #expect(after.record.id == before.id)
        #expect(try await core.read("b") == "hello")
        #expect(await errorCode { _ = try await core.read("a") } == .objectNotFound)
    }

    @Test func aMoveNeverOverwrites() async throws {
        let core = try await CoreFixture()
        try await core.put("one", at: "a")
        try await core.put("two", at: "b")

        let code = await errorCode {
            try await core.storage.objects.move(
                from: core.address("a"), to: core.address("b"), alphabet: .utf8, as: CoreFixture.service)
        }

        #expect(code == .objectExists)
        #expect(try await core.read("a") == "one")
        #expect(try await core.read("b") == "two")
    }

    @Test func aMoveOntoItselfDoesNothing() async throws {
        let core = try await CoreFixture()
        try await core.put("one", at: "a")

        try await core.storage.objects.move(
            from: core.address("a"), to: core.address("a"), alphabet: .utf8, as: CoreFixture.service)

        #expect(try await core.read("a") == "one")
    }

    @Test func aDeletedObjectIsGoneAndItsBytesFollow() async throws {
        let core = try await CoreFixture()
        try await core.put("one", at: "a")

        try await core.storage.objects.delete(core.address("a"), as: CoreFixture.service)

        #expect(await errorCode { _ = try await core.read("a") } == .objectNotFound)
        try await core.upkeep.removeDeletedBlobs()
        #expect(try await core.blobCount() == 0)
    }

    @Test func manyAreDeletedInOneCall() async throws {
        let core = try await CoreFixture()
        for number in 0..<1200 { try await core.put("x", at: "k\(number)") }
        let keys = (0..<1201).map { ObjectKey(stored: "k\($0)") }

        let deleted = try await core.storage.objects.delete(keys, in: core.bucket, as: CoreFixture.service)

        #expect(deleted.count == 1200)
        try await core.upkeep.removeDeletedBlobs()
        #expect(try await core.blobCount() == 0)
    }

    @Test func onlyTheServiceEmptiesABucket() async throws {
        let core = try await CoreFixture()
        try await core.put("x", at: "a")

        #expect(await errorCode { try await core.storage.buckets.empty(core.bucket, as: CoreFixture.caller()) } == .wrongRole)
        try await core.storage.buckets.empty(core.bucket, as: CoreFixture.service)

        #expect(await errorCode { _ = try await core.read("a") } == .objectNotFound)
    }

    @Test func aBucketWithTooManyObjectsIsNotEmptied() async throws {
        let core = try await CoreFixture(limits: UploadLimits(maxObjectBytes: 10, maxObjectsToEmpty: 2))
        for key in ["a", "b", "c"] { try await core.put("x", at: key) }

        #expect(await errorCode { try await core.storage.buckets.empty(core.bucket, as: CoreFixture.service) } == .tooManyObjects)

        #expect(try await core.read("a") == "x")
    }
}
