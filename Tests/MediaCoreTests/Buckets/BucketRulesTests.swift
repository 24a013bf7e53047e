// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

/// When an upload learns that its bucket's rules have changed.
struct BucketRulesTests {
    private static let small = BucketChanges(fileSizeLimit: .some(3))

    private func change(_ core: CoreFixture) async throws {
        _ = try await core.metadata.updateBucket(core.bucket, changes: Self.small, as: CoreFixture.service)
    }

    private func outcome(_ core: CoreFixture, _ key: String) async -> StorageError.Code? {
        await errorCode { try await core.put("four", at: key) }
    }

    @Test func aChangeThroughThisServerHoldsAtOnce() async throws {
        let core = try await CoreFixture()
        try await core.put("four", at: "a")

        try await core.storage.buckets.update(core.bucket, changes: Self.small, as: CoreFixture.service)

        #expect(await outcome(core, "b") == .tooLarge)
    }

    @Test func aChangeByOthersHoldsWhenItIsReported() async throws {
        let core = try await CoreFixture()
        try await core.put("four", at: "a")

        try await change(core)
        #expect(await outcome(core, "b") == nil)
        core.storage.cache.apply(.bucket(core.bucket))

        #expect(await outcome(core, "c") == .tooLarge)
    }

    @Test func nothingIsKeptWhileChangesMayBeMissed() async throws {
        let core = try await CoreFixture()
        core.storage.cache.apply(.lostTrack)
        try await core.put("four", at: "a")

        try await change(core)

        #expect(await outcome(core, "b") == .tooLarge)
    }

    @Test func losingTrackForgetsWhatWasKept() async throws {
        let core = try await CoreFixture()
        try await core.put("four", at: "a")

        try await change(core)
        core.storage.cache.apply(.lostTrack)

        #expect(await outcome(core, "b") == .tooLarge)
    }

    @Test func aDeletedBucketIsGoneForUploads() async throws {
        let core = try await CoreFixture()
        try await core.put("four", at: "a")
        try await core.storage.objects.delete(core.address("a"), as: CoreFixture.service)

        try await core.storage.buckets.delete(core.bucket, as: CoreFixture.service)

        #expect(await outcome(core, "b") == .bucketNotFound)
    }
}
