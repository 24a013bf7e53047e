// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// Pages of versions.
    @Suite struct VersionPages {
        private static func fill(_ fixture: StoreFixture) async throws -> BucketID {
            let bucket = try await fixture.makeVersionedBucket()
            for key in ["a", "b/1", "a", "b/1", "b/2", "c", "é", "b/1", "b", "c", "\u{10FFFF}"] { try await fixture.put(key) }
            for key in ["b/2", "c", "d"] { try await fixture.delete(key) }
            try await fixture.put("c")
            try await fixture.setVersioning(.suspended)
            try await fixture.put("a")
            return bucket
        }

        private static func pages(
            of bucket: BucketID, _ query: VersionQuery, _ fixture: StoreFixture
        ) async throws -> [VersionPage.Item] {
            var query = query
            var items: [VersionPage.Item] = []
            repeat {
                let page = try await fixture.store.versions(matching: query, in: bucket, as: fixture.service)
                #expect(page.items.count <= query.limit && (page.next == nil || page.items.count == query.limit))
                items += page.items
                query.after = page.next
            } while query.after != nil && items.count < 100
            return items
        }

        @Test(arguments: MetadataStoreUnderTest.allCases, [nil, "/", "b/", "\u{10FFFF}"])
        func pagesJoinToTheWhole(_ kind: MetadataStoreUnderTest, _ delimiter: String?) async throws {
            try await kind.withStore { fixture in
                let bucket = try await Self.fill(fixture)
                for prefix in ["", "b", "b/", "c", "none"] {
                    let query = VersionQuery(prefix: prefix, delimiter: delimiter)
                    let whole = try await fixture.store.versions(matching: query, in: bucket, as: fixture.service)
                    #expect(whole.next == nil)
                    for limit in [1, 2, 3, 7] {
                        let query = VersionQuery(prefix: prefix, delimiter: delimiter, limit: limit)
                        #expect(try await Self.pages(of: bucket, query, fixture) == whole.items)
                    }
                }
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func keysAreInByteOrderAndVersionsFromTheNewest(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await Self.fill(fixture)
                let page = try await fixture.store.versions(matching: VersionQuery(), in: bucket, as: fixture.service)
                let lines = page.items.map { item in
                    guard case .version(let entry) = item else { return "?" }
                    return entry.key.rawValue + (entry.isDeleteMarker ? " marker" : "") + (entry.isLatest ? " latest" : "")
                        + (entry.id == .null ? " null" : "")
                }
                #expect(
                    lines == [
                        "a latest null", "a", "a", "b latest", "b/1 latest", "b/1", "b/1", "b/2 marker latest", "b/2", "c latest",
                        "c marker", "c", "c", "d marker latest", "é latest", "\u{10FFFF} latest",
                    ])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func foldedVersionsAreOnePrefix(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await Self.fill(fixture)
                let query = VersionQuery(prefix: "b", delimiter: "/")
                let page = try await fixture.store.versions(matching: query, in: bucket, as: fixture.service)

                guard page.items.count == 2, case .version(let entry) = page.items[0] else {
                    Issue.record("\(page.items)")
                    return
                }
                #expect(entry.key.rawValue == "b" && page.items[1] == .prefix("b/"))
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aMarkerWithoutAVersionPassesTheWholeKey(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await Self.fill(fixture)
                func first(after position: VersionQuery.Position) async throws -> String? {
                    let query = VersionQuery(after: position, limit: 1)
                    let page = try await fixture.store.versions(matching: query, in: bucket, as: fixture.service)
                    guard case .version(let entry) = page.items.first else { return nil }
                    return entry.key.rawValue + (entry.isLatest ? " latest" : "")
                }

                #expect(try await first(after: .version(key: "b/1", nil)) == "b/2 latest")
                #expect(try await first(after: .version(key: "a", .null)) == "a")
                // The version is gone: nothing of its key may be missed.
                #expect(try await first(after: .version(key: "b/1", .id(ObjectVersion()))) == "b/1 latest")
                #expect(try await first(after: .prefix("b")) == "c latest")
                #expect(try await first(after: .prefix("\u{10FFFF}")) == nil)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func askingForNothingIsAnsweredWithNothing(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await Self.fill(fixture)
                let page = try await fixture.store.versions(matching: VersionQuery(limit: 0), in: bucket, as: fixture.service)
                #expect(page == VersionPage(items: [], next: nil))
            }
        }
    }
}
