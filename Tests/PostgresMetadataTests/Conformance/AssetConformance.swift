// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// Assets and their objects: where rows come from, and what is written down in them.
    @Suite struct Assets {
        @Test(arguments: MetadataStoreUnderTest.allCases)
        func anObjectIsAnAssetWithItsKeyForAnID(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let id = AssetID(.video)

                let object = try await fixture.put(id.rawValue, in: "shop")

                let asset = try await fixture.asset(id.rawValue)
                #expect(asset.id == id)
                #expect(asset.address == object.address)
                #expect(asset.inspectedVersion == nil)
                #expect(asset.facts == AssetFacts(kind: .image, mediaType: "image/png", size: 3))
                #expect(asset.details == AssetDetails())
                #expect(asset.originalFileName == nil)
                #expect(asset.uploadedAt == object.createdAt)
                #expect(try await fixture.inspections() == [id.rawValue])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func anObjectOfAnotherDialectGetsAnIDAFolderAndAFileName(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                try await fixture.put("catalog/shoes/Red boot.png", in: "shop")
                try await fixture.put("a//x/b.png", in: "shop")
                try await fixture.put("img_short", in: "shop")
                try await fixture.put("img_01J9Q2B7ZK3V8M5T6R4W2X1Y0I", in: "shop")

                let asset = try #require(try await fixture.asset(at: "catalog/shoes/Red boot.png"))
                #expect(asset.id.rawValue.wholeMatch(of: /img_[0-9A-HJKMNP-TV-Z]{26}/) != nil)
                #expect(asset.details.folder == FolderPath(stored: "catalog/shoes"))
                #expect(asset.originalFileName == "Red boot.png")
                // What is no path of folders is the root.
                #expect(try await fixture.asset(at: "a//x/b.png")?.details.folder == .root)
                for key in ["img_short", "img_01J9Q2B7ZK3V8M5T6R4W2X1Y0I"] {
                    let other = try #require(try await fixture.asset(at: key))
                    #expect(other.id.rawValue != key)
                    #expect(other.originalFileName == key)
                }
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func whatIsNoProjectAndMarksOfFoldersAreNoAssets(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                try await fixture.makeBucket("photos")
                try await fixture.put("a.png", in: "photos")
                try await fixture.adopt("empty/", in: "shop", version: "1")
                try await fixture.adopt("empty/.emptyFolderPlaceholder", in: "shop", version: "2")

                #expect(try await fixture.list().total == 0)
                #expect(try await fixture.inspections().isEmpty)
                let missing = await failure { try await fixture.list(in: "photos") }
                #expect(missing?.code == .bucketNotFound)
                #expect(await failure { try await fixture.asset("img_1", in: "photos") }?.code == .bucketNotFound)
                #expect(await failure { try await fixture.asset("img_1", in: "none") }?.code == .bucketNotFound)
                #expect(await failure { try await fixture.asset("img_1") }?.code == .objectNotFound)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func whatIsRecordedIsReadBack(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let object = try await fixture.put("clip", in: "shop")
                let date = Timestamp(microseconds: 1_600_000_000_123_456)
                let changes = Self.everything(date)

                let asset = try await fixture.record(object, facts: StoreFixture.video) { record in
                    record.changes = changes
                    record.exif = ["Make": "Nikon \"Z\"", "Model": "Ünï\n"]
                    record.originalFileName = "clip – final.mp4"
                    record.publicID = "clip"
                }

                #expect(asset == (try await fixture.asset("clip")))
                #expect(asset.facts == StoreFixture.video)
                #expect(asset.exif == ["Make": "Nikon \"Z\"", "Model": "Ünï\n"])
                #expect(asset.originalFileName == "clip – final.mp4")
                #expect(asset.inspectedVersion == object.version)
                #expect(asset.publicID == "clip")
                #expect(asset.details == Self.details(date))
                #expect(try await fixture.inspections().isEmpty)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func whatAFileSaysMayHoldAnyByte(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let object = try await fixture.put("a.png", in: "shop")
                let record = AssetRecord(
                    address: object.address, version: try #require(object.version), facts: StoreFixture.image,
                    exif: ["Ma\u{0}ke": "Nikon\u{0}\u{0}", "Raw": "\u{1}\u{1F}\u{7F}\u{10FFFF}\\\""],
                    originalFileName: "a\u{0}.png")

                let asset = try await fixture.store.recordAsset(record, facts: fixture.facts)

                #expect(asset?.exif == ["Make": "Nikon", "Raw": "\u{1}\u{1F}\u{7F}\u{10FFFF}\\\""])
                #expect(asset?.originalFileName == "a.png")
                #expect(try await fixture.asset(at: "a.png") == asset)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func whatIsSaidOfAStaleVersionIsNotTaken(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let old = try await fixture.put("a.png", in: "shop")
                _ = try await fixture.put("a.png", in: "shop")
                let gone = try await fixture.put("gone.png", in: "shop")
                _ = try await fixture.store.deleteObject(at: gone.address, as: fixture.service)
                let before = try await fixture.asset(at: "a.png")

                for object in [old, gone] {
                    let record = AssetRecord(
                        address: object.address, version: try #require(object.version), facts: StoreFixture.video, publicID: "a")
                    #expect(try await fixture.store.recordAsset(record, facts: fixture.facts) == nil)
                }

                #expect(try await fixture.asset(at: "a.png") == before)
                // That of what is gone finds nothing to do.
                #expect(try await fixture.inspections().contains(try #require(before).id.rawValue))
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aNewVersionIsToBeLookedAtAndKeepsWhatPeopleSaid(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let first = try await fixture.addAsset("a.png", facts: StoreFixture.video) { record in
                    record.changes.name = "Boot"
                    record.exif = ["Make": "Nikon"]
                    record.publicID = "boot"
                }
                #expect(try await fixture.inspections().isEmpty)

                try await fixture.put("a.png", in: "shop")
                try await fixture.put("a.png", in: "shop")

                let asset = try await fixture.asset("boot")
                #expect(asset.id == first.id)
                #expect(asset.inspectedVersion == nil)
                #expect(asset.facts == AssetFacts(kind: .image, mediaType: "image/png", size: 3))
                #expect(asset.exif.isEmpty)
                #expect(asset.details.name == "Boot")
                #expect(asset.modifiedAt > first.modifiedAt)
                #expect(asset.uploadedAt == first.uploadedAt)
                // Of the version in between nobody asks any more.
                #expect(try await fixture.inspections() == [first.id.rawValue])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func whatIsNotSaidStaysAndWhatIsEmptyIsCleared(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let project = try await fixture.makeProject()
                let date = Timestamp(microseconds: 1_600_000_000_123_456)
                let first = try await fixture.addAsset { record in
                    record.changes = Self.everything(date)
                    record.exif = ["Make": "Nikon"]
                }
                func update(_ changes: AssetChanges) async throws -> Asset {
                    try await fixture.store.updateAsset(first.id.rawValue, changes: changes, in: project, as: fixture.service)
                }

                let same = try await update(AssetChanges())
                #expect(same.details == first.details)
                #expect(same.exif == first.exif)
                #expect(same.modifiedAt > first.modifiedAt)

                var clearing = AssetChanges()
                clearing.name = ""
                clearing.category = ""
                clearing.customID = ""
                clearing.folder = .root
                clearing.keywords = []
                clearing.tags = [:]
                clearing.exif = [:]
                let cleared = try await update(clearing)
                var expected = first.details
                expected.name = nil
                expected.category = nil
                expected.customID = nil
                expected.folder = .root
                expected.keywords = []
                expected.tags = [:]
                #expect(cleared.details == expected)
                #expect(cleared.exif.isEmpty)
                #expect(cleared.facts == first.facts)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aNameThatIsTakenGetsTheNextNumber(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                try await fixture.makeProject("other")
                var names: [String?] = []
                for _ in 0..<12 { names.append(try await fixture.addAsset { $0.publicID = "boot" }.publicID) }
                #expect(names == ["boot"] + (2...12).map { "boot-\($0)" })
                #expect(try await fixture.addAsset(in: "other") { $0.publicID = "boot" }.publicID == "boot")

                // Who has a name keeps it.
                let asset = try await fixture.asset("boot-7")
                let object = try await fixture.put(asset.address.key.rawValue, in: "shop")
                #expect(try await fixture.record(object) { $0.publicID = "shoe" }.publicID == "boot-7")
                #expect(try await fixture.record(object).publicID == "boot-7")
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func twoAtOnceGetTwoNames(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let names = try await withThrowingTaskGroup(of: String?.self) { group in
                    for _ in 0..<12 { group.addTask { try await fixture.addAsset { $0.publicID = "x" }.publicID } }
                    return try await group.reduce(into: Set<String>()) { names, name in if let name { names.insert(name) } }
                }
                #expect(names.count == 12)
                #expect(names.contains("x"))
                #expect(names.allSatisfy { $0 == "x" || $0.hasPrefix("x-") })
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aDeletedObjectTakesItsAssetAlong(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let project = try await fixture.makeProject()
                let parent = try await fixture.addAsset { $0.publicID = "film" }
                let poster = try await fixture.addAsset {
                    $0.origin = Derivation(source: parent.id, type: "poster")
                    $0.isThumbnail = true
                }
                #expect(try await fixture.asset("film").thumbnailID == poster.id)

                _ = try await fixture.store.deleteObjects([poster.address.key], in: project, as: fixture.service)
                #expect(try await fixture.asset("film").thumbnailID == nil)
                _ = try await fixture.store.deleteObject(at: parent.address, as: fixture.service)
                #expect(await failure { try await fixture.asset("film") }?.code == .objectNotFound)
                #expect(try await fixture.store.assetAddress("film", in: project, facts: fixture.facts) == nil)
                #expect(try await fixture.totals() == .none)
                #expect(try await fixture.addAsset { $0.publicID = "film" }.publicID == "film")
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func whatIsDerivedComesInTheOrderOfItsNumbers(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let project = try await fixture.makeProject()
                let parent = try await fixture.addAsset()
                for type in ["svg-2", "page-10", "poster", "page-2", "svg", "page-1"] {
                    let id = parent.id.derived(.image, as: type)
                    try await fixture.addAsset(id.rawValue) { $0.origin = Derivation(source: parent.id, type: type) }
                }
                try await fixture.addAsset()

                let derived = try await fixture.store.derivedAssets(of: parent.id, in: project, as: fixture.service)
                #expect(derived.map(\.origin?.type) == ["page-1", "page-2", "page-10", "poster", "svg", "svg-2"])
                #expect(derived.allSatisfy { $0.origin?.source == parent.id })
                #expect(try await fixture.list().total == 2)
                #expect(try await fixture.list(AssetQuery(includesDerived: true)).total == 8)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aVersionThatIsCurrentAgainIsAnAssetAgain(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                try await fixture.setVersioning(.enabled, of: "shop")
                try await fixture.put("a.png", in: "shop")
                let marker = try await fixture.delete("a.png", in: "shop").marker
                #expect(try await fixture.list().total == 0)

                try await fixture.delete("a.png", in: "shop", version: marker)

                let asset = try #require(try await fixture.asset(at: "a.png"))
                #expect(asset.inspectedVersion == nil)
                #expect(try await fixture.totals() == ProjectTotals(objects: 1, bytes: 3))
            }
        }

        static func everything(_ date: Timestamp) -> AssetChanges {
            var changes = AssetChanges()
            changes.name = "Red \\ \"boot\""
            changes.description = "Line one\nline two"
            changes.caption = "日本"
            changes.category = "Catalog"
            changes.folder = FolderPath(stored: "catalog/shoes")
            changes.author = "R. Vey"
            changes.copyrightHolder = "Vey & Co"
            changes.copyrightYear = 2026
            changes.license = "CC-BY"
            changes.locationName = "Köln"
            changes.latitude = 50.93753
            changes.longitude = -0.1
            changes.keywords = ["red", "boot, leather", "{\"}", "red"]
            changes.dateCreated = date
            changes.datePublished = date.adding(seconds: 1)
            changes.representativeOfPage = false
            changes.tags = ["sku": "B-\"1\"", "": "empty"]
            changes.customID = "c-1"
            return changes
        }

        private static func details(_ date: Timestamp) -> AssetDetails {
            AssetDetails(
                name: "Red \\ \"boot\"", description: "Line one\nline two", caption: "日本", category: "Catalog",
                folder: FolderPath(stored: "catalog/shoes"), author: "R. Vey", copyrightHolder: "Vey & Co", copyrightYear: 2026,
                license: "CC-BY", locationName: "Köln", latitude: 50.93753, longitude: -0.1,
                keywords: ["red", "boot, leather", "{\"}", "red"], dateCreated: date, datePublished: date.adding(seconds: 1),
                representativeOfPage: false, tags: ["sku": "B-\"1\"", "": "empty"], customID: "c-1")
        }
    }
}
