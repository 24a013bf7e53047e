// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// Folders of projects.
    @Suite struct AssetFolders {
        private func paths(_ fixture: StoreFixture, as caller: Caller? = nil) async throws -> [String] {
            try await fixture.store.folders(in: BucketID(stored: "shop"), as: caller ?? fixture.service).map(\.rawValue)
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func madeAndUsedOnesAreListedWithTheirParents(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let project = try await fixture.makeProject()
                try await fixture.store.createFolder(FolderPath("b/ä/c"), in: project, as: fixture.service)
                try await fixture.store.createFolder(FolderPath("b/ä"), in: project, as: fixture.service)
                try await fixture.put("z/y/x.png", in: "shop")
                try await fixture.put("z/y/w.png", in: "shop")
                try await fixture.addAsset { $0.changes.folder = FolderPath(stored: "b-1") }
                try await fixture.addAsset(facts: AssetFacts(kind: .other, mediaType: "a/b", size: 1)) {
                    $0.changes.folder = FolderPath(stored: "hidden")
                }
                #expect(try await paths(fixture) == ["b", "b-1", "b/ä", "b/ä/c", "z", "z/y"])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aDeletedOneLeavesItsAssetsInTheRoot(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let project = try await fixture.makeProject()
                for path in ["a", "a/b", "a/b/c", "a-b", "ab", "A"] {
                    try await fixture.addAsset {
                        $0.changes.name = path
                        $0.changes.folder = FolderPath(stored: path)
                    }
                }
                try await fixture.store.createFolder(FolderPath("a/b/empty"), in: project, as: fixture.service)
                func delete(_ path: String) async throws -> Bool {
                    try await fixture.store.deleteFolder(FolderPath(path), limit: 1000, in: project, as: fixture.service)
                }

                #expect(try await delete("a/b"))
                #expect(try await paths(fixture) == ["A", "a", "a-b", "ab"])
                let root = try await fixture.names(AssetQuery(folder: .root))
                #expect(Set(root) == ["a/b", "a/b/c"])
                #expect(try await !delete("a/b"))
                #expect(try await delete("a"))
                #expect(try await paths(fixture) == ["A", "a-b", "ab"])
                #expect(try await !delete(""))
                #expect(try await fixture.list().total == 6)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aLargeOneIsEmptiedByAJobAndWhatComesLaterStays(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let project = try await fixture.makeProject()
                for number in 1...5 {
                    try await fixture.addAsset { $0.changes.folder = FolderPath(stored: number % 2 == 0 ? "a" : "a/b") }
                }
                let path = FolderPath(stored: "a")
                #expect(try await fixture.store.deleteFolder(path, limit: 2, in: project, as: fixture.service))
                #expect(try await fixture.names(AssetQuery(folder: .root)).count == 2)
                let jobs = try await fixture.store.jobs(matching: JobQuery(in: project, kinds: [.unfileAssets])).jobs
                #expect(jobs.count == 1)
                let before = try JSONDecoder().decode(UnfilePayload.self, from: Data(jobs[0].payload.rawValue.utf8))
                #expect(before.folder == "a")
                let deleted = Timestamp(microseconds: before.before)

                try await fixture.addAsset {
                    $0.changes.folder = path
                    $0.changes.name = "later"
                }
                func unfile() async throws -> Int {
                    try await fixture.store.unfileAssets(of: path, unchangedSince: deleted, limit: 2, in: project)
                }
                #expect(try await unfile() == 2)
                #expect(try await unfile() == 1)
                #expect(try await unfile() == 0)
                #expect(try await paths(fixture) == ["a"])
                #expect(try await fixture.names(AssetQuery(folder: path)) == ["later"])
                #expect(try await fixture.names(AssetQuery(folder: .root)).count == 5)
            }
        }

        private struct UnfilePayload: Decodable {
            var folder: String
            var before: Int64
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func whoMayUpdateTheBucketMakesAndDeletesThem(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let project = try await fixture.makeProject()
                let path = FolderPath(stored: "a")
                func attempts(_ caller: Caller) async -> [StorageError?] {
                    [
                        await failure { try await fixture.store.createFolder(path, in: project, as: caller) },
                        await failure { try await fixture.store.deleteFolder(path, limit: 1000, in: project, as: caller) },
                    ]
                }
                #expect(await attempts(fixture.alice).map { $0?.code } == [.bucketNotFound, .bucketNotFound])
                #expect(await attempts(fixture.key(of: "other")).map { $0?.code } == [.bucketNotFound, .bucketNotFound])
                try await fixture.allow([.select], on: .buckets)
                let refused = await attempts(fixture.alice)
                #expect(refused.map { $0?.code } == [.accessDenied, .accessDenied])
                #expect(refused.map { $0?.refusal?.command } == [.update, .update])
                #expect(refused.map { $0?.refusal?.table } == ["storage.buckets", "storage.buckets"])
                try await fixture.allow([.update], on: .buckets)
                #expect(await attempts(fixture.alice).map { $0?.code } == [nil, nil])
                #expect(await attempts(fixture.key(of: "other", "shop")).map { $0?.code } == [nil, nil])
                try await fixture.makeBucket("photos")
                let missing = await failure {
                    try await fixture.store.createFolder(path, in: BucketID(stored: "photos"), as: fixture.service)
                }
                #expect(missing?.code == .bucketNotFound)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func oneSeesTheFoldersOfWhatOneSees(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let project = try await fixture.makeProject()
                try await fixture.put("hers/a.png", in: "shop", owner: StoreFixture.alice)
                try await fixture.put("his/a.png", in: "shop", owner: StoreFixture.bob)
                try await fixture.store.createFolder(FolderPath("made"), in: project, as: fixture.service)
                try await fixture.allow([.select], where: .ownerIsCaller)

                #expect(try await paths(fixture, as: fixture.alice) == ["hers"])
                #expect(try await paths(fixture, as: fixture.anon) == [])
                #expect(try await paths(fixture, as: fixture.key(of: "other")) == [])
                #expect(try await paths(fixture, as: fixture.key(of: "shop")) == ["hers", "his", "made"])
                try await fixture.allow([.select], on: .buckets)
                #expect(try await paths(fixture, as: fixture.alice) == ["hers", "made"])
            }
        }
    }
}
