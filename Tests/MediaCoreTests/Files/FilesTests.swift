// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

/// Who sees what of files, and how they change.
@Suite struct FilesTests {
    private let secretive = FileMetadata(
        category: "pets", tags: ["cat"], description: "d", alt: "a", relatedEntityID: "r",
        custom: JSONText(trusted: #"{"k":1}"#))

    @Test func othersSeeThePublicFieldsAlone() async throws {
        let fixture = try await FilesFixture()
        let file = try await fixture.add(.protected, metadata: secretive, sharedWith: ["x"]).file

        let theirs = try await fixture.files.file(file.id, in: FilesFixture.project, as: FilesFixture.bob)
        #expect(!theirs.isWhole)
        #expect(theirs.file.metadata == FileMetadata(tags: ["cat"], description: "d", alt: "a"))
        #expect(theirs.owner == nil && theirs.sharedWith == nil && theirs.s3Key == nil)
        for caller in [FilesFixture.alice, fixture.key, CoreFixture.service] {
            let whole = try await fixture.files.file(file.id, in: FilesFixture.project, as: caller)
            #expect(whole.isWhole && whole.file == file && whole.sharedWith == ["x"])
        }
    }

    @Test func thekeyOfAPublicFileIsEverybodys() async throws {
        let fixture = try await FilesFixture()
        let file = try await fixture.add(.public).file
        let theirs = try await fixture.files.file(file.id, in: FilesFixture.project, as: FilesFixture.anon)
        #expect(theirs.s3Key == file.s3Key && !theirs.isWhole)
    }

    @Test func aPublicFileIsFetchedForEverAndAnyOtherForAnHour() async throws {
        let fixture = try await FilesFixture()
        let open = try await fixture.add(.public).file
        let closed = try await fixture.add(.private).file

        let forever = try await fixture.files.download(open.id, in: FilesFixture.project, as: FilesFixture.anon)
        #expect(forever.token == nil && forever.expiresAt == nil && forever.address == open.address)
        let granted = try await fixture.files.download(closed.id, in: FilesFixture.project, as: FilesFixture.alice)
        let token = try #require(granted.token)
        let grant = try fixture.storage.signedURLs.grant(token: token, address: closed.address, action: .download)
        _ = try await fixture.storage.delivery.open(closed.address, access: .grant(grant, CoreFixture.facts))
        #expect(granted.expiresAt == fixture.clock.now().adding(seconds: 3600))
        let code = await errorCode {
            _ = try await fixture.files.download(closed.id, in: FilesFixture.project, as: FilesFixture.bob)
        }
        #expect(code == .accessDenied)
    }

    @Test func whatBecomesPrivateIsGoneFromAPublicBucketAtOnce() async throws {
        let fixture = try await FilesFixture(public: true)
        let file = try await fixture.add(.public).file
        _ = try await fixture.publicRead(file.address)

        _ = try await fixture.files.update(
            file.id, FilePatch(visibility: .private), in: FilesFixture.project, as: FilesFixture.alice)
        #expect(await errorCode { _ = try await fixture.publicRead(file.address) } == .objectNotFound)
        // Who may read it leaves nothing behind for those who may not.
        _ = try await fixture.storage.delivery.open(file.address, access: .policy(FilesFixture.alice))
        let download = try await fixture.files.download(file.id, in: FilesFixture.project, as: FilesFixture.alice)
        let grant = SignedGrant(address: file.address, action: .download, expiresAt: download.expiresAt)
        _ = try await fixture.storage.delivery.open(file.address, access: .grant(grant, CoreFixture.facts))
        #expect(await errorCode { _ = try await fixture.publicRead(file.address) } == .objectNotFound)
        let code = await errorCode {
            _ = try await fixture.storage.delivery.open(file.address, access: .policy(FilesFixture.bob))
        }
        #expect(code == .objectNotFound)
    }

    @Test func anUploadIsNobodysToSeeBeforeItIsRegistered() async throws {
        let fixture = try await FilesFixture(public: true)
        let issued = try await fixture.issue(FilesFixture.announcement(visibility: .public))
        try await fixture.send(to: issued)
        #expect(await errorCode { _ = try await fixture.publicRead(issued.ticket.address) } == .objectNotFound)

        _ = try await fixture.files.register(
            FilesFixture.registration(issued.ticket), in: FilesFixture.project, as: FilesFixture.alice)
        _ = try await fixture.publicRead(issued.ticket.address)
    }

    @Test func aPatchOfMetadataMergesFieldByField() async throws {
        let fixture = try await FilesFixture()
        let file = try await fixture.add(metadata: secretive).file
        let patch = FilePatch(metadata: FileMetadataPatch(tags: .set(["a", "b"]), alt: .remove))

        let changed = try await fixture.files.update(file.id, patch, in: FilesFixture.project, as: FilesFixture.alice).file
        var expected = secretive
        expected.tags = ["a", "b"]
        expected.alt = nil
        #expect(changed.metadata == expected)
    }

    @Test func whatAChangeWouldMakeTooLargeStaysAsItIs() async throws {
        let fixture = try await FilesFixture(limits: Files.Limits(metadataBytes: 40, shares: 1))
        let file = try await fixture.add().file
        func update(_ patch: FilePatch) async -> FileFault? {
            await fileFault {
                _ = try await fixture.files.update(file.id, patch, in: FilesFixture.project, as: FilesFixture.alice)
            }
        }

        #expect(await update(FilePatch(metadata: .init(alt: .set("twenty-four characters.")))) == nil)
        #expect(await update(FilePatch(metadata: .init(description: .set("and more")))) == .invalidMetadata)
        #expect(await update(FilePatch(metadata: .init(custom: .set(JSONText(trusted: #"{"a":"\u0000"}"#))))) == .invalidMetadata)
        #expect(await update(FilePatch(sharedWith: ["a", "b"])) == .invalidShares)
        #expect(await update(FilePatch(sharedWith: [""])) == .invalidShares)
        #expect(await update(FilePatch(originalName: "")) == .invalidName)
    }

    @Test func aFileIsSharedAndUnshared() async throws {
        let fixture = try await FilesFixture()
        let file = try await fixture.add(.shared).file
        let bob = try #require(FilesFixture.bob.principal.subject)
        func sees() async -> Bool {
            await errorCode { _ = try await fixture.files.file(file.id, in: FilesFixture.project, as: FilesFixture.bob) } == nil
        }

        #expect(await !sees())
        #expect(
            try await fixture.files.share(file.id, with: [bob], in: FilesFixture.project, as: FilesFixture.alice) == [bob])
        #expect(await sees())
        let code = await errorCode {
            _ = try await fixture.files.shares(of: file.id, in: FilesFixture.project, as: FilesFixture.bob)
        }
        #expect(code == .accessDenied)
        #expect(
            try await fixture.files.unshare(file.id, with: bob, in: FilesFixture.project, as: FilesFixture.alice) == [])
        #expect(await !sees())
    }

    @Test func aFileIsDeletedWithItsBytesByItsOwnerAlone() async throws {
        let fixture = try await FilesFixture()
        let file = try await fixture.add(.public).file

        let foreign = await errorCode {
            try await fixture.files.delete(file.id, in: FilesFixture.project, as: FilesFixture.bob)
        }
        #expect(foreign == .accessDenied)
        try await fixture.files.delete(file.id, in: FilesFixture.project, as: FilesFixture.alice)
        #expect(fixture.metadata.allObjects.isEmpty)
        #expect(fixture.metadata.requestedDeletions.count == 1)
        let again = await errorCode {
            try await fixture.files.delete(file.id, in: FilesFixture.project, as: FilesFixture.alice)
        }
        #expect(again == .objectNotFound)
    }

    @Test func aPageSaysHowManyThereAre() async throws {
        let fixture = try await FilesFixture()
        for _ in 0..<3 { _ = try await fixture.add(.public) }

        let page = try await fixture.files.list(
            FileQuery(page: 2, limit: 2), in: FilesFixture.project, as: FilesFixture.anon)
        #expect(page.files.count == 1)
        #expect(page.total == FileTotal(3) && page.totalPages == 2)
        #expect(!page.hasNextPage && page.hasPreviousPage)
    }
}
