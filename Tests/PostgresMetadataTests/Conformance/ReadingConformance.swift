// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    @Suite struct Reading {
        @Test(arguments: MetadataStoreUnderTest.allCases)
        func anObjectComesWithItsBucketAndBlob(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                let object = fixture.newObject("a.png", owner: StoreFixture.alice)
                let written = try await fixture.store.commitPut(object, mode: .create, facts: fixture.facts)

                let read = try await fixture.store.object(at: object.address, access: .policy(fixture.service))

                #expect(read.record == written && read.blob == object.blob && read.bucket.id.rawValue == "photos")
                #expect(written.version == object.version && written.ownerID == StoreFixture.alice)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aPrivateObjectNeedsAPolicy(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                let written = try await fixture.put("a.png", owner: StoreFixture.alice)
                try await fixture.allow([.select], where: .ownerIsCaller)
                let address = fixture.address("a.png")

                #expect(try await fixture.store.object(at: address, access: .policy(fixture.alice)).record == written)
                #expect(try await fixture.store.object(at: address, access: .policy(fixture.alice)).blob != nil)
                for stranger in [fixture.bob, fixture.anon] {
                    let error = await failure { try await fixture.store.object(at: address, access: .policy(stranger)) }
                    #expect(error?.code == .objectNotFound && error?.message == "Object not found")
                }
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aHiddenObjectLooksLikeAMissingOne(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.put("a.png")

                let hidden = await failure {
                    try await fixture.store.object(at: fixture.address("a.png"), access: .policy(fixture.alice))
                }
                let missing = await failure {
                    try await fixture.store.object(at: fixture.address("b.png"), access: .policy(fixture.alice))
                }

                #expect(hidden?.code == .objectNotFound && hidden?.code == missing?.code && hidden?.message == missing?.message)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aPublicBucketNeedsNoPolicy(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket(isPublic: true)
                let written = try await fixture.put("a.png")
                let address = fixture.address("a.png")

                #expect(try await fixture.store.object(at: address, access: .policy(fixture.anon)).record == written)
                #expect(try await fixture.store.object(at: address, access: .publicBucket(fixture.facts)).record == written)
                let error = await failure {
                    try await fixture.store.object(at: fixture.address("none"), access: .publicBucket(fixture.facts))
                }
                #expect(error?.code == .objectNotFound)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aPrivateBucketIsNoPublicOne(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.put("a.png")

                let error = await failure {
                    try await fixture.store.object(at: fixture.address("a.png"), access: .publicBucket(fixture.facts))
                }

                #expect(error?.code == .bucketNotFound)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aGrantReadsWhatNoPolicyShows(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                let written = try await fixture.put("a.png")
                let grant = SignedGrant(address: fixture.address("a.png"), action: .download, expiresAt: nil)

                let read = try await fixture.store.object(at: grant.address, access: .grant(grant, fixture.facts))

                #expect(read.record == written && read.blob?.key.rawValue == written.version?.rawValue)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func anUnknownBucketIsNotFoundByAnyAccess(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let address = fixture.address("a", in: "none")
                let grant = SignedGrant(address: address, action: .download, expiresAt: nil)
                let ways: [Access] = [.policy(fixture.alice), .publicBucket(fixture.facts), .grant(grant, fixture.facts)]

                for access in ways {
                    #expect(
                        await failure { try await fixture.store.object(at: address, access: access) }?.code == .bucketNotFound)
                }
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func visibilityIsAskedInPublicBucketsToo(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket(isPublic: true)
                try await fixture.put("a.png", owner: StoreFixture.alice)
                try await fixture.allow([.select], where: .ownerIsCaller)
                let address = fixture.address("a.png")

                #expect(try await fixture.store.visibleObject(at: address, as: fixture.alice).bucket.isPublic)
                #expect(
                    await failure { try await fixture.store.visibleObject(at: address, as: fixture.bob) }?.code == .objectNotFound
                )
                let unknown = fixture.address("a", in: "none")
                #expect(
                    await failure { try await fixture.store.visibleObject(at: unknown, as: fixture.alice) }?.code
                        == .objectNotFound)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func onlyVisibleKeysAreTold(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                try await fixture.put("mine", owner: StoreFixture.alice)
                try await fixture.put("theirs", owner: StoreFixture.bob)
                try await fixture.put(#"qu"ote\"#, owner: StoreFixture.alice)
                try await fixture.allow([.select], where: .ownerIsCaller)
                let keys = ["mine", "theirs", "none", #"qu"ote\"#].map { ObjectKey(stored: $0) }

                let visible = try await fixture.store.visibleKeys(among: keys, in: bucket, as: fixture.alice)

                #expect(visible == [ObjectKey(stored: "mine"), ObjectKey(stored: #"qu"ote\"#)])
                let unknown = BucketID(stored: "none")
                #expect(try await fixture.store.visibleKeys(among: keys, in: unknown, as: fixture.alice).isEmpty)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases, ["nobody", "", "postgres\"; DROP", "none"])
        func aRoleTheDatabaseDoesNotHaveIsDenied(_ kind: MetadataStoreUnderTest, _ role: String) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                let caller = fixture.caller(role: role, subject: nil)

                #expect(
                    await failure { try await fixture.store.bucket(BucketID(stored: "photos"), as: caller) }?.code
                        == .accessDenied)
                let read = await failure { try await fixture.store.object(at: fixture.address("a"), access: .policy(caller)) }
                #expect(read?.code == .accessDenied)
                let write = await failure { try await fixture.store.checkPut(fixture.draft("a"), mode: .create, as: caller) }
                #expect(write?.code == .accessDenied && write?.refusal == nil)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aRoleTheDatabaseDoesNotHaveStillReadsPublicBuckets(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket(isPublic: true)
                let written = try await fixture.put("a.png")
                let caller = fixture.caller(role: "nobody", subject: nil)

                let read = try await fixture.store.object(at: fixture.address("a.png"), access: .policy(caller))

                #expect(read.record == written)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func anAdoptedRowHasNoBlob(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket(isPublic: true)
                try await fixture.adopt("old", version: nil)
                try await fixture.adopt("newer", version: "3b241101-e2bb-4255-8caf-4136c566a962")

                for key in ["old", "newer"] {
                    let read = try await fixture.store.object(at: fixture.address(key), access: .publicBucket(fixture.facts))
                    #expect(read.blob == nil && read.record.metadata == nil)
                }
            }
        }

        @Test(
            arguments: MetadataStoreUnderTest.allCases, ["ключ/Ü 漢字.png", "a///b", "a%5Fb_c'd\"e\\f", " leading", "\u{1}control"])
        func everyKeyIsKeptAsItIs(_ kind: MetadataStoreUnderTest, _ key: String) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.put(key)

                let read = try await fixture.store.object(at: fixture.address(key), access: .policy(fixture.service))

                #expect(read.record.address.key.rawValue.utf8.elementsEqual(key.utf8))
            }
        }
    }
}
