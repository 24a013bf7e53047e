// SPDX-License-Identifier: Apache-2.0

import MediaTesting
import NIOCore
import Testing

@testable import MediaCore

/// Buckets whose originals are only given for a signature, or a right.
struct SignedOriginalsTests {
    private static let open = Access.publicBucket(CoreFixture.facts)
    private static let anonymous = CoreFixture.caller(role: "anon", subject: nil)

    private static func core(public isPublic: Bool = true) async throws -> CoreFixture {
        let core = try await CoreFixture(public: isPublic)
        try await core.put("original", at: "a")
        return core
    }

    private static func sign(_ core: CoreFixture) async throws {
        try await core.metadata.setOriginalsSecret([1], in: core.bucket, as: CoreFixture.service)
        core.storage.cache.apply(.bucket(core.bucket))
    }

    private static func failure(_ core: CoreFixture, _ access: Access) async -> StorageError.Code? {
        await errorCode { _ = try await core.read("a", access: access) }
    }

    @Test func whoHasNoRightOfTheirOwnIsRefused() async throws {
        let core = try await Self.core()
        core.metadata.setPolicies([Policy(["anon", "authenticated"], .select, .objects)])
        try await Self.sign(core)
        #expect(await Self.failure(core, Self.open) == .accessDenied)
        #expect(await Self.failure(core, .policy(Self.anonymous)) == .accessDenied)
        #expect(try await core.read("a", access: .policy(CoreFixture.caller())) == "original")
        #expect(try await core.read("a") == "original")
        let grant = SignedGrant(address: core.address("a"), action: .download, expiresAt: nil)
        #expect(try await core.read("a", access: .grant(grant, CoreFixture.facts)) == "original")
        // What others read is in memory by now.
        #expect(core.storage.cache.lookup(core.address("a")) != nil)
        #expect(await Self.failure(core, Self.open) == .accessDenied)
    }

    @Test func aTokenIsNoRightWherePoliciesGiveNone() async throws {
        let core = try await Self.core()
        try await Self.sign(core)
        core.metadata.setPolicies([])
        let user = Access.policy(CoreFixture.caller())
        #expect(await Self.failure(core, user) == .accessDenied)
        // Nor when it is in memory.
        _ = try await core.read("a")
        let grant = SignedGrant(address: core.address("a"), action: .download, expiresAt: nil)
        _ = try await core.read("a", access: .grant(grant, CoreFixture.facts))
        #expect(core.storage.cache.lookup(core.address("a")) != nil)
        #expect(await Self.failure(core, user) == .accessDenied)
        #expect(
            await errorCode { _ = try await core.storage.delivery.describe(core.address("a"), access: user) } == .accessDenied)
        #expect(
            await errorCode { _ = try await core.storage.delivery.find(nil, at: core.address("a"), access: user) }
                == .accessDenied)

        core.metadata.setPolicies([Policy(["authenticated"], .select, .objects)])
        #expect(try await core.read("a", access: user) == "original")
    }

    @Test func whatIsInMemoryIsRefusedFromThenOn() async throws {
        let core = try await Self.core()
        let delivered = try await core.storage.delivery.open(core.address("a"), access: Self.open)
        let held = try #require(delivered.cached)
        try await Self.sign(core)
        #expect(held.body.bytes == nil)
        #expect(await Self.failure(core, Self.open) == .accessDenied)

        try await core.metadata.setOriginalsSecret(nil, in: core.bucket, as: CoreFixture.service)
        core.storage.cache.apply(.bucket(core.bucket))
        #expect(try await core.read("a", access: Self.open) == "original")
    }

    @Test func neitherDescriptionsNorVersionsSayMore() async throws {
        let core = try await Self.core()
        try await Self.sign(core)
        let delivery = core.storage.delivery
        let described = await errorCode { _ = try await delivery.describe(core.address("a"), access: Self.open) }
        let found = await errorCode { _ = try await delivery.find(nil, at: core.address("a"), access: Self.open) }
        #expect(described == .accessDenied && found == .accessDenied)
        // For those who make something of it.
        #expect(try await delivery.look(at: core.address("a"), access: Self.open).object.record.address == core.address("a"))
    }

    @Test func aPrivateBucketIsNoMoreKnownThanBefore() async throws {
        let core = try await Self.core(public: false)
        try await Self.sign(core)
        #expect(await Self.failure(core, Self.open) == .bucketNotFound)
        #expect(await Self.failure(core, .policy(Self.anonymous)) == .objectNotFound)
    }

    @Test func anonymousCallersNeitherCopyNorMoveNorSignThem() async throws {
        let core = try await Self.core()
        core.metadata.setPolicies(
            [Policy.Command.select, .insert, .update, .delete].flatMap { command in
                [Policy(["anon"], command, .objects), Policy(["anon"], command, .buckets)]
            })
        let other = BucketID(stored: "other")
        _ = try await core.storage.buckets.create(Bucket(id: other, name: "other", isPublic: true), as: CoreFixture.service)
        let (source, target) = (core.address("a"), core.address("b", in: other))
        let options = CopyOptions(mode: .create, metadata: .keep, alphabet: .utf8)
        func failures() async -> [StorageError.Code?] {
            [
                await errorCode { _ = try await core.storage.signedURLs.download(source, lifetime: 60, as: Self.anonymous) },
                await errorCode {
                    _ = try await core.storage.signedURLs.downloads(["a"], in: core.bucket, lifetime: 60, as: Self.anonymous)
                },
                await errorCode {
                    _ = try await core.storage.objects.copy(from: source, to: target, options: options, as: Self.anonymous)
                },
                await errorCode {
                    try await core.storage.objects.move(from: source, to: target, alphabet: .utf8, as: Self.anonymous)
                },
            ]
        }
        try await Self.sign(core)
        #expect(await failures() == Array(repeating: .accessDenied, count: 4))
        let rendering = SignedRendering(transformations: "width:1", format: nil)
        _ = try await core.storage.signedURLs.download(source, lifetime: 60, rendering: rendering, as: Self.anonymous)
    }
}
