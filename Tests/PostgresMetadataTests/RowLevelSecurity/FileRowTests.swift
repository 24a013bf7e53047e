// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// Files as SQL meets them: who may do what to whose rows, with nothing but policies between them.
    @Suite struct FileRows {
        /// Who calls, in the words of the contract.
        enum Who: String, CaseIterable {
            case anonymous, other, shareTarget, owner, admin

            func caller(in fixture: StoreFixture) -> Caller {
                switch self {
                case .anonymous: fixture.anon
                case .other: fixture.carol
                case .shareTarget: fixture.bob
                case .owner: fixture.alice
                case .admin: fixture.key(of: "shop")
                }
            }

            func mayRead(_ visibility: FileVisibility) -> Bool {
                switch (self, visibility) {
                case (.owner, _), (.admin, _), (_, .public): true
                case (.anonymous, _), (_, .private): false
                case (_, .protected): true
                case (.shareTarget, .shared): true
                case (.other, .shared): false
                }
            }

            var mayWrite: Bool { self == .owner || self == .admin }
        }

        private func onPostgres(_ body: (StoreFixture, PostgresMetadataStore) async throws -> Void) async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                try await fixture.onPostgres { try await body(fixture, $0) }
            }
        }

        /// A file of Alice's of each visibility, shared with Bob.
        private func fill(_ fixture: StoreFixture) async throws -> [FileVisibility: FileRecord] {
            try await fixture.makeProject()
            var files: [FileVisibility: FileRecord] = [:]
            for visibility in FileVisibility.allCases {
                files[visibility] = try await fixture.addFile(
                    visibility.rawValue, visibility, of: fixture.alice, sharedWith: [StoreFixture.bob])
            }
            return files
        }

        /// What plain SQL finds or changes as a caller; nothing stays changed.
        private func rows(
            _ text: String, _ parameter: String, as caller: Caller, on store: PostgresMetadataStore
        ) async throws -> [String] {
            let name = "test_files_\(text.hashValue)"
            return try await store.client.transaction(
                [.scope(store.scope(caller)), .statement(Statement(SQL(name, text), [parameter]))], ending: .rollback
            )[0].rows.map { try $0.string(0) }
        }

        @Test(arguments: FileVisibility.allCases, Who.allCases)
        func thePoliciesAreTheMatrixOfTheContract(_ visibility: FileVisibility, _ who: Who) async throws {
            try await onPostgres { fixture, store in
                let files = try await fill(fixture)
                let file = try #require(files[visibility])
                let caller = who.caller(in: fixture)

                for (table, column) in [("storage.objects", "id"), ("magpie.files", "object_id")] {
                    let one = try await rows(
                        "SELECT bucket_id FROM \(table) WHERE \(column) = $1::uuid", file.object.rawValue, as: caller, on: store)
                    #expect(one.isEmpty != who.mayRead(visibility), "read of \(table)")
                    let list = try await rows("SELECT name FROM \(table) WHERE bucket_id = $1", "shop", as: caller, on: store)
                    #expect(list.contains(file.address.key.rawValue) == who.mayRead(visibility), "list of \(table)")
                }
                for command in [
                    "UPDATE storage.objects SET user_metadata = '{}' WHERE id = $1::uuid RETURNING name",
                    "DELETE FROM storage.objects WHERE id = $1::uuid RETURNING name",
                    "SELECT name FROM storage.objects WHERE id = $1::uuid FOR UPDATE",
                ] {
                    let changed = try await rows(command, file.object.rawValue, as: caller, on: store)
                    #expect(changed.isEmpty != who.mayWrite, "\(command)")
                }
            }
        }

        @Test(arguments: Who.allCases)
        func nobodyButTheProjectMakesAnObjectWithoutATicket(_ who: Who) async throws {
            try await onPostgres { fixture, store in
                _ = try await fill(fixture)
                let insert = "INSERT INTO storage.objects (bucket_id, name) VALUES ('shop', $1)"
                var refusal: SQLState?
                do {
                    _ = try await rows(insert, "images/new.png", as: who.caller(in: fixture), on: store)
                } catch let error as PostgresError {
                    refusal = error.sqlState
                }
                #expect(refusal == (who == .admin ? nil : .insufficientPrivilege))
            }
        }

        @Test(arguments: Who.allCases.filter { $0 != .admin })
        func nobodyWritesRowsOfFiles(_ who: Who) async throws {
            try await onPostgres { fixture, store in
                _ = try await fill(fixture)
                for statement in [
                    "UPDATE magpie.files SET visibility = 'public' WHERE bucket_id = $1",
                    "DELETE FROM magpie.files WHERE bucket_id = $1",
                    "UPDATE magpie.file_tickets SET registered_at = NULL WHERE bucket_id = $1",
                    "DELETE FROM magpie.file_tickets WHERE bucket_id = $1",
                    "SELECT bucket_id FROM magpie.file_totals WHERE bucket_id = $1",
                    "SELECT f.id::text FROM magpie.find_files($1, 'all', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'id', true, 0, 9, 9) AS f",
                ] {
                    var refusal: SQLState?
                    do {
                        _ = try await rows(statement, "shop", as: who.caller(in: fixture), on: store)
                    } catch let error as PostgresError {
                        refusal = error.sqlState
                    }
                    #expect(refusal == .insufficientPrivilege, "\(statement)")
                }
            }
        }

        @Test func aTicketIsNoWayToAnObjectThatIsThere() async throws {
            try await onPostgres { fixture, store in
                try await fixture.makeProject()
                let theirs = try await fixture.put("images/x.png", in: "shop", owner: StoreFixture.bob)
                let ticket = """
                    INSERT INTO magpie.file_tickets
                        (id, bucket_id, name, owner_kind, owner_id, role, original_name, media_type, visibility, label, issued_at)
                    VALUES ('99999999-9999-4999-8999-999999999999', 'shop', $1, 'user', '\(StoreFixture.alice)', 'authenticated', 'x',
                        'image/png', 'private', 'images', now())
                    """
                for name in [theirs.address.key.rawValue, "images/99999999-9999-4999-8999-999999999998/x.png"] {
                    var refusal: SQLState?
                    do {
                        _ = try await rows(ticket, name, as: fixture.alice, on: store)
                    } catch let error as PostgresError {
                        refusal = error.sqlState
                    }
                    #expect(refusal == .uniqueViolation || refusal?.rawValue == "23514")
                }
            }
        }

        @Test func otherBucketsNeitherOpenNorReadFiles() async throws {
            try await onPostgres { fixture, store in
                let file = try #require(try await fill(fixture)[.public])
                try await fixture.makeBucket()
                try await fixture.put(file.address.key.rawValue, owner: StoreFixture.bob)
                try await fixture.put("mine", owner: StoreFixture.alice)

                let everything = "SELECT name FROM storage.objects WHERE bucket_id = $1"
                #expect(try await rows(everything, "photos", as: fixture.alice, on: store) == [])
                try await fixture.allow([.select], where: .ownerIsCaller)
                #expect(try await rows(everything, "photos", as: fixture.alice, on: store) == ["mine"])

                let plan = try await rows(
                    "EXPLAIN (ANALYZE, TIMING OFF) SELECT name FROM storage.objects WHERE bucket_id = $1", "photos",
                    as: fixture.alice, on: store)
                let looks = plan.filter { $0.contains(" on files") || $0.contains(" on file_tickets") }
                #expect(!looks.isEmpty && looks.allSatisfy { $0.contains("never executed") }, "\(plan)")
            }
        }

        @Test func totalsAreTheSumsOfTheRows() async throws {
            try await onPostgres { fixture, store in
                let files = try await fill(fixture)
                let shared = try #require(files[.shared])
                _ = try await fixture.store.updateFile(
                    shared.id, patch: FilePatch(visibility: .public), in: fixture.shop, as: fixture.alice
                ) { _ in }
                _ = try await fixture.store.deleteObject(at: try #require(files[.private]).address, as: fixture.alice)

                let difference = try await rows(
                    """
                    SELECT visibility || ' ' || label FROM (
                        SELECT visibility, label, sum(files) AS n, sum(bytes) AS b FROM magpie.file_totals WHERE bucket_id = $1
                        GROUP BY 1, 2
                    ) AS t
                    FULL JOIN (
                        SELECT visibility, label, count(*) AS n, sum(size) AS b FROM magpie.files WHERE bucket_id = $1 GROUP BY 1, 2
                    ) AS f USING (visibility, label)
                    WHERE (coalesce(t.n, 0), coalesce(t.b, 0)) IS DISTINCT FROM (coalesce(f.n, 0), coalesce(f.b, 0))
                    """, "shop", as: fixture.service, on: store)
                #expect(difference == [])
            }
        }

        @Test func manyFilesAreFoundByRareTextsAndByCommonOnes() async throws {
            try await onPostgres { fixture, store in
                try await fixture.makeProject()
                try await store.administrator.execute(
                    script: """
                        INSERT INTO magpie.file_projects VALUES ('shop');
                        INSERT INTO magpie.files (id, bucket_id, object_id, name, original_name, media_type, size, visibility, label,
                            owner_kind, owner_id, created_at)
                        SELECT gen_random_uuid(), 'shop', gen_random_uuid(), 'images/' || i, 'photo-' || i || '.png',
                            CASE WHEN i % 2 = 0 THEN 'image/png' ELSE 'image/jpeg' END, i,
                            (ARRAY['public', 'private', 'protected', 'shared'])[1 + i % 4], 'images', 'user', '\(StoreFixture.alice)',
                            timestamptz '2026-01-01' + i * interval '1 second'
                        FROM generate_series(1, 12000) AS i;
                        ANALYZE magpie.files;
                        """)
                func find(_ query: FileQuery, as caller: Caller? = nil) async throws -> FoundFiles {
                    try await store.files(matching: query, in: fixture.shop, as: caller ?? fixture.alice)
                }

                let rare = try await find(FileQuery(search: "TO-123"))
                #expect(rare.total == FileTotal(11) && rare.files.first?.originalName == "photo-1239.png")
                let anonymous = try await find(FileQuery(search: "to-123"), as: fixture.anon)
                #expect(anonymous.files.map(\.originalName) == ["photo-1236.png", "photo-1232.png"])
                let narrowed = try await find(FileQuery(mediaType: .exactly("image/png"), search: "o-77"))
                #expect(narrowed.total == FileTotal(55))
                let common = try await find(FileQuery(page: 3, limit: 10, mediaType: .exactly("image/png"), search: "photo"))
                #expect(common.files.map(\.size) == Array(stride(from: Int64(11960), through: 11942, by: -2)))
                #expect(common.hasMore && !common.total.isExact && (5000...7000).contains(common.total.count))
                let whole = try await find(FileQuery(page: 599, limit: 20, order: FileOrder(.size, isAscending: true)))
                #expect(whole.files.map(\.size) == Array(Int64(11961)...11980) && whole.hasMore)
                #expect(whole.total == FileTotal(12000))
                let last = try await find(FileQuery(page: 600, limit: 20, order: FileOrder(.size)))
                #expect(last.files.map(\.size) == Array(stride(from: Int64(20), through: 1, by: -1)) && !last.hasMore)
            }
        }
    }
}
