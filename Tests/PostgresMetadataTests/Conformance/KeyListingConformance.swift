// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// Keys as S3 lists them.
    @Suite struct KeyListing {
        private static func lines(_ page: KeyPage) -> [String] {
            page.items.map { item in
                switch item {
                case .object(let entry): entry.key.rawValue
                case .prefix(let prefix): prefix + " *"
                }
            }
        }

        private static func list(
            _ fixture: StoreFixture, prefix: String = "", delimiter: String? = nil, after: KeyQuery.Position? = nil,
            as caller: Caller? = nil
        ) async throws -> [String] {
            let query = KeyQuery(prefix: prefix, delimiter: delimiter, after: after)
            return lines(
                try await fixture.store.keys(matching: query, in: BucketID(stored: "photos"), as: caller ?? fixture.service))
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func keysAreInByteOrderWithWhatS3Says(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                try await fixture.put(all: ["b", "B", "a/x", "é", "~", " "], owner: StoreFixture.alice)
                try await fixture.adopt("c", version: "legacy")
                for delimiter in [nil, "/", "none"] {
                    let query = KeyQuery(delimiter: delimiter, includesOwner: true)
                    let page = try await fixture.store.keys(matching: query, in: bucket, as: fixture.service)
                    #expect(Self.lines(page) == [" ", "B", delimiter == "/" ? "a/ *" : "a/x", "b", "c", "~", "é"])
                    guard case .object(let entry) = page.items[1], case .object(let adopted) = page.items[4] else {
                        Issue.record("\(page)")
                        return
                    }
                    #expect(entry.size == 3 && entry.entityTag == "\"0\"" && entry.owner == StoreFixture.alice)
                    #expect(adopted.size == nil && adopted.entityTag == "\"legacy\"" && adopted.owner == nil)
                }
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aDelimiterMayBeAnyText(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.put(all: ["a--b--c", "a--d", "a-b", "ab", "b\u{10FFFF}1", "b\u{10FFFF}2", "c", "xa--"])

                #expect(
                    try await Self.list(fixture, delimiter: "--") == [
                        "a-- *", "a-b", "ab", "b\u{10FFFF}1", "b\u{10FFFF}2", "c", "xa-- *",
                    ])
                #expect(try await Self.list(fixture, prefix: "a-", delimiter: "--") == ["a--b-- *", "a--d", "a-b"])
                #expect(
                    try await Self.list(fixture, delimiter: "\u{10FFFF}") == [
                        "a--b--c", "a--d", "a-b", "ab", "b\u{10FFFF} *", "c", "xa--",
                    ])
                #expect(
                    try await Self.list(fixture, prefix: "b\u{10FFFF}", delimiter: "2") == ["b\u{10FFFF}1", "b\u{10FFFF}2 *"])
                #expect(try await Self.list(fixture, delimiter: "").count == 8)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aPageBeginsBehindAKeyOrBehindAPrefix(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.put(all: ["a", "b/1", "b/2", "b0", "c"])

                #expect(try await Self.list(fixture, delimiter: "/", after: .key("a")) == ["b/ *", "b0", "c"])
                #expect(try await Self.list(fixture, delimiter: "/", after: .key("b/1")) == ["b/ *", "b0", "c"])
                #expect(try await Self.list(fixture, delimiter: "/", after: .prefix("b/")) == ["b0", "c"])
                #expect(try await Self.list(fixture, prefix: "b", after: .key("a")) == ["b/1", "b/2", "b0"])
                #expect(try await Self.list(fixture, prefix: "b", after: .key("c")) == [])
                #expect(try await Self.list(fixture, after: .prefix("\u{10FFFF}")) == [])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases, [UInt64(1), 2, 3])
        func pagesJoinToTheWholeWhateverTheKeys(_ kind: MetadataStoreUnderTest, _ seed: UInt64) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                var generator = SeededGenerator(seed: seed)
                let alphabet = ["a", "b", "/", "//", "é", "\u{1}", "\u{10FFFF}", "\u{D7FF}", "%"]
                let keys = (0..<60).map { _ in
                    (0..<Int.random(in: 1...5, using: &generator)).map { _ in alphabet.randomElement(using: &generator) ?? "" }
                        .joined()
                }
                try await fixture.put(all: Set(keys).sorted())

                for (prefix, delimiter) in [("", nil), ("", "/"), ("a", "/"), ("b/", "b"), ("é", "//"), ("", "\u{D7FF}")] {
                    let folding = KeyQuery(prefix: prefix, delimiter: delimiter)
                    let expected = Set(
                        Set(keys).filter { $0.utf8.starts(with: prefix.utf8) }.map { key in
                            folding.fold(key).map { $0 + " *" } ?? key
                        })
                    for limit in [1, 3, 1000] {
                        var query = KeyQuery(prefix: prefix, delimiter: delimiter, limit: limit)
                        var found: [String] = []
                        repeat {
                            let page = try await fixture.store.keys(matching: query, in: bucket, as: fixture.service)
                            found += Self.lines(page)
                            query.after = page.next
                        } while query.after != nil && found.count <= expected.count
                        #expect(found.count == expected.count && Set(found) == expected)
                    }
                }
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func onlyVisibleKeysAreListed(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.put(all: ["p/hers", "top"], owner: StoreFixture.alice)
                try await fixture.put(all: ["p/his", "q/his", "z"], owner: StoreFixture.bob)
                try await fixture.allow([.select], where: .ownerIsCaller)

                #expect(try await Self.list(fixture, as: fixture.alice) == ["p/hers", "top"])
                #expect(try await Self.list(fixture, delimiter: "/", as: fixture.alice) == ["p/ *", "top"])
                #expect(try await Self.list(fixture, as: fixture.anon) == [])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aPageHasAThousandEntriesAtMostAndNoneWhenNoneIsWanted(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                try await fixture.put(all: (0..<1001).map { "k\(10_000 + $0)" })

                let page = try await fixture.store.keys(matching: KeyQuery(limit: 5000), in: bucket, as: fixture.service)
                #expect(page.items.count == 1000 && page.next == .key("k10999"))
                let none = try await fixture.store.keys(matching: KeyQuery(limit: 0), in: bucket, as: fixture.service)
                #expect(none == KeyPage(items: [], next: nil))
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func existingKeysAreSeenByTheSystem(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                try await fixture.put(all: ["a", "b"])
                let keys = ["a", "c"].map { ObjectKey(stored: $0) }
                #expect(
                    try await fixture.store.existingKeys(among: keys, in: bucket, facts: fixture.facts) == [
                        ObjectKey(stored: "a")
                    ])
            }
        }

        /// The aim is 5 ms a page; the bounds here leave room for a busy machine and still tell a scan of the bucket.
        @Test func pagesOfALargeBucketAreFast() async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                try await fixture.allow([.select], where: .ownerIsCaller)
                try await fixture.onPostgres { store in
                    try await store.administrator.execute(
                        script: """
                            SET session_replication_role = replica;
                            INSERT INTO storage.objects (bucket_id, name, owner_id, version, metadata)
                            SELECT 'photos', 'd' || lpad((i / 50)::text, 5, '0') || '/f' || lpad(i::text, 6, '0'),
                                '\(StoreFixture.alice)', gen_random_uuid()::text, '{"size": 1, "eTag": "\\"0\\""}'
                            FROM generate_series(1, 100000) AS i;
                            ANALYZE storage.objects;
                            """)
                }
                let queries = [
                    KeyQuery(), KeyQuery(after: .key("d01000/f050000"), includesOwner: true), KeyQuery(delimiter: "/"),
                    KeyQuery(delimiter: "/", after: .prefix("d00500/"), includesOwner: true),
                    KeyQuery(prefix: "d01", delimiter: "/", limit: 100), KeyQuery(prefix: "d00042/", delimiter: "/"),
                ]
                for caller in [fixture.service, fixture.alice] {
                    for query in queries {
                        var best = Duration.seconds(60)
                        for _ in 0..<5 {
                            best = min(
                                best,
                                try await ContinuousClock().measure {
                                    let page = try await fixture.store.keys(matching: query, in: bucket, as: caller)
                                    #expect(!page.items.isEmpty)
                                })
                        }
                        #expect(best < .milliseconds(60), "\(query) took \(best)")
                        print("keys page", caller.principal.role, query.prefix, query.delimiter ?? "-", query.limit, best)
                    }
                }
            }
        }
    }
}
