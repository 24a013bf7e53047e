// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// One level of a bucket, as `storage.search` shows it.
    @Suite struct Folders {
        @Test(arguments: MetadataStoreUnderTest.allCases)
        func namesAreRelativeAndFoldersFold(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                try await fixture.put(all: ["a.txt", "dir/b.txt", "dir/sub/c.txt", "dir/sub/d.txt", "z.txt"])

                let root = try await fixture.store.folder(FolderQuery(prefix: ""), in: bucket, as: fixture.service)
                let inside = try await fixture.store.folder(FolderQuery(prefix: "dir/"), in: bucket, as: fixture.service)

                #expect(root.map(\.name) == ["a.txt", "dir", "z.txt"] && root.map(\.isFolder) == [false, true, false])
                #expect(inside.map(\.name) == ["b.txt", "sub"])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aFileHasItsColumnsAndAFolderNone(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                let written = try await fixture.put("b.txt")
                try await fixture.put("a/x")

                let entries = try await fixture.store.folder(FolderQuery(prefix: ""), in: bucket, as: fixture.service)

                #expect(entries.first == ListEntry(name: "a", id: nil))
                #expect(entries.last?.id == written.id && entries.last?.metadata == written.metadata)
                #expect(entries.last?.createdAt == written.createdAt && entries.last?.lastAccessedAt == written.lastAccessedAt)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func matchingIgnoresCaseAndSortingFollowsLowerCase(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                try await fixture.put(all: ["Dir/b", "dir/A", "DIR/c", "dir/2", "dir/.x", "other"])

                let ascending = try await fixture.store.folder(FolderQuery(prefix: "diR/"), in: bucket, as: fixture.service)
                let descending = try await fixture.store.folder(
                    FolderQuery(prefix: "diR/", order: .descending), in: bucket, as: fixture.service)

                #expect(ascending.map(\.name) == [".x", "2", "A", "b", "c"])
                #expect(descending.map(\.name) == ["c", "b", "A", "2", ".x"])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func foldersThatDifferInCaseAreOneAndFilesAreNot(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                try await fixture.put(all: ["Dir/1", "dir/2", "File", "file", "g/x"])

                let entries = try await fixture.store.folder(FolderQuery(prefix: ""), in: bucket, as: fixture.service)

                #expect(entries.map { $0.name.lowercased() } == ["dir", "file", "file", "g"])
                #expect(Set(entries.map(\.name)).isSuperset(of: ["File", "file"]))
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases, SortOrder.allCases)
        func everyEntryIsMetOnceWhateverThePageSize(_ kind: MetadataStoreUnderTest, _ order: SortOrder) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                try await fixture.put(
                    all: ["a", "A", "a-b", "a/1", "A/2", "a.b", "b/1", "b/2", "b0", "c", "d/e/f", "d/g", "ü/x", "Ü", "z/"])
                func page(_ limit: Int, _ offset: Int) async throws -> [String] {
                    try await fixture.store.folder(
                        FolderQuery(prefix: "", limit: limit, offset: offset, order: order), in: bucket, as: fixture.service
                    ).map { $0.name + ($0.isFolder ? "/" : "") }
                }

                let whole = try await page(100, 0)
                #expect(whole.count == 12)
                for size in 1...5 {
                    var paged: [String] = []
                    for offset in stride(from: 0, to: whole.count, by: size) { paged += try await page(size, offset) }
                    #expect(paged == whole)
                }
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func wildcardsAreLiteral(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                try await fixture.put(all: ["a_b/1", "axb/2", "100%/3", "100x/4", #"back\slash/5"#])
                func names(_ prefix: String, _ column: FolderQuery.Column) async throws -> [String] {
                    let query = FolderQuery(prefix: prefix, sortColumn: column)
                    return try await fixture.store.folder(query, in: bucket, as: fixture.service).map(\.name)
                }

                for column in FolderQuery.Column.allCases {
                    #expect(try await names("a_b/", column) == ["1"])
                    #expect(try await names("100%/", column) == ["3"])
                    #expect(try await names(#"back\slash/"#, column) == ["5"])
                }
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aSearchExtendsThePrefixAndMaySpanFolders(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                try await fixture.put(all: ["p/alpha.txt", "p/bravo.txt", "p/a/b/c/file.png", "p/a/b/cc/x", "bravo.txt"])
                func names(_ prefix: String, _ search: String, _ column: FolderQuery.Column = .name) async throws -> [String] {
                    let query = FolderQuery(prefix: prefix, sortColumn: column, search: search)
                    return try await fixture.store.folder(query, in: bucket, as: fixture.service).map(\.name)
                }

                for column in [FolderQuery.Column.name, .createdAt] {
                    #expect(try await names("p/", "bravo", column) == ["bravo.txt"])
                    #expect(try await names("p/", "lpha", column) == [])
                    #expect(try await names("p/", "a/b/c/", column) == ["a/b/c/file.png"])
                    #expect(try await names("p/", "a/b/c", column) == ["a/b/c", "a/b/cc"])
                    #expect(try await names("", "p/a", column).sorted() == ["p/a", "p/alpha.txt"])
                }
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func otherColumnsSortFilesBehindFolders(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                try await fixture.put(all: ["c", "a", "x/1", "b", "d/1"])
                try await fixture.put("c")
                func names(_ column: FolderQuery.Column, _ order: SortOrder) async throws -> [String] {
                    let query = FolderQuery(prefix: "", sortColumn: column, order: order)
                    return try await fixture.store.folder(query, in: bucket, as: fixture.service).map(\.name)
                }

                #expect(try await names(.createdAt, .ascending) == ["d", "x", "c", "a", "b"])
                #expect(try await names(.createdAt, .descending) == ["x", "d", "b", "a", "c"])
                #expect(try await names(.updatedAt, .ascending) == ["d", "x", "a", "b", "c"])
                #expect(try await names(.lastAccessedAt, .ascending) == ["d", "x", "c", "a", "b"])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aKeyThatEndsInASlashIsAFolderWithAnEmptyName(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                let written = try await fixture.put("dir/")

                let above = try await fixture.store.folder(FolderQuery(prefix: ""), in: bucket, as: fixture.service)
                let inside = try await fixture.store.folder(FolderQuery(prefix: "dir/"), in: bucket, as: fixture.service)

                #expect(above.map(\.name) == ["dir"] && above.first?.isFolder == true)
                #expect(inside.map(\.name) == [""] && inside.first?.id == written.id)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func onlyWhatIsVisibleCountsForFolders(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                try await fixture.put(all: ["shown/a", "top"], owner: StoreFixture.alice)
                try await fixture.put(all: ["hidden/a", "shown/b", "secret"], owner: StoreFixture.bob)
                try await fixture.allow([.select], where: .ownerIsCaller)
                func names(_ prefix: String, _ column: FolderQuery.Column) async throws -> [String] {
                    let query = FolderQuery(prefix: prefix, sortColumn: column)
                    return try await fixture.store.folder(query, in: bucket, as: fixture.alice).map(\.name)
                }

                for column in [FolderQuery.Column.name, .createdAt] {
                    #expect(try await names("", column) == ["shown", "top"])
                    #expect(try await names("shown/", column) == ["a"])
                    #expect(try await names("hidden/", column).isEmpty)
                }
                let unknown = BucketID(stored: "none")
                #expect(try await fixture.store.folder(FolderQuery(prefix: ""), in: unknown, as: fixture.service).isEmpty)
            }
        }
    }
}
