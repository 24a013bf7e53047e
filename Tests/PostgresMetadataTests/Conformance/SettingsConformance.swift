// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Synchronization
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// Settings of buckets, tags of objects, and access keys.
    @Suite struct Settings {
        private static let cors = [
            CORSRule(
                id: "1", allowedOrigins: ["https://*.example.com"], allowedMethods: ["GET"], exposedHeaders: ["ETag"], maxAge: 60)
        ]
        private static let lifecycle = [
            LifecycleRule(id: "1", filter: LifecycleRule.Filter(prefix: "logs/", tags: ["a": "1"]), expiration: .days(3)),
            LifecycleRule(id: "2", isEnabled: false, expiration: .date(1_800_000_000), noncurrent: .init(days: 2, kept: 1)),
            LifecycleRule(id: "3", expiration: .deleteMarkers, abortIncompleteAfter: 7),
        ]

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func whatIsNotChangedStays(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                func change(_ changes: BucketSettingsChanges) async throws {
                    let changed = try await fixture.store.updateBucketSettings(bucket, changes: changes, as: fixture.service)
                    #expect(try await fixture.store.bucketSettings(bucket, facts: fixture.facts) == changed)
                }
                #expect(try await fixture.store.bucketSettings(bucket, facts: fixture.facts) == .none)

                var expected = BucketSettings.none
                expected.tags = TagSet(stored: ["team": "media", "a": "ü"])
                try await change(BucketSettingsChanges(tags: expected.tags))
                expected.cors = Self.cors
                try await change(BucketSettingsChanges(cors: Self.cors))
                expected.lifecycle = Self.lifecycle
                try await change(BucketSettingsChanges(lifecycle: Self.lifecycle))
                expected.versioning = .suspended
                try await change(BucketSettingsChanges(versioning: .suspended))
                #expect(try await fixture.store.bucketSettings(bucket, facts: fixture.facts) == expected)

                try await change(BucketSettingsChanges(cors: .some(nil)))
                try await change(BucketSettingsChanges(tags: .empty))
                expected.cors = nil
                expected.tags = .empty
                #expect(try await fixture.store.bucketSettings(bucket, facts: fixture.facts) == expected)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func versioningCanOnlyBeSuspended(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeVersionedBucket()
                #expect(await failure { try await fixture.setVersioning(.off) }?.code == .invalidRequest)
                try await fixture.setVersioning(.suspended)
                #expect(await failure { try await fixture.setVersioning(.off) }?.code == .invalidRequest)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func settingsAreForWhoMayUpdateTheBucket(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                let changes = BucketSettingsChanges(tags: TagSet(stored: ["a": "1"]))
                func change(_ id: BucketID) async -> StorageError.Code? {
                    await failure { try await fixture.store.updateBucketSettings(id, changes: changes, as: fixture.alice) }?.code
                }

                #expect(await change(bucket) == .bucketNotFound)
                try await fixture.allow([.select], on: .buckets)
                #expect(await change(bucket) == .bucketNotFound)
                try await fixture.allow([.update], on: .buckets)
                #expect(await change(bucket) == nil)
                #expect(await change(BucketID(stored: "none")) == .bucketNotFound)
                let missing = await failure {
                    try await fixture.store.bucketSettings(BucketID(stored: "none"), facts: fixture.facts)
                }
                #expect(missing?.code == .bucketNotFound)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func settingsGoWithTheirBucket(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeVersionedBucket()
                try await fixture.store.deleteBucket(bucket, as: fixture.service)
                try await fixture.makeBucket()
                #expect(try await fixture.store.bucketSettings(bucket, facts: fixture.facts) == .none)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func bucketsWithRulesAreFound(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                for name in ["b", "a", "c"] { try await fixture.makeBucket(name) }
                for name in ["b", "a"] {
                    _ = try await fixture.store.updateBucketSettings(
                        BucketID(stored: name), changes: BucketSettingsChanges(lifecycle: Self.lifecycle), as: fixture.service)
                }
                try await fixture.setVersioning(.enabled, of: "c")

                let found = try await fixture.store.bucketsWithLifecycle()
                #expect(found.map(\.id.rawValue) == ["a", "b"] && found.allSatisfy { $0.settings.lifecycle == Self.lifecycle })
            }
        }

        // MARK: Tags

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func tagsAreReadWithTheObjectAndStayWithTheirVersion(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeVersionedBucket()
                let first = try await fixture.put("a")
                let tags = TagSet(stored: ["a": "1", "ü": "\"2\""])
                func read(_ id: VersionID?) async throws -> TagSet {
                    guard
                        case .object(let object, _) = try await fixture.store.version(
                            id, at: fixture.address("a"), access: .policy(fixture.service))
                    else { return TagSet(stored: ["no": "object"]) }
                    return ObjectMetadata(parsing: object.record.metadata).tags
                }
                func tag(_ tags: TagSet, _ id: VersionID? = nil) async throws -> VersionID {
                    try await fixture.store.replaceTags(tags, of: fixture.address("a"), version: id, as: fixture.service)
                }
                let old = VersionID.id(try #require(first.version))

                #expect(try await tag(tags) == old)
                #expect(try await read(nil) == tags)
                _ = try await fixture.store.moveObject(from: fixture.address("a"), to: fixture.address("b"), as: fixture.service)
                _ = try await fixture.store.moveObject(from: fixture.address("b"), to: fixture.address("a"), as: fixture.service)
                let second = VersionID.id(try #require(try await fixture.put("a").version))
                #expect(try await read(second).isEmpty)
                #expect(try await read(old) == tags)
                let others = TagSet(stored: ["b": "2"])
                #expect(try await tag(others, old) == old)
                #expect(try await tag(tags, second) == second)
                #expect(try await read(old) == others)
                #expect(try await read(nil) == tags)
                #expect(try await tag(.empty) == second)
                #expect(try await tag(.empty, old) == old)
                #expect(try await read(nil).isEmpty)
                #expect(try await read(old).isEmpty)

                let marker = try #require(try await fixture.delete("a").marker)
                #expect(await failure { try await tag(tags) }?.code == .objectNotFound)
                #expect(await failure { try await tag(tags, marker) }?.code == .objectNotFound)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func tagsAreForWhoMayUpdateTheObject(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.put("a", owner: StoreFixture.alice)
                func tag(_ caller: Caller) async -> StorageError? {
                    await failure {
                        try await fixture.store.replaceTags(
                            TagSet(stored: ["a": "1"]), of: fixture.address("a"), version: nil, as: caller)
                    }
                }

                #expect(await tag(fixture.alice)?.code == .objectNotFound)
                try await fixture.allow([.select])
                #expect(await tag(fixture.alice)?.code == .accessDenied)
                try await fixture.allow([.update], where: .ownerIsCaller)
                #expect(await tag(fixture.alice) == nil)
                #expect(await tag(fixture.bob)?.refusal?.command == .update)
            }
        }

        // MARK: Access keys

        private static func key(_ id: String, at seconds: Int64) -> StoredAccessKey {
            StoredAccessKey(
                id: AccessKeyID(id), sealedSecret: "sealed", claims: JSONText(trusted: #"{"role": "authenticated"}"#),
                description: "of \(id)", createdAt: Timestamp(microseconds: seconds * 1_000_000))
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func accessKeysAreKeptListedAndRevoked(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let (old, new) = (Self.key("old", at: 1), Self.key("new", at: 2))
                try await fixture.store.insertAccessKey(old)
                try await fixture.store.insertAccessKey(new)
                #expect(await failure { try await fixture.store.insertAccessKey(old) }?.code == .invalidRequest)
                #expect(try await fixture.store.accessKeys() == [new, old])
                #expect(try await fixture.store.accessKey(AccessKeyID("none")) == nil)

                #expect(try await fixture.store.revokeAccessKey(old.id))
                #expect(try await !fixture.store.revokeAccessKey(old.id))
                #expect(try await !fixture.store.revokeAccessKey(AccessKeyID("none")))
                #expect(try await fixture.store.accessKey(old.id)?.revokedAt != nil)
                #expect(try await fixture.store.accessKey(new.id) == new)
            }
        }

        @Test(.timeLimit(.minutes(1)), arguments: MetadataStoreUnderTest.allCases)
        func aRevocationIsAnnounced(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let key = Self.key("a", at: 1)
                try await fixture.store.insertAccessKey(key)
                let (changes, continuation) = AsyncStream.makeStream(of: MetadataChange.self)
                let watching = Task { try await fixture.store.watch { continuation.yield($0) } }
                for await change in changes {
                    if change == .tracking { #expect(try await fixture.store.revokeAccessKey(key.id)) }
                    if change == .accessKey(key.id) { break }
                }
                watching.cancel()
                _ = await watching.result
            }
        }
    }
}
