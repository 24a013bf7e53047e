// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

/// One way of listing: a column, a direction, folded or not.
struct ListingWay: Sendable, CustomTestStringConvertible {
    var column: ListQuery.Column
    var order: SortOrder
    var folds: Bool

    var testDescription: String { "\(column.rawValue) \(order.rawValue)\(folds ? " folded" : "")" }

    static let all = ListQuery.Column.allCases.flatMap { column in
        SortOrder.allCases.flatMap { order in [false, true].map { ListingWay(column: column, order: order, folds: $0) } }
    }
}

extension MetadataStoreConformance {
    /// Pages of a bucket, flat or folded at `/`.
    @Suite struct Pages {
        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aFlatPageHasFullKeysInByteOrder(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                try await fixture.put(all: ["b", "B", "a/x", "a.x", "a/", "ü", "z"])

                let page = try await fixture.store.objects(matching: ListQuery(), in: bucket, as: fixture.service)

                #expect(page.entries.map(\.name) == ["B", "a.x", "a/", "a/x", "b", "z", "ü"] && page.next == nil)
                #expect(page.entries.allSatisfy { !$0.isFolder && $0.metadata != nil })
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aPrefixIsLiteralAndMindsItsCase(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                try await fixture.put(all: ["_a", "xa", "%b", "Ab", "ab", "abc", "ac", "ab\u{10FFFF}"])
                func names(_ prefix: String, _ order: SortOrder = .ascending) async throws -> [String] {
                    try await fixture.store.objects(
                        matching: ListQuery(prefix: prefix, order: order), in: bucket, as: fixture.service
                    ).entries.map(\.name)
                }

                #expect(try await names("_") == ["_a"])
                #expect(try await names("%") == ["%b"])
                #expect(try await names("ab") == ["ab", "abc", "ab\u{10FFFF}"])
                #expect(try await names("ab", .descending) == ["ab\u{10FFFF}", "abc", "ab"])
                #expect(try await names("ab\u{10FFFF}") == ["ab\u{10FFFF}"])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aFoldedPageHasFoldersWithTheirSlash(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                try await fixture.put(all: ["p/a.txt", "p/n/1", "p/n/2/3", "p/z", "q/1"])
                func page(_ prefix: String, _ order: SortOrder) async throws -> [ListEntry] {
                    let query = ListQuery(prefix: prefix, foldsFolders: true, order: order)
                    return try await fixture.store.objects(matching: query, in: bucket, as: fixture.service).entries
                }

                #expect(try await page("p/", .ascending).map(\.name) == ["p/a.txt", "p/n/", "p/z"])
                #expect(try await page("p/", .descending).map(\.name) == ["p/z", "p/n/", "p/a.txt"])
                #expect(try await page("", .ascending).map(\.isFolder) == [true, true])
                #expect(try await page("p/n", .ascending) == [ListEntry(name: "p/n/", id: nil)])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases, ListingWay.all)
        func pagesJoinToTheWhole(_ kind: MetadataStoreUnderTest, _ way: ListingWay) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                try await fixture.put(
                    all: ["m", "a/1", "a/2", "a0", "a.", "b", "c/d/1", "c/e", "c/", "z/1", "z/2", "é/1", "é", "k", "k\u{1}"])
                try await fixture.put("b")
                func page(_ limit: Int, after cursor: ListQuery.Cursor?) async throws -> ObjectPage {
                    let query = ListQuery(
                        foldsFolders: way.folds, limit: limit, sortColumn: way.column, order: way.order, after: cursor)
                    return try await fixture.store.objects(matching: query, in: bucket, as: fixture.service)
                }

                let whole = try await page(1000, after: nil)
                #expect(whole.next == nil && whole.entries.count == (way.folds ? 11 : 15))
                for size in [1, 2, 5, whole.entries.count] {
                    var entries: [ListEntry] = []
                    var cursor: ListQuery.Cursor?
                    repeat {
                        let next = try await page(size, after: cursor)
                        #expect(next.entries.count <= size && (next.next == nil || next.entries.count == size))
                        entries += next.entries
                        cursor = next.next
                    } while cursor != nil && entries.count <= whole.entries.count
                    #expect(entries == whole.entries)
                }
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func timesSortByMillisecondsAndFoldersByTheirOldest(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                let oldest = try await fixture.put("dir/a")
                try await fixture.pause()
                try await fixture.put("file")
                try await fixture.pause()
                try await fixture.put("dir/b")
                let query = ListQuery(foldsFolders: true, sortColumn: .createdAt)

                let page = try await fixture.store.objects(matching: query, in: bucket, as: fixture.service)

                #expect(page.entries.map(\.name) == ["dir/", "file"])
                #expect(page.entries.first?.createdAt == oldest.createdAt)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func anOverwriteMovesAnObjectByItsUpdateAlone(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                for key in ["a", "b", "a"] {
                    try await fixture.put(key)
                    try await fixture.pause()
                }
                func names(_ column: ListQuery.Column) async throws -> [String] {
                    try await fixture.store.objects(
                        matching: ListQuery(sortColumn: column), in: bucket, as: fixture.service
                    ).entries.map(\.name)
                }

                #expect(try await names(.createdAt) == ["a", "b"])
                #expect(try await names(.updatedAt) == ["b", "a"])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases, ListingWay.all)
        func onlyVisibleObjectsAreListed(_ kind: MetadataStoreUnderTest, _ way: ListingWay) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                try await fixture.put(all: ["shown/a", "top"], owner: StoreFixture.alice)
                try await fixture.put(all: ["hidden/a", "shown/b", "secret"], owner: StoreFixture.bob)
                try await fixture.allow([.select], where: .ownerIsCaller)
                let query = ListQuery(foldsFolders: way.folds, sortColumn: way.column, order: way.order)

                let page = try await fixture.store.objects(matching: query, in: bucket, as: fixture.alice)

                #expect(Set(page.entries.map(\.name)) == (way.folds ? ["shown/", "top"] : ["shown/a", "top"]))
                #expect(try await fixture.store.objects(matching: query, in: bucket, as: fixture.anon).entries.isEmpty)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aPageHoldsAThousandAtMost(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                try await fixture.put(all: (0..<1001).map { "k\(10_000 + $0)" })

                let page = try await fixture.store.objects(matching: ListQuery(limit: 5000), in: bucket, as: fixture.service)

                #expect(page.entries.count == 1000 && page.next?.name == "k10999")
            }
        }
    }
}
