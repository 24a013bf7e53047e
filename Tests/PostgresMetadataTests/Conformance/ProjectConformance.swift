// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    @Suite struct Projects {
        private static let shop = BucketID(stored: "shop")

        private static func project(_ name: String = "shop", plan: Plan.Name = .starter, owner: String? = nil) -> Project {
            Project(
                id: BucketID(stored: name), plan: Plan(plan), owner: owner, createdAt: Timestamp(seconds: 1_700_000_000))
        }

        private static func key(
            _ secret: String, of projects: [String] = ["shop"], clientID: String? = nil, at seconds: Int64 = 1
        ) -> ProjectKey {
            ProjectKey(
                kind: clientID == nil ? .single : .pair, clientID: clientID, digest: SecretDigest(of: secret),
                projects: projects.map { BucketID(stored: $0) }, description: "of \(secret)",
                createdAt: Timestamp(seconds: seconds))
        }

        // MARK: Projects

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aProjectMakesItsBucketAndKeys(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let (project, key) = (Self.project(owner: "ann@example.com"), Self.key("s", clientID: "px_cl_1"))

                let madeBucket = try await fixture.store.createProject(project, isPublic: true, keys: [key])

                #expect(madeBucket)
                #expect(try await fixture.store.bucketRules(Self.shop, facts: fixture.facts).isPublic)
                #expect(try await fixture.store.project(Self.shop, facts: fixture.facts) == project)
                #expect(try await fixture.store.projectKey(key.digest) == key)
                #expect(try await fixture.store.project(BucketID(stored: "none"), facts: fixture.facts) == nil)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aBucketThatIsThereIsClaimedAsItIs(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket("shop", isPublic: false)

                #expect(try await !fixture.store.createProject(Self.project(), isPublic: true, keys: []))

                #expect(try await !fixture.store.bucketRules(Self.shop, facts: fixture.facts).isPublic)
                #expect(try await fixture.store.project(Self.shop, facts: fixture.facts) != nil)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aProjectIsMadeOnceAndWithNewKeysOnly(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let key = Self.key("s")
                _ = try await fixture.store.createProject(Self.project(), isPublic: true, keys: [key])

                let again = await failure {
                    _ = try await fixture.store.createProject(Self.project(), isPublic: true, keys: [])
                }
                let known = await failure {
                    _ = try await fixture.store.createProject(
                        Self.project("blog"), isPublic: true, keys: [Self.key("s", of: ["blog"])])
                }

                #expect(again?.code == .bucketExists && known?.code == .invalidRequest)
                #expect(try await fixture.store.projects().map(\.id) == [Self.shop])
                #expect(
                    await failure { _ = try await fixture.store.bucketRules(BucketID(stored: "blog"), facts: fixture.facts) }?
                        .code == .bucketNotFound)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func projectsAreListedInOrderAndChangePlans(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                for name in ["shop", "blog"] {
                    _ = try await fixture.store.createProject(Self.project(name), isPublic: true, keys: [])
                }

                #expect(try await fixture.store.setPlan(.pro, of: Self.shop))
                #expect(try await !fixture.store.setPlan(.pro, of: BucketID(stored: "none")))

                #expect(try await fixture.store.projects().map(\.id.rawValue) == ["blog", "shop"])
                #expect(try await fixture.store.projects().map(\.plan.name) == [.starter, .pro])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func onlyAnEmptyProjectIsDeleted(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                _ = try await fixture.store.createProject(Self.project(), isPublic: true, keys: [])
                try await fixture.makeBucket("other")
                try await fixture.put("a", in: "shop")

                #expect(await failure { try await fixture.store.deleteProject(Self.shop) }?.code == .bucketNotEmpty)
                #expect(
                    await failure { try await fixture.store.deleteProject(BucketID(stored: "other")) }?.code == .bucketNotFound)
                _ = try await fixture.store.deleteObject(at: fixture.address("a", in: "shop"), as: fixture.service)
                try await fixture.store.deleteProject(Self.shop)

                #expect(try await fixture.store.projects().isEmpty)
                #expect(
                    await failure { _ = try await fixture.store.bucketRules(Self.shop, facts: fixture.facts) }?.code
                        == .bucketNotFound)
            }
        }

        // MARK: Keys

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func keysAreKeptListedAndRevoked(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                _ = try await fixture.store.createProject(Self.project(), isPublic: true, keys: [])
                let old = Self.key("old", clientID: "px_cl_1", at: 1)
                var new = Self.key("new", at: 2)
                new.scopes = [KeyScope(stored: "files:read"), KeyScope(stored: "files:list")]
                new.expiresAt = Timestamp(seconds: 3)
                try await fixture.store.insertProjectKey(old)
                try await fixture.store.insertProjectKey(new)

                #expect(await failure { try await fixture.store.insertProjectKey(Self.key("old")) }?.code == .invalidRequest)
                #expect(
                    await failure { try await fixture.store.insertProjectKey(Self.key("x", of: ["none"])) }?.code
                        == .bucketNotFound)
                #expect(try await fixture.store.projectKeys(of: Self.shop) == [new, old])
                #expect(try await fixture.store.projectKey(SecretDigest(of: "x")) == nil)

                #expect(try await !fixture.store.revokeProjectKey("px_cl_1", of: BucketID(stored: "blog")))
                #expect(try await fixture.store.revokeProjectKey("px_cl_1", of: Self.shop))
                #expect(try await !fixture.store.revokeProjectKey("px_cl_1", of: Self.shop))
                #expect(try await fixture.store.revokeProjectKey(new.id.rawValue, of: Self.shop))
                #expect(try await fixture.store.projectKeys(of: Self.shop).allSatisfy { $0.revokedAt != nil })
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aKeyLosesAProjectThatGoes(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                for name in ["shop", "blog"] {
                    _ = try await fixture.store.createProject(Self.project(name), isPublic: true, keys: [])
                }
                let key = Self.key("s", of: ["shop", "blog"])
                try await fixture.store.insertProjectKey(key)

                // However it goes: any dialect may delete a bucket.
                try await fixture.store.deleteBucket(Self.shop, as: fixture.service)
                _ = try await fixture.store.createProject(Self.project(), isPublic: true, keys: [])

                #expect(try await fixture.store.projectKey(key.digest)?.projects == [BucketID(stored: "blog")])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aKeyPairOfS3DoesNotOutliveItsProject(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                _ = try await fixture.store.createProject(Self.project(), isPublic: true, keys: [])
                let pairs = [
                    ("of-it", #"{"role":"magpie_project","projects":["shop"]}"#),
                    ("of-another", #"{"role":"magpie_project","projects":["shop2"]}"#),
                    ("of-somebody", #"{"role":"authenticated","projects":["shop"]}"#),
                ]
                for (id, claims) in pairs {
                    try await fixture.store.insertAccessKey(
                        StoredAccessKey(
                            id: AccessKeyID(id), sealedSecret: "sealed", claims: JSONText(trusted: claims), description: "",
                            createdAt: Timestamp(seconds: 1)))
                }

                try await fixture.store.deleteProject(Self.shop)

                let revoked = try await fixture.store.accessKeys().filter { $0.revokedAt != nil }
                #expect(revoked.map(\.id.rawValue) == ["of-it"])
            }
        }

        @Test(.timeLimit(.minutes(1)), arguments: MetadataStoreUnderTest.allCases)
        func aRevocationOfAKeyIsAnnounced(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                _ = try await fixture.store.createProject(Self.project(), isPublic: true, keys: [])
                let key = Self.key("s")
                try await fixture.store.insertProjectKey(key)
                let (changes, continuation) = AsyncStream.makeStream(of: MetadataChange.self)
                let watching = Task { try await fixture.store.watch { continuation.yield($0) } }
                for await change in changes {
                    if change == .tracking {
                        #expect(try await fixture.store.revokeProjectKey(key.id.rawValue, of: Self.shop))
                    }
                    if change == .projectKey(key.id) { break }
                }
                watching.cancel()
                _ = await watching.result
            }
        }

        // MARK: Who may look

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func onlyWhoMayChangeABucketMayKnowItsUse(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket("shop")
                func code(_ caller: Caller) async -> StorageError.Code? {
                    await failure { try await fixture.store.requireMayChange(Self.shop, as: caller) }?.code
                }

                #expect(await code(fixture.service) == nil)
                #expect(await code(fixture.alice) == .bucketNotFound)
                try await fixture.allow([.select], on: .buckets)
                #expect(await code(fixture.alice) == .accessDenied)
                try await fixture.allow([.update], on: .buckets)
                #expect(await code(fixture.alice) == nil)
            }
        }

        // MARK: Usage

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func usageAddsUpByDay(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                _ = try await fixture.store.createProject(Self.project(), isPublic: true, keys: [])
                let days = try ["2026-02-27", "2026-02-28", "2026-03-01"].map { try #require(UsageDay($0)) }
                func used(_ day: UsageDay, _ count: Int64, by name: String = "shop") -> DailyUsage {
                    DailyUsage(
                        project: BucketID(stored: name), day: day,
                        counts: UsageCounts(requests: count, bandwidthBytes: 1000 * count, transforms: 2 * count))
                }

                // One of no project, and one that comes twice.
                try await fixture.store.addUsage(
                    [used(days[0], 1), used(days[1], 2), used(days[1], 3), used(days[1], 9, by: "none")])
                try await fixture.store.addUsage([used(days[1], 4), used(days[2], 5)])
                try await fixture.store.addUsage([])

                let found = try await fixture.store.usage(of: Self.shop, from: days[1], through: days[2])
                #expect(found == [used(days[1], 9), used(days[2], 5)])
                #expect(
                    try await fixture.store.usage(of: BucketID(stored: "none"), from: days[0], through: days[2]).isEmpty)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aSnapshotLeavesWhatWasCounted(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                _ = try await fixture.store.createProject(Self.project(), isPublic: true, keys: [])
                let day = try #require(UsageDay("2026-03-01"))
                let counts = UsageCounts(requests: 1, bandwidthBytes: 2, transforms: 3)
                try await fixture.store.addUsage([DailyUsage(project: Self.shop, day: day, counts: counts)])
                try await fixture.put("a", in: "shop")

                try await fixture.store.recordStorage(on: day)
                try await fixture.store.recordStorage(on: day)

                let used = try #require(
                    try await fixture.store.usage(of: Self.shop, from: day, through: day).first)
                #expect(used.counts == counts && used.storageBytes == 3)
                #expect(
                    try await fixture.store.totals(of: Self.shop, facts: fixture.facts) == ProjectTotals(objects: 1, bytes: 3))
            }
        }
    }
}
