// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// Rows of assets as SQL meets them: rights, triggers, and projects that are made while others write.
    @Suite struct AssetRows {
        private func onPostgres(_ body: (StoreFixture, PostgresMetadataStore) async throws -> Void) async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                try await fixture.onPostgres { try await body(fixture, $0) }
            }
        }

        private func run(_ script: String, as role: String, on store: PostgresMetadataStore) async -> PostgresError? {
            do {
                try await store.administrator.execute(script: "BEGIN; SET LOCAL ROLE \(role); \(script); COMMIT;")
                return nil
            } catch let error as PostgresError {
                return error
            } catch {
                Issue.record(error)
                return nil
            }
        }

        @Test(arguments: ["anon", "authenticated", "magpie_project"])
        func whomPoliciesBindWritesNoRows(_ role: String) async throws {
            try await onPostgres { fixture, store in
                try await fixture.makeProject()
                try await fixture.addAsset("a.png")
                try await fixture.allow([.select, .insert, .update, .delete])
                for statement in [
                    "UPDATE magpie.assets SET name = 'x'", "DELETE FROM magpie.assets",
                    "INSERT INTO magpie.folders (bucket_id, path) VALUES ('shop', 'x')", "DELETE FROM magpie.folders",
                    "SELECT magpie.add_to_totals('shop', 1, 1, 1, 1)", "SELECT magpie.adopt_objects('shop', NULL, 1)",
                    "SELECT magpie.name_asset(gen_random_uuid(), 'x')", "SELECT magpie.add_assets('{}')",
                ] {
                    #expect(await run(statement, as: role, on: store)?.sqlState == .insufficientPrivilege, "\(statement)")
                }
            }
        }

        @Test func plainSQLOfAUserMakesMovesAndRemovesARow() async throws {
            try await onPostgres { fixture, store in
                try await fixture.makeProject()
                try await fixture.allow([.select, .insert, .update, .delete])
                let insert = "INSERT INTO storage.objects (bucket_id, name) VALUES ('shop', 'x/a.png')"
                #expect(await run(insert, as: "authenticated", on: store) == nil)
                #expect(try await fixture.asset(at: "x/a.png") == nil)
                // Without a media type it is no media yet.
                #expect(try await fixture.totals() == ProjectTotals(objects: 1, bytes: 0))
                let change = #"""
                    UPDATE storage.objects SET version = '2', name = 'y/a.png', metadata = '{"mimetype": "image/png", "size": 7}'
                    """#
                #expect(await run(change, as: "authenticated", on: store) == nil)
                #expect(try await fixture.asset(at: "y/a.png")?.details.folder.rawValue == "y")
                #expect(try await fixture.totals() == ProjectTotals(objects: 1, bytes: 7))
                let delete = "SET LOCAL storage.allow_delete_query = 'true'; DELETE FROM storage.objects"
                #expect(await run(delete, as: "authenticated", on: store) == nil)
                #expect(try await fixture.totals() == .none)
            }
        }

        @Test func anEmptiedTableLeavesNoAssets() async throws {
            try await onPostgres { fixture, store in
                try await fixture.makeProject()
                try await fixture.addAsset("a.png")
                try await store.administrator.execute(script: "TRUNCATE storage.objects")
                #expect(try await fixture.list().total == 0)
                #expect(try await fixture.totals() == .none)
            }
        }

        @Test func anIDMadeInSQLIsAULIDOfItsTime() async throws {
            try await onPostgres { _, store in
                let make = SQL("test_ulid", "SELECT magpie.new_ulid(timestamptz 'epoch' + $1::bigint * interval '1 millisecond')")
                for (time, prefix) in [
                    ("0", "0000000000"), ("1469918176385", "01ARYZ6S41"), ("281474976710655", "7ZZZZZZZZZ"), ("-5", "0000000000"),
                ] {
                    let ids = try await (0..<2).asyncMap { _ in
                        try await store.administrator.transaction([.run(make, time)], ending: .rollback)[0].onlyRow().string(0)
                    }
                    #expect(ids.allSatisfy { $0.hasPrefix(prefix) && $0.utf8.count == 26 })
                    #expect(ids[0] != ids[1])
                }
            }
        }

        /// Makes a project over "photos" while `writer` holds what it did, and lets it go on once the project waits.
        private func makeProject(
            while writer: SQL, holds fixture: StoreFixture, _ store: PostgresMetadataStore
        ) async throws {
            let making = try await store.administrator.withTransaction(ending: .commit) { transaction in
                _ = try await transaction.run([.run(Self.allowDeletions), .run(writer)])
                let making = Task { try await fixture.makeProject("photos") }
                try await Self.untilSomebodyWaits(for: transaction)
                return making
            }
            _ = try await making.value
        }

        @Test func aProjectThatIsMadeWaitsForWhoStoresAnObject() async throws {
            try await onPostgres { fixture, store in
                try await fixture.makeBucket()
                try await makeProject(
                    while: SQL("test_insert", "INSERT INTO storage.objects (bucket_id, name) VALUES ('photos', 'a.png')"),
                    holds: fixture, store)
                #expect(try await fixture.totals(of: "photos").objects == 1)
            }
        }

        @Test func aProjectThatIsMadeTakesObjectsAsTheirWritersLeaveThem() async throws {
            try await onPostgres { fixture, store in
                try await fixture.makeBucket()
                try await fixture.put(all: ["a.png", "b.png"])
                try await makeProject(
                    while: SQL(
                        "test_replace",
                        #"UPDATE storage.objects SET version = 'v', metadata = '{"size": 70}' WHERE name = 'a.png'"#),
                    holds: fixture, store)
                #expect(try await fixture.totals(of: "photos") == ProjectTotals(objects: 2, bytes: 73))
            }
        }

        @Test func aProjectThatIsMadeTakesNoObjectThatGoes() async throws {
            try await onPostgres { fixture, store in
                try await fixture.makeBucket()
                try await fixture.put(all: ["a.png", "b.png"])
                try await makeProject(
                    while: SQL("test_remove", "DELETE FROM storage.objects WHERE name = 'a.png'"), holds: fixture, store)
                #expect(try await fixture.totals(of: "photos").objects == 1)
            }
        }

        @Test func whoStoresAnObjectWaitsForTheProjectThatIsMade() async throws {
            try await onPostgres { fixture, store in
                try await fixture.makeBucket()
                let storing = try await store.administrator.withTransaction(ending: .commit) { transaction in
                    let make = SQL("test_project", "INSERT INTO magpie.projects (bucket_id) VALUES ('photos')")
                    _ = try await transaction.run([.run(make)])
                    let storing = Task { try await fixture.put("a.png") }
                    try await Self.untilSomebodyWaits(for: transaction)
                    return storing
                }
                _ = try await storing.value
                #expect(try await fixture.totals(of: "photos").objects == 1)
            }
        }

        private static let allowDeletions = SQL(
            "test_allow_asset_deletions", "SELECT set_config('storage.allow_delete_query', 'true', true)")

        private static func untilSomebodyWaits(for transaction: Transaction) async throws {
            let waits = SQL(
                "test_asset_waits",
                """
                SELECT EXISTS (
                    SELECT FROM pg_locks
                    WHERE NOT granted AND locktype = 'transactionid' AND transactionid = pg_current_xact_id()::xid)
                """)
            let end = ContinuousClock.now + .seconds(30)
            while try await !transaction.run([.run(waits)])[0].onlyRow().bool(0) {
                try #require(ContinuousClock.now < end, "nobody waits")
            }
        }
    }

    /// Searches among more assets than are looked at one by one.
    @Suite(.serialized) struct AssetSearch {
        /// 6,000 assets, of which few are called what is searched.
        private static let fill = """
            SET session_replication_role = replica;
            INSERT INTO storage.objects (id, bucket_id, name, version, created_at)
            SELECT ('00000000-0000-0000-0000-' || lpad(i::text, 12, '0'))::uuid, 'shop', 'k' || i, 'v',
                timestamptz '2024-01-01' + i * interval '1 minute'
            FROM generate_series(1, 6000) AS i;
            INSERT INTO magpie.assets
                (object_id, bucket_id, id, kind, media_type, size, name, author, keywords, description, uploaded_at, modified_at)
            SELECT o.id, 'shop', 'img_' || magpie.new_ulid(o.created_at), 'image', 'image/png', 1,
                CASE WHEN i % 2 = 0 THEN 'Common ' ELSE 'Other ' END || i || CASE i WHEN 7 THEN ' Qx' WHEN 4000 THEN ' 帽子' ELSE '' END,
                CASE i WHEN 8 THEN 'Zoë' ELSE 'Anna' END, CASE WHEN i % 1000 = 9 THEN ARRAY['Rare 100%'] ELSE ARRAY['some'] END,
                CASE i WHEN 11 THEN 'caé~' ELSE NULL END, now(), now()
            FROM (SELECT *, substr(name, 2)::int AS i FROM storage.objects) AS o;
            """

        @Test(arguments: [true, false])
        func theIndexFindsWhatLookingFinds(_ isAnalysed: Bool) async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                try await fixture.makeProject()
                try await fixture.onPostgres {
                    try await $0.administrator.execute(script: Self.fill + (isAnalysed ? "ANALYZE magpie.assets;" : ""))
                }
                // To whom policies apply no index over texts is used.
                try await fixture.allow([.select])
                func numbers(_ query: AssetQuery) async throws -> [String] {
                    let page = try await fixture.list(query)
                    let plain = try await fixture.list(query, as: fixture.alice)
                    #expect(page == plain)
                    return page.assets.map { String($0.address.key.rawValue.dropFirst()) }
                }
                #expect(try await numbers(AssetQuery(search: "qx")) == ["7"])
                #expect(try await numbers(AssetQuery(search: " qX")) == ["7"])
                #expect(try await numbers(AssetQuery(search: "帽子")) == ["4000"])
                #expect(try await numbers(AssetQuery(search: "子")) == ["4000"])
                #expect(try await numbers(AssetQuery(search: "aé")) == ["11"])
                #expect(try await numbers(AssetQuery(search: "ca")) == ["11"])
                #expect(try await numbers(AssetQuery(search: "é~")) == ["11"])
                #expect(try await numbers(AssetQuery(search: "~")) == ["11"])
                #expect(try await numbers(AssetQuery(search: "zoë")) == [])
                #expect(try await numbers(AssetQuery(author: "OË")) == ["8"])
                #expect(try await numbers(AssetQuery(keyword: "e 100%")) == ["5009", "4009", "3009", "2009", "1009", "9"])
                #expect(try await numbers(AssetQuery(keyword: "rare", isVideo: true)) == [])
                #expect(try await numbers(AssetQuery(search: "common 40", author: "ann")).count == 50)
                #expect(try await numbers(AssetQuery(search: "nothing")) == [])
                #expect(try await numbers(AssetQuery(search: "~~~")) == [])

                let all = try await fixture.list(AssetQuery(search: "common"))
                // Of a table that was never analysed nobody knows how much it holds.
                #expect(isAnalysed ? (2900...3100).contains(all.total) : all.total > AssetPage.searchCountLimit)
                #expect(all.hasMore)
                let id = try await fixture.list(AssetQuery(search: "qx")).assets[0].id
                #expect(try await numbers(AssetQuery(search: id.rawValue)) == ["7"])
                let pages = try await fixture.list(AssetQuery(limit: 4, search: "e 100%"))
                #expect(pages.hasMore)
                let rest = try await fixture.list(AssetQuery(limit: 4, after: pages.assets.last?.id, search: "e 100%"))
                #expect(rest.assets.map(\.address.key.rawValue) == ["k1009", "k9"])
                #expect(!rest.hasMore)
                #expect(rest.total == 6)
            }
        }

        /// Texts that the newest assets say nothing of, and one that they say too little of.
        private static let describe =
            fill + """
                UPDATE magpie.assets AS a
                SET description = CASE
                    WHEN i <= 2000 THEN 'ancient'
                    WHEN i <= 3000 OR i > 5995 THEN 'mixed'
                    WHEN i <= 3400 THEN 'middle'
                END
                FROM (SELECT id, substr(name, 2)::int AS i FROM storage.objects) AS o
                WHERE o.id = a.object_id;
                ANALYZE magpie.assets;
                """

        @Test(arguments: [("ancient", [1...2000]), ("mixed", [2001...3000, 5996...6000]), ("middle", [3001...3400])])
        func whatIsRareAmongTheNewestIsFoundPageByPage(_ text: String, _ ranges: [ClosedRange<Int>]) async throws {
            let expected = ranges.flatMap { Array($0) }
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                try await fixture.makeProject()
                try await fixture.onPostgres { try await $0.administrator.execute(script: Self.describe) }
                try await fixture.allow([.select])
                var query = AssetQuery(limit: 100, search: text)
                var found: [Int] = []
                var page: AssetPage
                repeat {
                    page = try await fixture.list(query)
                    // The index over texts counts them all.
                    #expect(page.total == expected.count)
                    found += page.assets.compactMap { Int($0.address.key.rawValue.dropFirst()) }
                    if found.count == 500 {
                        let plain = try await fixture.list(query, as: fixture.alice)
                        #expect(plain.assets == page.assets && plain.hasMore == page.hasMore)
                    }
                    query.after = page.assets.last?.id
                } while page.hasMore && found.count < expected.count
                #expect(found == expected.reversed())
            }
        }
    }
}

extension Sequence {
    fileprivate func asyncMap<Value>(_ transform: (Element) async throws -> Value) async throws -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await transform(element)) }
        return values
    }
}
