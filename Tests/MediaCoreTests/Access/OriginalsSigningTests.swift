// SPDX-License-Identifier: Apache-2.0

import MediaTesting
import Testing
import WireFormats

@testable import MediaCore

struct OriginalsSigningTests {
    private static func signing(_ core: CoreFixture, key: UInt8 = 1) -> OriginalsSigning {
        OriginalsSigning(metadata: core.metadata, cache: core.storage.cache, masterKey: Array(repeating: key, count: 32))
    }

    @Test func theSecretIsShownOnceAndSealed() async throws {
        let core = try await CoreFixture()
        let signing = Self.signing(core)
        let shown = try await signing.enable(for: core.bucket, as: CoreFixture.service)
        let secret = try #require(Hexadecimal.decode(shown, count: 32))
        #expect(try await signing.secret(of: core.bucket, facts: CoreFixture.facts) == secret)
        let sealed = try #require(try await core.metadata.originalsSecret(of: core.bucket, facts: CoreFixture.facts))
        #expect(sealed.count > 32 && !sealed.starts(with: secret) && !Hexadecimal.encode(sealed).contains(shown))
        #expect(try await core.storage.buckets.imageSettings(of: core.bucket, as: CoreFixture.service).signsOriginals)

        #expect(try await signing.enable(for: core.bucket, as: CoreFixture.service) != shown)
        try await signing.disable(for: core.bucket, as: CoreFixture.service)
        #expect(try await signing.secret(of: core.bucket, facts: CoreFixture.facts) == nil)
        #expect(try await !core.storage.buckets.imageSettings(of: core.bucket, as: CoreFixture.service).signsOriginals)
    }

    @Test func neitherAnotherKeyNorAnotherBucketOpensIt() async throws {
        let core = try await CoreFixture()
        _ = try await Self.signing(core).enable(for: core.bucket, as: CoreFixture.service)
        let other = Self.signing(core, key: 2)
        #expect(await errorCode { _ = try await other.secret(of: core.bucket, facts: CoreFixture.facts) } == .notConfigured)

        let bucket = BucketID(stored: "other")
        _ = try await core.storage.buckets.create(Bucket(id: bucket, name: "other"), as: CoreFixture.service)
        let sealed = try await core.metadata.originalsSecret(of: core.bucket, facts: CoreFixture.facts)
        try await core.metadata.setOriginalsSecret(sealed, in: bucket, as: CoreFixture.service)
        let failure = await errorCode { _ = try await Self.signing(core).secret(of: bucket, facts: CoreFixture.facts) }
        #expect(failure == .notConfigured)
    }
}
