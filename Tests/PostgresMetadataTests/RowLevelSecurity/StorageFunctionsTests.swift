// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Testing

@testable import PostgresMetadata

/// A comparison of operations: what the request does, what the policy expects.
struct OperationCase: Sendable {
    var current: String
    var expected: String?
    var isAllowed: Bool

    static let all = [
        OperationCase(current: "storage.object.list", expected: "object.list", isAllowed: true),
        OperationCase(current: "storage.object.list", expected: "storage.object.list", isAllowed: true),
        OperationCase(current: "object.list", expected: "storage.object.list", isAllowed: true),
        OperationCase(current: "object.list", expected: "object.list", isAllowed: true),
        OperationCase(current: "storage.object.list_v2", expected: "object.list", isAllowed: false),
        OperationCase(current: "storage.object.list", expected: "object", isAllowed: false),
        OperationCase(current: "storage.storage.x", expected: "x", isAllowed: false),
        OperationCase(current: "storage.object.list", expected: "", isAllowed: false),
        OperationCase(current: "storage.object.list", expected: nil, isAllowed: false),
        OperationCase(current: "", expected: "", isAllowed: false),
        OperationCase(current: "", expected: "object.list", isAllowed: false),
        OperationCase(current: "storage.", expected: "storage.", isAllowed: false),
    ]
}

extension MetadataStoreConformance {
    /// The functions that users' policies and queries call.
    @Suite struct StorageFunctions {
        /// Runs a query with text parameters as the service. - Returns: the rows' columns as text, NULL as `NULL`.
        private func rows(_ text: String, _ parameters: String?..., operation: String = "") async throws -> [[String]] {
            var result: [[String]] = []
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                try await fixture.onPostgres { result = try await rows($0, text, parameters, fixture, operation) }
            }
            return result
        }

        private func rows(
            _ store: PostgresMetadataStore, _ text: String, _ parameters: [String?] = [], _ fixture: StoreFixture,
            _ operation: String = ""
        ) async throws -> [[String]] {
            var caller = fixture.service
            caller.facts.operation = Operation(operation)
            let set = try await store.administrator.transaction(
                [.scope(store.scope(caller)), .statement(Statement(SQL("test_\(text)", text), parameters))], ending: .rollback)
            return try set[0].rows.map { row in try (0..<row.result.columnCount).map { try row.optionalString($0) ?? "NULL" } }
        }

        @Test(arguments: [
            ("a/b/c.tar.gz", "{a,b}", "c.tar.gz", "gz"), ("x.txt", "{}", "x.txt", "txt"), ("dir/", "{dir}", "", ""),
            ("a.b/name", "{a.b}", "name", "name"), ("", "{}", "", ""), ("a//b", "{a,\"\"}", "b", "b"),
        ])
        func namesAreTakenApart(_ name: String, _ folders: String, _ file: String, _ ending: String) async throws {
            let row = try await rows("SELECT storage.foldername($1), storage.filename($1), storage.extension($1)", name)

            #expect(row == [[folders, file, ending]])
        }

        @Test(arguments: OperationCase.all)
        func operationsAreComparedWithoutTheirPrefix(_ example: OperationCase) async throws {
            let only = try await rows("SELECT storage.allow_only_operation($1)", example.expected, operation: example.current)
            let any = try await rows(
                "SELECT storage.allow_any_operation(ARRAY['other', NULL, '', $1])", example.expected, operation: example.current)

            #expect(only == [[example.isAllowed ? "t" : "f"]] && any == [[example.isAllowed ? "t" : "f"]])
        }

        @Test func noExpectedOperationAllowsNothing() async throws {
            let row = try await rows(
                "SELECT storage.allow_any_operation(NULL), storage.allow_any_operation('{}'), storage.operation()",
                operation: "storage.object.get")

            #expect(row == [["f", "f", "storage.object.get"]])
        }

        @Test(
            arguments: [
                ("a/b/c", "", "/", "a/"), ("a/b/c", "a/", "/", "a/b/"), ("a/b", "a/", "/", "NULL"), ("a--b--c", "", "--", "a--"),
                ("ab", "", "/", "NULL"), ("ab", "", "", "NULL"),
            ])
        func aCommonPrefixEndsWithTheDelimiter(_ key: String, _ prefix: String, _ delimiter: String, _ common: String)
            async throws
        {
            #expect(try await rows("SELECT storage.get_common_prefix($1, $2, $3)", key, prefix, delimiter) == [[common]])
        }

        @Test func sizesAddUpByBucket() async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.put(all: ["a", "b"])
                try await fixture.onPostgres { store in
                    try await store.administrator.execute(
                        script: """
                            INSERT INTO storage.objects (bucket_id, name, metadata)
                            VALUES ('photos', 'c', '{"size": "10"}'), ('photos', 'd', '{"size": "many"}'), ('photos', 'e', NULL)
                            """)
                    let row = try await rows(store, "SELECT size, bucket_id FROM storage.get_size_by_bucket()", [], fixture)
                    #expect(row == [["16", "photos"]])
                }
            }
        }

        @Test func insertingToAskLeavesNoRow() async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                try await fixture.onPostgres { store in
                    do {
                        _ = try await rows(store, "SELECT storage.can_insert_object('photos', 'a', NULL, '{}')", [], fixture)
                        Issue.record("it has to fail to undo the row")
                    } catch let error as PostgresError {
                        #expect(error.sqlState?.rawValue == "PT200")
                    }
                }
                #expect(try await fixture.store.countObjects(in: bucket, upTo: 1, facts: fixture.facts) == 0)
            }
        }

        @Test func theDelimiterListingPagesByItsTokens() async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.put(all: ["a", "b/1", "b/2", "b-", "c/d/1", "e"])
                try await fixture.onPostgres { store in
                    for (order, expected) in [("asc", ["a", "b-", "b/", "c/", "e"]), ("desc", ["e", "c/", "b/", "b-", "a"])] {
                        var names: [String] = []
                        while names.count < 10 {
                            let page = try await rows(
                                store,
                                "SELECT name, id FROM storage.list_objects_with_delimiter('photos', '', '/', 2, '', $1, $2)",
                                [names.last ?? "", order], fixture)
                            #expect(page.allSatisfy { $0[0].hasSuffix("/") == ($0[1] == "NULL") })
                            names += page.map { $0[0] }
                            if page.count < 2 { break }
                        }
                        #expect(names == expected)
                    }
                }
            }
        }

        @Test func aListingWithoutADelimiterIsFlat() async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.put(all: ["a/1", "a/2", "b"])
                try await fixture.onPostgres { store in
                    let names = try await rows(
                        store, "SELECT name FROM storage.list_objects_with_delimiter('photos', '', '', 10, 'a/1')", [], fixture)
                    #expect(names == [["a/2"], ["b"]])
                }
            }
        }

        @Test func theSecondSearchGivesKeysAndFullNames() async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.put(all: ["p/a.txt", "p/n/1", "p/z"])
                try await fixture.onPostgres { store in
                    func search(_ column: String) async throws -> [[String]] {
                        try await rows(
                            store, "SELECT key, name, id IS NULL FROM storage.search_v2('p/', 'photos', 10, 2, '', 'asc', $1)",
                            [column], fixture)
                    }
                    let expected = [["a.txt", "p/a.txt", "f"], ["n", "p/n", "t"], ["z", "p/z", "f"]]
                    for column in ["name", "created_at", "updated_at"] {
                        let found = try await search(column)
                        #expect(found == expected)
                    }
                }
            }
        }

        @Test func theSearchesCapTheirPages() async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.onPostgres { store in
                    try await store.administrator.execute(
                        script: """
                            INSERT INTO storage.objects (bucket_id, name)
                            SELECT 'photos', 'k' || lpad(i::text, 5, '0') FROM generate_series(1, 1600) AS i
                            """)
                    for call in [
                        "storage.search('', 'photos', 5000)", "storage.search_v2('', 'photos', 5000)",
                        "storage.search('', 'photos', 5000, 1, 0, '', 'created_at')",
                        "storage.list_objects_with_delimiter('photos', '', '/', 5000)",
                    ] {
                        let count = try await rows(store, "SELECT count(*) FROM \(call)", [], fixture)
                        #expect(count == [["1500"]])
                    }
                    let last = try await rows(store, "SELECT name FROM storage.search('', 'photos', 5, 1, 1598)", [], fixture)
                    #expect(last == [["k01599"], ["k01600"]])
                }
            }
        }

        @Test func nullArgumentsMeanTheirDefaults() async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.put(all: ["a", "b/1"])
                try await fixture.onPostgres { store in
                    for call in [
                        "storage.search(NULL, 'photos', NULL, NULL, NULL, NULL, NULL, NULL)",
                        "storage.search_v2(NULL, 'photos', NULL, NULL, NULL, NULL, NULL, NULL)",
                        "storage.list_objects_with_delimiter('photos', NULL, '/', NULL, NULL, NULL, NULL)",
                    ] {
                        let names = try await rows(store, "SELECT rtrim(name, '/') FROM \(call)", [], fixture)
                        #expect(names == [["a"], ["b"]])
                    }
                }
            }
        }

        @Test func pendingUploadsAreListedByKeyAndThenByTime() async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.onPostgres { store in
                    try await store.administrator.execute(
                        script: """
                            INSERT INTO storage.s3_multipart_uploads (id, upload_signature, bucket_id, key, version, created_at)
                            VALUES ('u2', 's', 'photos', 'a', 'v', '2026-01-02'), ('u1', 's', 'photos', 'a', 'v', '2026-01-01'),
                                ('u3', 's', 'photos', 'dir/x', 'v', '2026-01-01'), ('u4', 's', 'photos', 'dir/y', 'v', '2026-01-01'),
                                ('u5', 's', 'photos', 'z', 'v', '2026-01-01')
                            """)
                    func page(_ parameters: String?...) async throws -> [[String]] {
                        try await rows(
                            store,
                            "SELECT key, id FROM storage.list_multipart_uploads_with_delimiter('photos', '', '/', 2, $1, $2)",
                            parameters, fixture)
                    }
                    var found = try await page("", "")
                    #expect(found == [["a", "u1"], ["a", "u2"]])
                    found = try await page("a", "u1")
                    #expect(found == [["a", "u2"], ["dir/", "u3"]])
                    found = try await page("dir/", "")
                    #expect(found == [["z", "u5"]])
                }
            }
        }

        @Test(arguments: ["storage.objects", "storage.buckets"])
        func plainDeletionIsGuarded(_ table: String) async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                try await fixture.onPostgres { store in
                    do {
                        try await store.administrator.execute(script: "DELETE FROM \(table)")
                        Issue.record("the guard must refuse even a deletion of nothing")
                    } catch let error as PostgresError {
                        #expect(error.sqlState == .insufficientPrivilege)
                        #expect(
                            error.message == "Direct deletion from storage tables is not allowed. Use the Storage API instead.")
                    }
                    try await store.administrator.execute(script: "SET storage.allow_delete_query = 'true'; DELETE FROM \(table)")
                }
            }
        }

        @Test func aBucketNameOfMoreThanAHundredCharactersIsRefused() async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                let long = String(repeating: "x", count: 101)
                let error = await failure { try await fixture.makeBucket(long) }

                #expect(error?.code == .databaseFailure)
                try await fixture.makeBucket(String(long.dropLast()))
            }
        }

        @Test func versioningStaysDark() async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.onPostgres { store in
                    do {
                        try await store.administrator.execute(script: "UPDATE storage.buckets SET versioning_status = 'ENABLED'")
                        Issue.record("the check must refuse")
                    } catch let error as PostgresError {
                        #expect(error.constraint == "buckets_versioning_status_dark_check")
                    }
                }
            }
        }

        @Test(
            arguments: [
                ("a", "b"), ("a/", "a0"), ("", "NULL"), ("\u{10FFFF}", "NULL"), ("a\u{10FFFF}", "b"), ("\u{D7FF}", "\u{E000}"),
                ("ü", "ý"),
            ])
        func theKeyAfterAPrefixIsTheNextOneOfItsLength(_ prefix: String, _ next: String) async throws {
            #expect(try await rows("SELECT magpie.key_after($1)", prefix) == [[next]])
        }
    }
}
