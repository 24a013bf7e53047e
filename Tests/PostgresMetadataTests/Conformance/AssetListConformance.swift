// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// Lists of assets: order, pages, filters and totals.
    @Suite struct AssetLists {
        /// Five assets, the last one is the newest.
        private func fill(_ fixture: StoreFixture) async throws {
            try await fixture.makeProject()
            let start = Timestamp(seconds: 1_700_000_000)
            func add(_ name: String, _ age: Int64, _ facts: AssetFacts, _ change: (inout AssetChanges) -> Void) async throws {
                try await fixture.addAsset(at: start.adding(seconds: age), facts: facts) { record in
                    record.changes.name = name
                    change(&record.changes)
                }
            }
            try await add("Boot", 1, StoreFixture.image) { changes in
                changes.category = "Catalog"
                changes.folder = FolderPath(stored: "shoes")
                changes.keywords = ["Leather", "winter boot"]
                changes.author = "R. Vey"
            }
            try await add("Film", 2, StoreFixture.video) { changes in
                changes.category = "catalog"
                changes.folder = FolderPath(stored: "shoes/films")
                changes.description = "100% of_it\\"
            }
            try await add("Hat", 3, StoreFixture.image) { changes in
                changes.category = "Catalog 2"
                changes.caption = "Grüner HUT 帽子"
                changes.author = "A. VEYRON"
            }
            try await add("Note", 4, AssetFacts(kind: .other, mediaType: "application/pdf", size: 9)) {
                $0.folder = FolderPath(stored: "papers")
            }
            try await add("Poster", 5, AssetFacts(kind: .document, mediaType: "application/postscript", size: 9)) {
                $0.keywords = ["boot"]
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func theNewestIsFirstWhateverItsPrefixAndOthersAreHidden(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fill(fixture)
                let page = try await fixture.list()
                #expect(page.assets.map(\.details.name) == ["Poster", "Hat", "Film", "Boot"])
                #expect(page.total == 4)
                #expect(!page.hasMore)
                #expect(try await fixture.totals().objects == 5)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func filtersTakeWhatTheySay(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fill(fixture)
                func names(_ change: (inout AssetQuery) -> Void) async throws -> [String] {
                    var query = AssetQuery()
                    change(&query)
                    let page = try await fixture.list(query)
                    #expect(page.total == page.assets.count)
                    #expect(!page.hasMore)
                    return page.assets.compactMap(\.details.name)
                }
                #expect(try await names { $0.category = "CATALOG" } == ["Film", "Boot"])
                #expect(try await names { $0.category = "cat" } == [])
                #expect(try await names { $0.keyword = "BOOT" } == ["Poster", "Boot"])
                #expect(try await names { $0.keyword = "ter b" } == ["Boot"])
                #expect(try await names { $0.keyword = "Hat" } == [])
                #expect(try await names { $0.author = "vey" } == ["Hat", "Boot"])
                #expect(try await names { $0.author = "r. vey" } == ["Boot"])
                #expect(try await names { $0.isVideo = true } == ["Film"])
                #expect(try await names { $0.isVideo = false } == ["Poster", "Hat", "Boot"])
                #expect(try await names { $0.folder = .root } == ["Poster", "Hat"])
                #expect(try await names { $0.folder = FolderPath(stored: "shoes") } == ["Boot"])
                #expect(try await names { $0.folder = FolderPath(stored: "papers") } == [])
                #expect(
                    try await names {
                        $0.category = "catalog"
                        $0.isVideo = false
                        $0.search = "winter"
                        $0.folder = FolderPath(stored: "shoes")
                    } == ["Boot"])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aSearchFindsAPartOfAnyText(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fill(fixture)
                func search(_ text: String) async throws -> [String] { try await fixture.names(AssetQuery(search: text)) }
                #expect(try await search("oo") == ["Poster", "Boot"])
                #expect(try await search("BOOT") == ["Poster", "Boot"])
                #expect(try await search("hut") == ["Hat"])
                #expect(try await search("GRÜNER") == ["Hat"])
                #expect(try await search("帽") == ["Hat"])
                #expect(try await search("帽子") == ["Hat"])
                #expect(try await search("") == ["Poster", "Hat", "Film", "Boot"])
                #expect(try await search("nothing of it") == [])
                // The author and the category are asked for by their own names.
                #expect(try await search("veyron") == [])
                for literal in ["100%", "%", "of_", "_it\\", "\\"] { #expect(try await search(literal).contains("Film")) }
                #expect(try await search("1%0") == [])
                #expect(try await search("o_t") == [])
                let id = try await fixture.list(AssetQuery(search: "hat")).assets[0].id.rawValue
                #expect(try await search(id.lowercased()) == ["Hat"])
                #expect(try await search(id) == ["Hat"])
                // A part of an id is in many by chance.
                #expect(try await search(String(id.dropFirst(20))) == [])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aSearchFindsTheFileName(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                try await fixture.addAsset { $0.originalFileName = "DSC_0001.JPG" }
                try await fixture.put("a/dsc_2.jpg", in: "shop")
                #expect(try await fixture.list(AssetQuery(search: "dsc_")).total == 2)
                #expect(try await fixture.list(AssetQuery(search: "0001.jpg")).total == 1)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func pagesMeetWithoutAGapWhateverComesInBetween(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let start = Timestamp(seconds: 1_700_000_000)
                for number in 0..<25 {
                    let facts = number % 3 == 0 ? StoreFixture.video : StoreFixture.image
                    try await fixture.addAsset(at: start.adding(seconds: Int64(number)), facts: facts) {
                        $0.changes.name = "n\(number)"
                    }
                }
                var seen: [String] = []
                var query = AssetQuery(limit: 10)
                var page = try await fixture.list(query)
                var number: Int64 = 0
                while true {
                    seen += page.assets.compactMap(\.details.name)
                    guard page.hasMore else { break }
                    // One that is newer than all, and one that lies in what was seen.
                    number += 1
                    try await fixture.addAsset(at: start.adding(seconds: 100 + number))
                    try await fixture.addAsset(at: Timestamp(microseconds: start.adding(seconds: 24).microseconds + 500_000))
                    query.after = page.assets.last?.id
                    page = try await fixture.list(query)
                }
                #expect(seen == (0..<25).reversed().map { "n\($0)" })
                #expect(page.total == 25 + 2 * Int(number))
                query.search = "n1"
                query.after = nil
                query.limit = 4
                let first = try await fixture.list(query)
                #expect(first.total == 11)
                #expect(first.hasMore)
                query.after = first.assets.last?.id
                query.limit = 100
                let rest = try await fixture.list(query)
                let names = (first.assets + rest.assets).compactMap(\.details.name)
                #expect(names == ["n19", "n18", "n17", "n16", "n15", "n14", "n13", "n12", "n11", "n10", "n1"])
                #expect(rest.total == 11)
                #expect(!rest.hasMore)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aPageBehindTheEndIsEmptyAndStillCounts(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fill(fixture)
                for search in [nil, "boot"] {
                    let last = try #require(try await fixture.list().assets.last?.id)
                    let page = try await fixture.list(AssetQuery(after: last, search: search))
                    #expect(page.assets.isEmpty)
                    #expect(!page.hasMore)
                    #expect(page.total == (search == nil ? 4 : 2))
                }
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func totalsFollowWhatIsWrittenMovedAndDeleted(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let project = try await fixture.makeProject()
                let parent = try await fixture.addAsset("a.png")
                try await fixture.put("a.png", in: "shop")
                #expect(try await fixture.totals() == ProjectTotals(objects: 1, bytes: 3))
                var large = StoreFixture.image
                large.size = 1000
                let object = try await fixture.put("b.png", in: "shop")
                try await fixture.record(object, facts: large) { $0.origin = Derivation(source: parent.id, type: "svg") }
                try await fixture.record(
                    try await fixture.put("c.bin", in: "shop"), facts: AssetFacts(kind: .other, mediaType: "x/y", size: 3))
                #expect(try await fixture.totals() == ProjectTotals(objects: 3, bytes: 1006))
                #expect(try await fixture.list().total == 1)
                #expect(try await fixture.list(AssetQuery(includesDerived: true)).total == 2)
                _ = try await fixture.store.deleteObjects(
                    in: project, createdBefore: Timestamp.now().adding(seconds: 60), limit: 100, facts: fixture.facts)
                #expect(try await fixture.totals() == .none)
                #expect(try await fixture.list(AssetQuery(includesDerived: true)).total == 0)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func totalsAreRightAfterManyWritersAtOnce(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let project = try await fixture.makeProject()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for writer in 0..<8 {
                        group.addTask {
                            for number in 0..<12 {
                                let key = "\(writer % 4)/\(number % 6)"
                                try await fixture.put(key, in: "shop")
                                if number % 3 == 2 {
                                    _ = try await fixture.store.deleteObjects(
                                        [ObjectKey(stored: key)], in: project, as: fixture.service)
                                }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                let left = try await fixture.store.objects(after: nil, limit: 1000).count
                #expect(left > 0)
                #expect(try await fixture.totals() == ProjectTotals(objects: Int64(left), bytes: Int64(3 * left)))
                #expect(try await fixture.list().total == left)
            }
        }
    }
}
