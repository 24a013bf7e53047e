// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    @Suite struct Memberships {
        private static let shop = BucketID(stored: "shop")
        private static let time = AccountSample.time

        private func project(_ name: String = "shop") -> Project {
            Project(id: BucketID(stored: name), plan: Plan(.unlimited), createdAt: Self.time)
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aProjectIsMadeWithItsOwner(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let ann = try await fixture.makeAccount("ann")
                #expect(try await fixture.store.createProject(project(), isPublic: false, keys: [], ownedBy: ann.id))
                #expect(try await fixture.store.role(of: ann.id, in: Self.shop) == .owner)
                let nobody = await failure {
                    _ = try await fixture.store.createProject(project("blog"), isPublic: false, keys: [], ownedBy: AccountID())
                }
                #expect(nobody?.code == .relatedResourceMissing)
                #expect(try await fixture.store.projects().map(\.id) == [Self.shop])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func somebodysBucketIsNotTakenByAnAccount(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let ann = try await fixture.makeAccount("ann")
                try await fixture.makeBucket("shop")
                let taken = await failure {
                    _ = try await fixture.store.createProject(project(), isPublic: false, keys: [], ownedBy: ann.id)
                }
                #expect(taken?.code == .bucketExists)
                #expect(try await fixture.store.projects().isEmpty)
                #expect(try await fixture.store.memberships(of: ann.id).isEmpty)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func membersAreAddedChangedListedAndRemoved(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let store = fixture.store
                let (ann, ben) = (try await fixture.makeAccount("ann"), try await fixture.makeAccount("ben"))
                for name in ["shop", "blog"] {
                    _ = try await store.createProject(project(name), isPublic: false, keys: [], ownedBy: ben.id)
                }
                #expect(try await store.addMember(ann.id, to: Self.shop, as: .viewer, at: Self.time))
                #expect(try await !store.addMember(ann.id, to: Self.shop, as: .admin, at: Self.time))
                #expect(try await store.role(of: ann.id, in: Self.shop) == .viewer)
                #expect(try await store.changeMember(ann.id, of: Self.shop, to: .admin) == .done)

                #expect(try await store.members(of: Self.shop).map(\.account.name) == ["ben", "ann"])
                #expect(try await store.members(of: Self.shop).map(\.role) == [.owner, .admin])
                #expect(try await store.memberships(of: ann.id).map(\.project.id) == [Self.shop])
                #expect(try await store.memberships(of: ben.id).map(\.project.id.rawValue) == ["blog", "shop"])
                #expect(try await store.removeMember(ann.id, from: Self.shop) == .done)
                #expect(try await store.removeMember(ann.id, from: Self.shop) == .noMember)
                #expect(try await store.changeMember(ann.id, of: Self.shop, to: .viewer) == .noMember)
                let missing = BucketID(stored: "none")
                #expect(
                    await failure { _ = try await store.addMember(ann.id, to: missing, as: .viewer, at: Self.time) }?.code
                        == .bucketNotFound)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func theLastOwnerStays(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let store = fixture.store
                let (ann, ben) = (try await fixture.makeAccount("ann"), try await fixture.makeAccount("ben"))
                _ = try await store.createProject(project(), isPublic: false, keys: [], ownedBy: ann.id)
                _ = try await store.addMember(ben.id, to: Self.shop, as: .admin, at: Self.time)

                #expect(try await store.removeMember(ann.id, from: Self.shop) == .lastOwner)
                #expect(try await store.changeMember(ann.id, of: Self.shop, to: .admin) == .lastOwner)
                #expect(try await store.changeMember(ann.id, of: Self.shop, to: .owner) == .done)
                #expect(try await store.changeMember(ben.id, of: Self.shop, to: .owner) == .done)
                // An owner who can't sign in is as good as none.
                #expect(try await store.setDisabled(Self.time, of: ben.id))
                #expect(try await store.removeMember(ann.id, from: Self.shop) == .lastOwner)
                #expect(try await store.setDisabled(nil, of: ben.id))
                #expect(try await store.removeMember(ann.id, from: Self.shop) == .done)
                #expect(try await store.removeMember(ben.id, from: Self.shop) == .lastOwner)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func ofTwoOwnersWhoGoAtTheSameTimeOneStays(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let store = fixture.store
                let (ann, ben) = (try await fixture.makeAccount("ann"), try await fixture.makeAccount("ben"))
                _ = try await store.createProject(project(), isPublic: false, keys: [], ownedBy: ann.id)
                for _ in 0..<10 {
                    _ = try await store.addMember(ben.id, to: Self.shop, as: .owner, at: Self.time)
                    _ = try await store.addMember(ann.id, to: Self.shop, as: .owner, at: Self.time)
                    async let first = store.removeMember(ann.id, from: Self.shop)
                    async let second = store.removeMember(ben.id, from: Self.shop)
                    #expect(try await Set([first, second]) == [.done, .lastOwner])
                }
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aProjectThatGoesTakesItsMembershipsAlong(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let ann = try await fixture.makeAccount("ann")
                _ = try await fixture.store.createProject(project(), isPublic: false, keys: [], ownedBy: ann.id)
                try await fixture.store.deleteProject(Self.shop)
                _ = try await fixture.store.createProject(project(), isPublic: false, keys: [])
                #expect(try await fixture.store.role(of: ann.id, in: Self.shop) == nil)
            }
        }
    }

    /// What the claim `right` lets the role of keys do.
    @Suite struct ProjectRights {
        private static let shop = BucketID(stored: "shop")

        private static func holder(_ right: String?, of project: String = "shop") -> Caller {
            let claims = JSONWriter.object { writer in
                writer.field("role", ProjectScope.role)
                writer.key("projects")
                writer.array([project]) { $0.string($1) }
                if let right { writer.key("right"); writer.json(JSONText(trusted: right)) }
                writer.field("sub", StoreFixture.alice)
            }
            return Caller(
                principal: Principal(
                    role: ProjectScope.role, subject: StoreFixture.alice, claims: JSONText(trusted: claims), token: ""),
                facts: RequestFacts(operation: Operation("storage.object.test")))
        }

        /// What a caller gets done, by name.
        private func done(_ fixture: StoreFixture, as caller: Caller) async throws -> Set<String> {
            let store = fixture.store
            let trials: [(String, () async throws -> Void)] = [
                ("read", { _ = try await store.visibleObject(at: fixture.address("a", in: "shop"), as: caller) }),
                ("bucket", { _ = try await store.bucket(Self.shop, as: caller) }),
                ("create", { try await store.checkPut(fixture.draft("new", in: "shop"), mode: .create, as: caller) }),
                ("replace", { try await store.checkPut(fixture.draft("a", in: "shop"), mode: .replace, as: caller) }),
                (
                    "tag",
                    {
                        _ = try await store.replaceTags(
                            TagSet.empty, of: fixture.address("a", in: "shop"), version: nil, as: caller)
                    }
                ),
                (
                    "move",
                    {
                        _ = try await store.moveObject(
                            from: fixture.address("b", in: "shop"), to: fixture.address("moved", in: "shop"), as: caller)
                    }
                ),
                ("delete", { _ = try await store.deleteObject(at: fixture.address("c", in: "shop"), as: caller) }),
                ("folder", { try await store.createFolder(try FolderPath("f"), in: Self.shop, as: caller) }),
                ("settings", { try await store.setPlugin(.draw, isActive: true, in: Self.shop, as: caller) }),
                ("manage", { try await store.requireMayChange(Self.shop, as: caller) }),
                (
                    "publish",
                    { _ = try await store.updateBucket(Self.shop, changes: BucketChanges(isPublic: true), as: caller) }
                ),
            ]
            var done: Set<String> = []
            for (name, trial) in trials where await failure({ try await trial() }) == nil { done.insert(name) }
            return done
        }

        private func withProject(
            _ kind: MetadataStoreUnderTest, _ body: (StoreFixture) async throws -> Void
        ) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                try await fixture.put(all: ["a", "b", "c"], in: "shop")
                try await body(fixture)
            }
        }

        private static let reading: Set = ["read", "bucket"]
        private static let writing = reading.union(["create", "replace", "tag", "move", "delete", "folder"])
        private static let managing = writing.union(["settings", "manage", "publish"])

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func eachRightIsAsMuchAsItSays(_ kind: MetadataStoreUnderTest) async throws {
            for (right, expected) in [
                (#""read""#, Self.reading), (#""write""#, Self.writing), (#""manage""#, Self.managing), (nil, Self.managing),
            ] {
                try await withProject(kind) { fixture in
                    let done = try await done(fixture, as: Self.holder(right))
                    #expect(done == expected, "\(right ?? "no claim")")
                }
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases, ["null", "\"all\"", "true", "[\"manage\"]", "{}", "1"])
        func whatIsNoRightIsTheRightToRead(_ kind: MetadataStoreUnderTest, _ right: String) async throws {
            try await withProject(kind) { fixture in
                let done = try await done(fixture, as: Self.holder(right))
                #expect(done == Self.reading)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func noRightReachesAnotherProject(_ kind: MetadataStoreUnderTest) async throws {
            try await withProject(kind) { fixture in
                let done = try await done(fixture, as: Self.holder(#""manage""#, of: "blog"))
                #expect(done == [])
            }
        }

        @Test func whatIsGrantedToEverybodyLetsNoReaderWrite() async throws {
            try await withProject(.postgres) { fixture in
                try await fixture.onPostgres { store in
                    try await store.administrator.execute(
                        script: """
                            CREATE POLICY wide_objects ON storage.objects FOR ALL TO PUBLIC USING (true);
                            CREATE POLICY wide_buckets ON storage.buckets FOR ALL TO PUBLIC USING (true);
                            CREATE POLICY wide_versions ON magpie.object_versions FOR ALL TO PUBLIC USING (true);
                            """)
                }
                let reader = try await done(fixture, as: Self.holder(#""read""#))
                #expect(reader == Self.reading)
                let writer = try await done(fixture, as: Self.holder(#""write""#))
                #expect(writer == Self.writing)
            }
        }

        @Test func aMemberReadsNothingOfTheServersOwn() async throws {
            try await withProject(.postgres) { fixture in
                try await fixture.onPostgres { store in
                    for table in ["accounts", "account_sessions", "spent_refresh_tokens", "memberships"] {
                        for role in ["magpie_project", "authenticated", "anon"] {
                            await #expect(throws: (any Error).self) {
                                try await store.administrator.execute(script: "SET ROLE \(role); SELECT FROM magpie.\(table)")
                            }
                            try await store.administrator.execute(script: "RESET ROLE")
                        }
                    }
                }
            }
        }
    }
}
