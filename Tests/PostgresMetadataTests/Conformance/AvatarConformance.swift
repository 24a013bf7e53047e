// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// Pictures of users, which are files.
    @Suite struct Avatars {
        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aUserHasOnePictureAtATime(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let (store, shop, facts) = (fixture.store, fixture.shop, fixture.facts)
                let first = try await fixture.addFile("a.png", .public, of: fixture.alice, label: .avatars)
                let second = try await fixture.addFile("b.png", .public, of: fixture.alice, label: .avatars)

                #expect(try await store.avatar(of: "u", in: shop, facts: facts) == nil)
                #expect(try await store.setAvatar(first.id, of: "u", in: shop, facts: facts) == nil)
                #expect(try await store.avatar(of: "u", in: shop, facts: facts) == first)
                #expect(try await store.setAvatar(first.id, of: "u", in: shop, facts: facts) == nil)
                #expect(try await store.setAvatar(second.id, of: "u", in: shop, facts: facts) == first.id)
                #expect(try await store.avatar(of: "v", in: shop, facts: facts) == nil)
                #expect(try await store.setAvatar(nil, of: "u", in: shop, facts: facts) == second.id)
                #expect(try await store.setAvatar(nil, of: "u", in: shop, facts: facts) == nil)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aPictureGoesWithItsFile(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let (store, shop, facts) = (fixture.store, fixture.shop, fixture.facts)
                let file = try await fixture.addFile("a.png", .public, of: fixture.alice, label: .avatars)
                _ = try await store.setAvatar(file.id, of: "u", in: shop, facts: facts)

                _ = try await store.deleteObject(at: file.address, as: fixture.alice)

                #expect(try await store.avatar(of: "u", in: shop, facts: facts) == nil)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aPictureIsAFileOfTheProject(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let file = try await fixture.addFile("a.png", .public, of: fixture.alice, label: .avatars)

                for (id, project) in [(FileID(), fixture.shop), (file.id, BucketID(stored: "other"))] {
                    let missing = await failure {
                        try await fixture.store.setAvatar(id, of: "u", in: project, facts: fixture.facts)
                    }
                    #expect(missing?.code == .objectNotFound)
                }
            }
        }
    }
}
