// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// Pages of files: orders, filters and totals.
    @Suite struct FileLists {
        /// Files of two people and of the project, in the order in which they were made.
        private func fill(_ fixture: StoreFixture) async throws {
            try await fixture.makeProject()
            let files: [(String, FileVisibility, Caller, FileLabel, String)] = [
                ("Beach.jpg", .public, fixture.alice, .images, "image/jpeg"),
                ("annual report.pdf", .private, fixture.alice, .documents, "application/pdf"),
                ("zebra.png", .protected, fixture.bob, .images, "image/png"),
                ("beach film.mp4", .shared, fixture.bob, .media, "video/mp4"),
                ("100%_sure.png", .public, fixture.key(of: "shop"), .images, "image/png; q=1"),
            ]
            for (name, visibility, caller, label, type) in files {
                try await fixture.addFile(
                    name, visibility, of: caller, label: label, mediaType: type, sharedWith: [StoreFixture.alice])
                try await fixture.pause()
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func theNewestComeFirst(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fill(fixture)
                let names = ["100%_sure.png", "beach film.mp4", "zebra.png", "annual report.pdf", "Beach.jpg"]
                #expect(try await fixture.fileNames() == names)
                let ascending = FileQuery(order: FileOrder(.createdAt, isAscending: true))
                #expect(try await fixture.fileNames(ascending) == names.reversed())
                #expect(try await fixture.fileNames(as: fixture.alice) == names)
                #expect(
                    try await fixture.fileNames(as: fixture.bob) == ["100%_sure.png", "beach film.mp4", "zebra.png", "Beach.jpg"])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func everyOrderIsTheSameBothWays(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fill(fixture)
                for field in FileOrder.Field.allCases {
                    for caller in [fixture.service, fixture.alice] {
                        let up = try await fixture.fileNames(FileQuery(order: FileOrder(field, isAscending: true)), as: caller)
                        let down = try await fixture.fileNames(FileQuery(order: FileOrder(field)), as: caller)
                        #expect(up == down.reversed(), "\(field)")
                        #expect(up.count == 5)
                    }
                }
                let byName = try await fixture.fileNames(FileQuery(order: FileOrder(.originalName, isAscending: true)))
                #expect(byName == ["100%_sure.png", "Beach.jpg", "annual report.pdf", "beach film.mp4", "zebra.png"])
                let byVisibility = try await fixture.store.files(
                    matching: FileQuery(order: FileOrder(.visibility, isAscending: true)), in: fixture.shop, as: fixture.alice)
                #expect(byVisibility.files.map(\.visibility) == [.private, .protected, .public, .public, .shared])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func filtersMustAllHold(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fill(fixture)
                let expected: [(FileQuery, [String])] = [
                    (FileQuery(visibility: .public), ["100%_sure.png", "Beach.jpg"]),
                    (FileQuery(ownerKind: .service), ["100%_sure.png"]),
                    (FileQuery(ownerSubject: StoreFixture.bob), ["beach film.mp4", "zebra.png"]),
                    (FileQuery(label: .images), ["100%_sure.png", "zebra.png", "Beach.jpg"]),
                    (FileQuery(mediaType: .exactly("image/png")), ["100%_sure.png", "zebra.png"]),
                    (FileQuery(mediaType: .kind("image")), ["100%_sure.png", "zebra.png", "Beach.jpg"]),
                    (FileQuery(mediaType: .kind("ima")), []),
                    (FileQuery(search: "BEACH"), ["beach film.mp4", "Beach.jpg"]),
                    (FileQuery(search: "%_"), ["100%_sure.png"]),
                    (FileQuery(search: "h.j"), ["Beach.jpg"]),
                    (FileQuery(search: "eb"), ["zebra.png"]),
                    (FileQuery(search: "z"), ["zebra.png"]),
                    (FileQuery(search: "'; --"), []),
                    (FileQuery(visibility: .public, label: .images, search: "beach"), ["Beach.jpg"]),
                    (FileQuery(visibility: .private, label: .images), []),
                ]
                for (query, names) in expected {
                    let found = try await fixture.store.files(matching: query, in: fixture.shop, as: fixture.service)
                    #expect(found.files.map(\.originalName) == names, "\(query)")
                    #expect(found.total == FileTotal(names.count))
                }
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func pagesHaveEveryFileOnce(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                for number in 0..<11 {
                    let visibility = FileVisibility.allCases[number % 4]
                    try await fixture.addFile("f\(number)", visibility, of: number % 3 == 0 ? fixture.bob : fixture.alice)
                }
                for caller in [fixture.service, fixture.alice, fixture.anon] {
                    for search in [nil, "f"] {
                        let whole = try await fixture.fileNames(FileQuery(limit: 100, search: search), as: caller)
                        var pages: [String] = []
                        var page = 1
                        while true {
                            let found = try await fixture.store.files(
                                matching: FileQuery(page: page, limit: 2, search: search), in: fixture.shop, as: caller)
                            pages += found.files.map(\.originalName)
                            #expect(found.total == FileTotal(whole.count))
                            #expect(found.hasMore == (pages.count < whole.count))
                            guard found.hasMore else { break }
                            page += 1
                        }
                        #expect(pages == whole)
                        let beyond = try await fixture.store.files(
                            matching: FileQuery(page: 1_000_000, limit: 2, search: search), in: fixture.shop, as: caller)
                        #expect(beyond.files.isEmpty)
                        #expect(!beyond.hasMore)
                    }
                }
            }
        }
    }
}
