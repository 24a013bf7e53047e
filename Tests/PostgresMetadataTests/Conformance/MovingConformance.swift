// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    @Suite struct Moving {
        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aMoveKeepsIdentityBytesAndCreation(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.makeBucket("other")
                let written = try await fixture.put("a", owner: StoreFixture.bob, userMetadata: #"{"k":"v"}"#)
                try await fixture.allow([.select, .update])
                let target = fixture.address("dir/b", in: "other")

                let moved = try await fixture.store.moveObject(from: fixture.address("a"), to: target, as: fixture.alice)

                #expect(moved.id == written.id && moved.version == written.version && moved.createdAt == written.createdAt)
                #expect(moved.address == target && moved.ownerID == StoreFixture.alice && moved.owner == StoreFixture.alice)
                #expect(try await fixture.store.visibleObject(at: target, as: fixture.alice).blob?.size == 3)
                let old = await failure { try await fixture.store.visibleObject(at: fixture.address("a"), as: fixture.alice) }
                #expect(old?.code == .objectNotFound)
                #expect(try await fixture.dueDeletions().isEmpty)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aMoverWithoutASubjectLeavesTheOwner(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.put("a", owner: StoreFixture.bob)

                let moved = try await fixture.store.moveObject(
                    from: fixture.address("a"), to: fixture.address("b"), as: fixture.service)

                #expect(moved.ownerID == StoreFixture.bob && moved.owner == StoreFixture.bob)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aTakenDestinationIsAConflict(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                let a = try await fixture.put("a")
                let b = try await fixture.put("b")

                let error = await failure {
                    try await fixture.store.moveObject(from: fixture.address("a"), to: fixture.address("b"), as: fixture.service)
                }

                #expect(error?.code == .objectExists)
                #expect(try await fixture.store.visibleObject(at: fixture.address("a"), as: fixture.service).record == a)
                #expect(try await fixture.store.visibleObject(at: fixture.address("b"), as: fixture.service).record == b)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func anUnknownBucketIsAMissingResource(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.put("a")

                let error = await failure {
                    try await fixture.store.moveObject(
                        from: fixture.address("a"), to: fixture.address("a", in: "none"), as: fixture.service)
                }

                #expect(error?.code == .relatedResourceMissing)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aMissingSourceIsNotFound(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()

                let error = await failure {
                    try await fixture.store.moveObject(from: fixture.address("a"), to: fixture.address("b"), as: fixture.service)
                }

                #expect(error?.code == .objectNotFound)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aRefusedDestinationLeavesTheObjectAndNamesUpdate(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                let written = try await fixture.put("mine/a")
                try await fixture.allow([.select])
                try await fixture.allow([.update], where: .keyStartsWith("mine/"))

                let error = await failure {
                    try await fixture.store.moveObject(
                        from: fixture.address("mine/a"), to: fixture.address("a"), as: fixture.alice)
                }

                #expect(error?.code == .accessDenied && error?.message == "new row violates row-level security policy")
                #expect(error?.refusal == PolicyRefusal(role: "authenticated", command: .update, table: "storage.objects"))
                #expect(try await fixture.store.visibleObject(at: fixture.address("mine/a"), as: fixture.alice).record == written)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aDestinationTheMoverCouldNotSeeNamesSelect(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.put("mine/a")
                try await fixture.allow([.select], where: .keyStartsWith("mine/"))
                try await fixture.allow([.update])

                let error = await failure {
                    try await fixture.store.moveObject(
                        from: fixture.address("mine/a"), to: fixture.address("a"), as: fixture.alice)
                }

                #expect(error?.code == .accessDenied && error?.refusal?.command == .select)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func crossingMovesEndWithoutWaitingForEachOther(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.put(all: ["a", "b"])

                let codes = await withTaskGroup(of: StorageError.Code?.self) { group in
                    for (source, target) in [("a", "b"), ("b", "a"), ("a", "b"), ("b", "a")] {
                        group.addTask {
                            await failure {
                                try await fixture.store.moveObject(
                                    from: fixture.address(source), to: fixture.address(target), as: fixture.service)
                            }?.code
                        }
                    }
                    return await group.reduce(into: [StorageError.Code?]()) { $0.append($1) }
                }

                #expect(codes == Array(repeating: .objectExists, count: 4))
            }
        }
    }
}
