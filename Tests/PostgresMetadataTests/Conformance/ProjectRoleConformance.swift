// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// What the role of keys of projects may do.
    @Suite struct ProjectRole {
        private static func holder(of projects: [String], role: String = "magpie_project") -> Caller {
            let claims = JSONWriter.object { writer in
                writer.field("role", role)
                writer.key("projects")
                writer.array(projects) { $0.string($1) }
            }
            return Caller(
                principal: Principal(role: role, subject: nil, claims: JSONText(trusted: claims), token: ""),
                facts: RequestFacts(operation: Operation("storage.object.test")))
        }

        private func withBuckets(
            _ kind: MetadataStoreUnderTest, _ body: (StoreFixture, _ shop: Caller) async throws -> Void
        ) async throws {
            try await kind.withStore { fixture in
                for bucket in ["shop", "blog"] {
                    try await fixture.makeBucket(bucket)
                    try await fixture.put("a", in: bucket, owner: StoreFixture.alice)
                }
                try await body(fixture, Self.holder(of: ["shop"]))
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aKeyDoesAllThereIsToDoInItsProject(_ kind: MetadataStoreUnderTest) async throws {
            try await withBuckets(kind) { fixture, shop in
                let store = fixture.store
                let id = BucketID(stored: "shop")

                _ = try await store.checkPut(fixture.draft("new", in: "shop"), mode: .create, as: shop)
                _ = try await store.checkPut(fixture.draft("a", in: "shop"), mode: .replace, as: shop)
                #expect(try await store.visibleObject(at: fixture.address("a", in: "shop"), as: shop).blob != nil)
                #expect(try await store.folder(FolderQuery(prefix: ""), in: id, as: shop).map(\.name) == ["a"])
                #expect(try await store.objects(matching: ListQuery(), in: id, as: shop).entries.map(\.name) == ["a"])
                _ = try await store.moveObject(
                    from: fixture.address("a", in: "shop"), to: fixture.address("b", in: "shop"), as: shop)
                _ = try await store.deleteObject(at: fixture.address("b", in: "shop"), as: shop)
                _ = try await store.updateBucket(id, changes: BucketChanges(isPublic: true), as: shop)
                #expect(try await store.buckets(matching: BucketQuery(), as: shop).map(\.id) == [id])
                try await store.requireMayChange(id, as: shop)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aKeyIsNobodyElsewhere(_ kind: MetadataStoreUnderTest) async throws {
            try await withBuckets(kind) { fixture, shop in
                let store = fixture.store
                let blog = BucketID(stored: "blog")
                let foreign = fixture.address("a", in: "blog")
                func code(_ body: () async throws -> Void) async -> StorageError.Code? { await failure(body)?.code }

                #expect(
                    await code { _ = try await store.checkPut(fixture.draft("x", in: "blog"), mode: .create, as: shop) }
                        == .accessDenied)
                #expect(
                    await code { _ = try await store.checkPut(fixture.draft("a", in: "blog"), mode: .replace, as: shop) }
                        == .accessDenied)
                #expect(await code { _ = try await store.visibleObject(at: foreign, as: shop) } == .objectNotFound)
                #expect(await code { _ = try await store.deleteObject(at: foreign, as: shop) } == .accessDenied)
                #expect(
                    await code {
                        _ = try await store.moveObject(
                            from: fixture.address("a", in: "shop"), to: fixture.address("b", in: "blog"), as: shop)
                    } == .accessDenied)
                #expect(await code { _ = try await store.bucket(blog, as: shop) } == .bucketNotFound)
                #expect(
                    await code { _ = try await store.updateBucket(blog, changes: BucketChanges(isPublic: true), as: shop) }
                        == .bucketNotFound)
                let listed = try await store.folder(FolderQuery(prefix: ""), in: blog, as: shop)
                let deleted = try await store.deleteObjects([foreign.key], in: blog, as: shop)
                #expect(listed.isEmpty && deleted.isEmpty)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aKeyMakesAndDeletesNoBuckets(_ kind: MetadataStoreUnderTest) async throws {
            try await withBuckets(kind) { fixture, shop in
                _ = try await fixture.store.deleteObject(at: fixture.address("a", in: "shop"), as: shop)
                let made = await failure {
                    _ = try await fixture.store.createBucket(
                        Bucket(id: BucketID(stored: "new"), name: "new", isPublic: false), as: shop)
                }
                let deleted = await failure { try await fixture.store.deleteBucket(BucketID(stored: "shop"), as: shop) }

                #expect(made?.code == .accessDenied)
                #expect(deleted?.code == .accessDenied || deleted?.code == .bucketNotFound)
                #expect(try await fixture.store.bucket(BucketID(stored: "shop"), as: fixture.service).name == "shop")
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aKeyWithoutProjectsSeesNothing(_ kind: MetadataStoreUnderTest) async throws {
            try await withBuckets(kind) { fixture, _ in
                let nobody = Self.holder(of: [])
                let seen = try await fixture.store.buckets(matching: BucketQuery(), as: nobody)
                #expect(seen.isEmpty)
                #expect(
                    await failure { _ = try await fixture.store.visibleObject(at: fixture.address("a", in: "shop"), as: nobody) }?
                        .code == .objectNotFound)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func claimsOfProjectsAreNothingToOtherRoles(_ kind: MetadataStoreUnderTest) async throws {
            try await withBuckets(kind) { fixture, _ in
                for role in ["anon", "authenticated"] {
                    let caller = Self.holder(of: ["shop"], role: role)
                    let seen = try await fixture.store.buckets(matching: BucketQuery(), as: caller)
                    #expect(seen.isEmpty)
                }
            }
        }

        @Test func whatIsGrantedToEverybodyOpensNoOtherProject() async throws {
            try await withBuckets(.postgres) { fixture, shop in
                try await fixture.onPostgres { store in
                    try await store.administrator.execute(
                        script: """
                            CREATE POLICY wide_objects ON storage.objects FOR ALL TO PUBLIC USING (true);
                            CREATE POLICY wide_buckets ON storage.buckets FOR ALL TO PUBLIC USING (true);
                            """)
                }

                let foreign = fixture.address("a", in: "blog")
                #expect(
                    await failure { _ = try await fixture.store.visibleObject(at: foreign, as: shop) }?.code == .objectNotFound)
                #expect(
                    try await fixture.store.buckets(matching: BucketQuery(), as: shop).map(\.id.rawValue) == ["shop"])
            }
        }

        @Test(arguments: [
            "{}", #"{"projects":null}"#, #"{"projects":"shop"}"#, #"{"projects":{"shop":1}}"#, #"{"projects":[null,["shop"]]}"#,
        ])
        func claimsOfAnotherShapeOpenNothing(_ claims: String) async throws {
            try await withBuckets(.postgres) { fixture, _ in
                var caller = Self.holder(of: [])
                caller.principal.claims = JSONText(trusted: claims)
                let seen = try await fixture.store.buckets(matching: BucketQuery(), as: caller)
                #expect(seen.isEmpty)
            }
        }

        @Test func aKeyReadsNothingOfTheServersOwn() async throws {
            try await withBuckets(.postgres) { fixture, _ in
                try await fixture.onPostgres { store in
                    for table in ["projects", "api_keys", "api_key_projects", "usage", "project_totals", "s3_keys", "blobs"] {
                        await #expect(throws: (any Error).self) {
                            try await store.administrator.execute(
                                script: "SET ROLE magpie_project; SELECT FROM magpie.\(table); RESET ROLE")
                        }
                        try await store.administrator.execute(script: "RESET ROLE")
                    }
                }
            }
        }
    }
}
