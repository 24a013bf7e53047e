// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// Who sees and changes an asset: who sees and changes its object.
    @Suite struct AssetAccess {
        /// An asset of each of two people.
        private func fill(_ fixture: StoreFixture) async throws -> (hers: Asset, his: Asset) {
            try await fixture.makeProject()
            try await fixture.makeProject("other")
            let hers = try await fixture.addAsset(owner: StoreFixture.alice) {
                $0.changes.name = "hers"
                $0.publicID = "hers"
            }
            try await fixture.pause()
            let his = try await fixture.addAsset(owner: StoreFixture.bob) {
                $0.changes.name = "his"
                $0.publicID = "his"
                $0.origin = Derivation(source: hers.id, type: "svg")
            }
            return (hers, his)
        }

        private func visible(_ fixture: StoreFixture, as caller: Caller) async throws -> [String] {
            let project = BucketID(stored: "shop")
            let query = AssetQuery(includesDerived: true)
            let listed = try await fixture.names(query, as: caller)
            #expect(try await fixture.list(query, as: caller).total == listed.count)
            var search = query
            search.search = "h"
            #expect(try await fixture.names(search, as: caller) == listed)
            for name in ["hers", "his"] {
                let error = await failure { try await fixture.asset(name, as: caller) }
                #expect(error?.code == (listed.contains(name) ? nil : .objectNotFound))
            }
            let parent = try await fixture.asset("hers").id
            let derived = try await fixture.store.derivedAssets(of: parent, in: project, as: caller)
            #expect(derived.isEmpty != listed.contains("his"))
            return listed
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func oneSeesTheAssetsOfTheObjectsOneSees(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                _ = try await fill(fixture)
                #expect(try await visible(fixture, as: fixture.alice) == [])
                try await fixture.allow([.select], where: .ownerIsCaller)
                #expect(try await visible(fixture, as: fixture.alice) == ["hers"])
                #expect(try await visible(fixture, as: fixture.bob) == ["his"])
                #expect(try await visible(fixture, as: fixture.anon) == [])
                #expect(try await visible(fixture, as: fixture.service) == ["his", "hers"])
                try await fixture.allow([.select], to: "anon")
                #expect(try await visible(fixture, as: fixture.anon) == ["his", "hers"])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aKeySeesAndChangesItsProjectsOnly(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                _ = try await fill(fixture)
                let project = BucketID(stored: "shop")
                let (own, foreign) = (fixture.key(of: "x", "shop"), fixture.key(of: "other"))
                #expect(try await visible(fixture, as: own) == ["his", "hers"])
                #expect(try await visible(fixture, as: foreign) == [])
                #expect(try await visible(fixture, as: fixture.key()) == [])
                var changes = AssetChanges()
                changes.name = "named"
                #expect(
                    try await fixture.store.updateAsset("his", changes: changes, in: project, as: own).details.name == "named")
                let error = await failure {
                    try await fixture.store.updateAsset("his", changes: changes, in: project, as: foreign)
                }
                #expect(error?.code == .objectNotFound)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func whoMayUpdateTheObjectMayChangeTheAsset(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let (hers, _) = try await fill(fixture)
                let project = BucketID(stored: "shop")
                var changes = AssetChanges()
                changes.caption = "changed"
                func update(_ name: String, _ caller: Caller) async -> StorageError? {
                    await failure { try await fixture.store.updateAsset(name, changes: changes, in: project, as: caller) }
                }

                #expect(await update("hers", fixture.alice)?.code == .objectNotFound)
                try await fixture.allow([.select])
                let refused = await update(hers.id.rawValue, fixture.alice)
                #expect(refused?.code == .accessDenied)
                #expect(refused?.refusal == PolicyRefusal(role: "authenticated", command: .update, table: "storage.objects"))
                #expect(try await fixture.asset("hers").details.caption == nil)
                try await fixture.allow([.update], where: .ownerIsCaller)
                #expect(await update("his", fixture.alice)?.code == .accessDenied)
                #expect(await update("hers", fixture.alice) == nil)
                #expect(await update("none", fixture.alice)?.code == .objectNotFound)
                #expect(try await fixture.asset("hers").details.caption == "changed")
                #expect(try await fixture.asset("his").details.caption == nil)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aCallersUploadIsAnAssetToo(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                try await fixture.allow([.select, .insert, .update])
                let trial = try await fixture.store.checkPut(
                    fixture.draft("a.png", in: "shop"), mode: .replace, as: fixture.alice)
                // The trial leaves nothing behind.
                #expect(try await fixture.list().total == 0)
                #expect(try await fixture.inspections().isEmpty)

                var object = fixture.newObject("a.png", in: "shop", owner: StoreFixture.alice)
                object.trial = trial
                _ = try await fixture.store.commitPut(object, mode: .replace, facts: fixture.facts)
                #expect(try await fixture.asset(at: "a.png") != nil)
                #expect(try await fixture.inspections().count == 1)

                _ = try await fixture.store.moveObject(
                    from: object.address, to: fixture.address("b.png", in: "shop"), as: fixture.alice)
                #expect(try await fixture.asset(at: "b.png")?.originalFileName == "b.png")
                try await fixture.allow([.delete])
                _ = try await fixture.store.deleteObject(at: fixture.address("b.png", in: "shop"), as: fixture.alice)
                #expect(try await fixture.list().total == 0)
                #expect(try await fixture.totals() == .none)
            }
        }
    }
}
