// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// Files: who sees and changes them, and how they go with their objects.
    @Suite struct FileRowsOfObjects {
        private static let everything: Set<String> = ["public", "private", "protected", "shared"]

        private func fill(_ fixture: StoreFixture) async throws {
            try await fixture.makeProject()
            for visibility in FileVisibility.allCases {
                try await fixture.addFile(
                    visibility.rawValue, visibility, of: fixture.alice, sharedWith: [StoreFixture.bob])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func listsShowWhatEachMaySee(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fill(fixture)
                let expected: [(Caller, Set<String>)] = [
                    (fixture.anon, ["public"]), (fixture.carol, ["public", "protected"]),
                    (fixture.bob, ["public", "protected", "shared"]), (fixture.alice, Self.everything),
                    (fixture.key(of: "shop"), Self.everything), (fixture.key(of: "other"), []),
                    (fixture.service, Self.everything),
                ]
                for (caller, names) in expected {
                    let found = try await fixture.store.files(matching: FileQuery(), in: fixture.shop, as: caller)
                    #expect(Set(found.files.map(\.originalName)) == names)
                    #expect(found.total == FileTotal(names.count))
                    for visibility in FileVisibility.allCases {
                        let one = try await fixture.fileNames(FileQuery(visibility: visibility), as: caller)
                        #expect(one == (names.contains(visibility.rawValue) ? [visibility.rawValue] : []))
                    }
                }
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aFileThatIsHiddenIsToldFromOneThatIsNot(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                try await fixture.makeProject("other")
                let file = try await fixture.addFile(of: fixture.alice)

                let hidden = await failure { try await fixture.store.file(file.id, in: fixture.shop, as: fixture.bob) }
                let unknown = await failure { try await fixture.store.file(FileID(), in: fixture.shop, as: fixture.bob) }
                let elsewhere = await failure {
                    try await fixture.store.file(file.id, in: BucketID(stored: "other"), as: fixture.alice)
                }
                #expect(hidden?.code == .accessDenied)
                #expect(unknown?.code == .objectNotFound)
                #expect(elsewhere?.code == .objectNotFound)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func objectsAreSeenAsTheirFilesAre(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let file = try await fixture.addFile("x", .shared, of: fixture.alice, sharedWith: [StoreFixture.bob])

                for (caller, sees) in [(fixture.anon, false), (fixture.carol, false), (fixture.bob, true), (fixture.alice, true)]
                {
                    let error = await failure {
                        try await fixture.store.object(at: file.address, access: .policy(caller))
                    }
                    #expect(error?.code == (sees ? nil : .objectNotFound))
                }
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aPublicBucketShowsNoFileThatIsNotPublic(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let hidden = try await fixture.addFile("hidden", .private, of: fixture.alice)
                let shown = try await fixture.addFile("shown", .public, of: fixture.alice)
                let (ticket, _) = try await fixture.upload(as: fixture.alice)
                try await fixture.put("plain", in: "shop")
                _ = try await fixture.store.updateBucket(
                    fixture.shop, changes: BucketChanges(isPublic: true), as: fixture.service)

                for address in [hidden.address, ticket.address] {
                    for access in [Access.publicBucket(fixture.facts), .policy(fixture.anon), .policy(fixture.bob)] {
                        let error = await failure { try await fixture.store.object(at: address, access: access) }
                        #expect(error?.code == .objectNotFound)
                    }
                    let own = try await fixture.store.object(at: address, access: .policy(fixture.alice))
                    // Whoever keeps it must not take it for everybody's.
                    #expect(!own.bucket.isPublic)
                }
                for address in [shown.address, fixture.address("plain", in: "shop")] {
                    let open = try await fixture.store.object(at: address, access: .publicBucket(fixture.facts))
                    #expect(open.bucket.isPublic)
                }
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func onlyOwnersAndTheProjectChangeAFile(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let file = try await fixture.addFile("x", .public, of: fixture.alice, sharedWith: [StoreFixture.bob])

                for caller in [fixture.anon, fixture.bob, fixture.carol, fixture.key(of: "other")] {
                    let error = await failure {
                        try await fixture.store.updateFile(
                            file.id, patch: FilePatch(originalName: "y"), in: fixture.shop, as: caller
                        ) { _ in }
                    }
                    #expect(error?.code == .accessDenied)
                }
                for (caller, name) in [(fixture.alice, "hers"), (fixture.key(of: "shop"), "the project's")] {
                    let changed = try await fixture.store.updateFile(
                        file.id, patch: FilePatch(originalName: name), in: fixture.shop, as: caller
                    ) { _ in }
                    #expect(changed.originalName == name)
                }
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aPatchMergesMetadataAndChangesTheRest(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let (ticket, object) = try await fixture.upload(as: fixture.alice)
                var draft = fixture.fileDraft(ticket, object)
                draft.metadata = FileMetadata(
                    category: "pets", tags: ["a", "b"], alt: "a cat", custom: JSONText(trusted: #"{"n": [1, null]}"#))
                let file = try await fixture.store.registerFile(draft, as: fixture.alice)
                #expect(file.metadata == draft.metadata)
                try await fixture.pause()

                let patch = FilePatch(
                    originalName: "ü\"\\.png", visibility: .shared,
                    metadata: FileMetadataPatch(category: .remove, description: .set("new")), sharedWith: ["b", "a", "b"])
                let changed = try await fixture.store.updateFile(
                    file.id, patch: patch, in: fixture.shop, as: fixture.alice
                ) { _ in }

                var expected = file
                expected.originalName = "ü\"\\.png"
                expected.visibility = .shared
                expected.metadata.category = nil
                expected.metadata.description = "new"
                expected.sharedWith = ["a", "b"]
                expected.updatedAt = changed.updatedAt
                #expect(changed == expected)
                #expect(changed.updatedAt > file.updatedAt)
                #expect(try await fixture.store.file(file.id, in: fixture.shop, as: fixture.alice) == changed)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aRefusedPatchChangesNothing(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let file = try await fixture.addFile(of: fixture.alice)

                let error = await failure {
                    try await fixture.store.updateFile(
                        file.id, patch: FilePatch(originalName: "no"), in: fixture.shop, as: fixture.alice
                    ) { changed in
                        #expect(changed.originalName == "no")
                        throw StorageError(.invalidParameter, "no")
                    }
                }
                #expect(error?.code == .invalidParameter)
                #expect(try await fixture.store.file(file.id, in: fixture.shop, as: fixture.alice) == file)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func sharesAreAddedAndRemovedUpToALimit(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let file = try await fixture.addFile("x", .shared, of: fixture.alice)
                func change(_ adding: [String], _ removing: [String], as caller: Caller) async throws -> [String] {
                    try await fixture.store.changeShares(
                        of: file.id, adding: adding, removing: removing, most: 2, in: fixture.shop, as: caller)
                }

                #expect(try await change([StoreFixture.bob], [], as: fixture.alice) == [StoreFixture.bob])
                #expect(try await fixture.fileNames(as: fixture.bob) == ["x"])
                let full = await failure { try await change(["c", "d"], [], as: fixture.alice) }
                #expect(full?.fileFault == .invalidShares)
                let foreign = await failure { try await change([StoreFixture.carol], [], as: fixture.bob) }
                #expect(foreign?.code == .accessDenied)
                #expect(try await change(["c"], [StoreFixture.bob], as: fixture.alice) == ["c"])
                #expect(try await fixture.fileNames(as: fixture.bob) == [])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aFileGoesWithItsObjectWhoeverDeletesThat(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let (first, second) = (
                    try await fixture.addFile(of: fixture.alice), try await fixture.addFile(of: fixture.alice)
                )

                let foreign = await failure { try await fixture.store.deleteObject(at: first.address, as: fixture.bob) }
                #expect(foreign?.code == .accessDenied)
                _ = try await fixture.store.deleteObject(at: first.address, as: fixture.alice)
                _ = try await fixture.store.deleteObjects([second.address.key], in: fixture.shop, as: fixture.key(of: "shop"))
                #expect(try await fixture.fileNames() == [])
                #expect(try await fixture.store.ticket(at: first.address, facts: fixture.facts) == nil)
                #expect(try await fixture.store.fileStatistics(of: fixture.shop, as: fixture.service).total == FileCount())
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aFileIsOfTheSizeAndTypeThatItsObjectHasNow(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let file = try await fixture.addFile(of: fixture.alice)
                var object = fixture.newObject(file.address.key.rawValue, in: "shop", owner: StoreFixture.alice)
                object.metadata = ObjectMetadata(eTag: "\"1\"", size: 70, mimetype: "text/plain; charset=utf-8").json
                _ = try await fixture.store.commitPut(object, mode: .replace, facts: fixture.facts)

                let now = try await fixture.store.file(file.id, in: fixture.shop, as: fixture.alice)
                #expect(now.size == 70)
                #expect(now.mediaType == "text/plain; charset=utf-8")
                let query = FileQuery(mediaType: FileQuery.MediaTypeFilter("Text/Plain"))
                #expect(try await fixture.fileNames(query) == ["cat.png"])
                #expect(try await fixture.store.fileStatistics(of: fixture.shop, as: fixture.service).total.bytes == 70)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func anOwnerReplacesTheBytesAndNeverMovesThem(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let file = try await fixture.addFile(of: fixture.alice)
                let draft = fixture.draft(file.address.key.rawValue, in: "shop", owner: StoreFixture.alice)

                try await fixture.store.checkPut(draft, mode: .replace, as: fixture.alice)
                let foreign = await failure { try await fixture.store.checkPut(draft, mode: .replace, as: fixture.bob) }
                #expect(foreign?.code == .accessDenied)
                let moved = await failure {
                    try await fixture.store.moveObject(
                        from: file.address, to: fixture.address("elsewhere", in: "shop"), as: fixture.alice)
                }
                #expect(moved?.code == .accessDenied)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func onlyWhoHasItsTicketWritesAKey(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let ticket = try await fixture.issue(to: fixture.alice)
                let draft = fixture.draft(ticket.address.key.rawValue, in: "shop", owner: StoreFixture.alice)

                try await fixture.store.checkPut(draft, mode: .create, as: fixture.alice)
                try await fixture.store.checkPut(draft, mode: .replace, as: fixture.alice)
                for caller in [fixture.anon, fixture.bob, fixture.key(of: "other")] {
                    let error = await failure { try await fixture.store.checkPut(draft, mode: .create, as: caller) }
                    #expect(error?.code == .accessDenied)
                }
                let free = fixture.draft("images/free.png", in: "shop", owner: StoreFixture.alice)
                let error = await failure { try await fixture.store.checkPut(free, mode: .create, as: fixture.alice) }
                #expect(error?.code == .accessDenied)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func statisticsAreOfTheProjectOrOfOnesOwn(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fill(fixture)
                try await fixture.addFile("doc", .public, of: fixture.bob, label: .documents)

                let all = try await fixture.store.fileStatistics(of: fixture.shop, as: fixture.key(of: "shop"))
                #expect(all.total == FileCount(files: 5, bytes: 15))
                #expect(all.byVisibility[.public] == FileCount(files: 2, bytes: 6))
                #expect(all.byLabel == [.images: FileCount(files: 4, bytes: 12), .documents: FileCount(files: 1, bytes: 3)])
                let own = try await fixture.store.fileStatistics(of: fixture.shop, as: fixture.bob)
                #expect(own.byVisibility == [.public: FileCount(files: 1, bytes: 3)])
                #expect(try await fixture.store.fileStatistics(of: fixture.shop, as: fixture.anon).total == FileCount())
            }
        }
    }
}
