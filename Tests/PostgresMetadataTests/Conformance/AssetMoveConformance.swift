// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// Assets whose objects move, and buckets that become projects.
    @Suite struct AssetMoves {
        private static let red = "img_01J9Q2B7ZK3V8M5T6R4W2X1Y0A"
        private static let blue = "img_01J9Q2B7ZK3V8M5T6R4W2X1Y0B"

        @discardableResult
        private func move(
            _ key: String, in bucket: String = "shop", to newKey: String, into newBucket: String = "shop", _ fixture: StoreFixture
        ) async throws -> ObjectRecord {
            try await fixture.store.moveObject(
                from: fixture.address(key, in: bucket), to: fixture.address(newKey, in: newBucket), as: fixture.service)
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aRenamedObjectKeepsItsIDAndFollowsItsKey(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let first = try await fixture.addAsset("old/a.png") { $0.publicID = "a" }

                try await move("old/a.png", to: "new/b.png", fixture)

                let asset = try await fixture.asset("a")
                #expect(asset.id == first.id)
                #expect(asset.address.key.rawValue == "new/b.png")
                #expect(asset.details.folder == FolderPath(stored: "new"))
                #expect(asset.originalFileName == "b.png")
                #expect(asset.inspectedVersion == first.inspectedVersion)
                #expect(try await fixture.inspections().isEmpty)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func whatPeopleChangedDoesNotFollowTheKey(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                try await fixture.addAsset("old/a.png") { record in
                    record.publicID = "a"
                    record.originalFileName = "mine.png"
                    record.changes.folder = FolderPath(stored: "filed")
                }

                try await move("old/a.png", to: "new/b.png", fixture)

                let asset = try await fixture.asset("a")
                #expect(asset.details.folder == FolderPath(stored: "filed"))
                #expect(asset.originalFileName == "mine.png")
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aKeyOfTheFormOfAnIDIsTheIDWhereItIsFree(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let project = try await fixture.makeProject()
                let parent = try await fixture.addAsset("a.png") { $0.publicID = "a" }
                let child = try await fixture.addAsset("poster.png") { record in
                    record.origin = Derivation(source: parent.id, type: "poster")
                    record.isThumbnail = true
                }

                try await move("a.png", to: Self.red, fixture)
                #expect(try await fixture.asset("a").id.rawValue == Self.red)
                let derived = try await fixture.store.derivedAssets(
                    of: AssetID(stored: Self.red), in: project, as: fixture.service)
                #expect(derived.map(\.id) == [child.id])

                // Its thumbnail gets another id too; the asset goes on to point to it.
                try await move("poster.png", to: Self.blue, fixture)
                #expect(try await fixture.asset("a").thumbnailID?.rawValue == Self.blue)

                // Away from its key the id stays, and is not another's then.
                try await move(Self.red, to: "b.png", fixture)
                #expect(try await fixture.asset("a").id.rawValue == Self.red)
                try await fixture.put(Self.red, in: "shop")
                let other = try #require(try await fixture.asset(at: Self.red))
                #expect(other.id.rawValue != Self.red)
                #expect(try await fixture.asset(Self.red).address.key.rawValue == "b.png")
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func anAssetThatGoesToAnotherProjectIsUniqueThere(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                try await fixture.makeProject("other")
                let parent = try await fixture.addAsset("film.mp4") { $0.publicID = "film" }
                let moved = try await fixture.addAsset(Self.red) { record in
                    record.publicID = "red"
                    record.changes.name = "Red"
                    record.origin = Derivation(source: parent.id, type: "poster")
                    record.isThumbnail = true
                }
                try await fixture.addAsset(Self.red, in: "other") { $0.publicID = "red" }

                try await move(Self.red, to: "red.png", into: "other", fixture)

                let asset = try await fixture.asset("red-2", in: "other")
                #expect(asset.id != moved.id)
                #expect(asset.details.name == "Red")
                #expect(asset.origin == nil)
                #expect(asset.inspectedVersion == moved.inspectedVersion)
                #expect(try await fixture.asset("film").thumbnailID == nil)
                #expect(await failure { try await fixture.asset("red") }?.code == .objectNotFound)
                #expect(try await fixture.totals() == ProjectTotals(objects: 1, bytes: 3))
                #expect(try await fixture.totals(of: "other") == ProjectTotals(objects: 2, bytes: 6))
                #expect(try await fixture.list(in: "other").total == 2)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func anObjectLeavesAndEntersAProject(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                try await fixture.makeBucket("photos")
                let first = try await fixture.addAsset("a.png") { $0.changes.name = "A" }

                try await move("a.png", to: "a.png", into: "photos", fixture)
                #expect(try await fixture.list().total == 0)
                #expect(try await fixture.totals() == .none)

                try await move("a.png", in: "photos", to: "back/a.png", fixture)
                let asset = try #require(try await fixture.asset(at: "back/a.png"))
                #expect(asset.id != first.id)
                #expect(asset.details.name == nil)
                #expect(asset.inspectedVersion == nil)
                #expect(try await fixture.inspections() == [asset.id.rawValue])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func anObjectThatMovesBeforeItIsLookedAtIsLookedAtThere(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                try await fixture.put("a.png", in: "shop")
                let asset = try #require(try await fixture.asset(at: "a.png"))

                let moved = try await move("a.png", to: Self.red, fixture)
                #expect(try await fixture.inspections() == [Self.red])
                #expect(try await fixture.record(moved).id.rawValue == Self.red)

                #expect(try await fixture.inspections().isEmpty)
                #expect(asset.id.rawValue != Self.red)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aBucketInUseBecomesAProjectWithItsAssets(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket("shop")
                for key in ["b/c.png", Self.red, "a.png"] {
                    try await fixture.put(key, in: "shop")
                    try await fixture.pause()
                }

                try await fixture.makeProject()

                let page = try await fixture.list()
                // By the times of the ids, and the one of the key is the oldest.
                #expect(page.assets.map(\.address.key.rawValue) == ["a.png", "b/c.png", Self.red])
                #expect(page.total == 3)
                #expect(try await fixture.inspections().count == 3)
                #expect(try await fixture.totals() == ProjectTotals(objects: 3, bytes: 9))
                let job = try await fixture.store.jobs(matching: JobQuery(kinds: [.adoptObjects]))
                #expect(job.jobs.isEmpty)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aLargeBucketIsAdoptedByAJobFromWhereItGot(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket("shop")
                for number in 0..<1005 { try await fixture.adopt("\(1000 + number).png", in: "shop", version: "\(number)") }

                let project = try await fixture.makeProject()
                #expect(try await fixture.totals().objects == 1000)
                let jobs = try await fixture.store.jobs(matching: JobQuery(kinds: [.adoptObjects])).jobs
                #expect(jobs.map(\.bucket) == [project])
                #expect(jobs.first?.payload.rawValue.contains("1999.png") ?? false)

                try await fixture.put("3000.png", in: "shop")
                var last = try await fixture.store.adoptObjects(
                    after: ObjectKey(stored: "1999.png"), limit: 3, in: project)
                #expect(last?.rawValue == "2002.png")
                last = try await fixture.store.adoptObjects(after: last, limit: 100, in: project)
                #expect(last == nil)
                #expect(try await fixture.totals().objects == 1006)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aDeletedProjectLeavesNothingForTheNextOfItsName(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let project = try await fixture.makeProject()
                let asset = try await fixture.addAsset { $0.publicID = "a" }
                try await fixture.store.createFolder(FolderPath("x/y"), in: project, as: fixture.service)
                _ = try await fixture.store.deleteObject(at: asset.address, as: fixture.service)
                try await fixture.store.deleteProject(project)

                try await fixture.makeProject()
                #expect(try await fixture.list().total == 0)
                #expect(try await fixture.store.folders(in: project, as: fixture.service).isEmpty)
                #expect(try await fixture.addAsset { $0.publicID = "a" }.publicID == "a")
            }
        }
    }
}
