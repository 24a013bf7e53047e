// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import NIOCore
import Testing

/// Keys that are given out, what comes to them, and what becomes of it.
@Suite struct FileUploadTests {
    @Test func aKeyIsMadeOfTheLabelTheIdAndTheNameNormalised() async throws {
        let fixture = try await FilesFixture()
        let ticket = try await fixture.issue(FilesFixture.announcement("Mein Büro & Co..PNG")).ticket
        #expect(ticket.s3Key == "shop/images/\(ticket.id)/mein-bro--co..png")
        #expect(ticket.fileName == "mein-bro--co..png")
        let long = try await fixture.issue(FilesFixture.announcement(String(repeating: "x", count: 250) + ".png")).ticket
        #expect(long.fileName.count == 128 && long.fileName.hasSuffix(".png"))
        let odd = try await fixture.issue(FilesFixture.announcement("..日本")).ticket
        #expect(odd.fileName == "file")
    }

    @Test func whatIsSentAndRegisteredIsAFileOfItsOwner() async throws {
        let fixture = try await FilesFixture()
        let issued = try await fixture.issue()
        try await fixture.send(to: issued)

        let view = try await fixture.files.register(
            FilesFixture.registration(issued.ticket, visibility: .protected), in: FilesFixture.project, as: FilesFixture.alice)

        #expect(view.isWhole)
        #expect(view.file.id == issued.ticket.id)
        #expect(view.file.size == 12)
        #expect(view.file.visibility == .protected)
        #expect(view.owner == FileOwner(kind: .user, subject: FilesFixture.alice.principal.subject))
        let delivered = try await fixture.storage.delivery.open(view.file.address, access: .policy(FilesFixture.bob))
        #expect(delivered.details.mimetype == "image/png")
    }

    @Test func whatASecretKeyUploadsIsTheServices() async throws {
        let fixture = try await FilesFixture()
        let view = try await fixture.add(of: fixture.key)
        #expect(view.owner == FileOwner(kind: .service, subject: nil))
    }

    @Test func whoIsNobodyUploadsNothing() async throws {
        let fixture = try await FilesFixture()
        #expect(await errorCode { _ = try await fixture.issue(as: FilesFixture.anon) } == .accessDenied)
    }

    @Test(arguments: [
        (FilesFixture.announcement(""), FileFault.invalidName), (FilesFixture.announcement("a/b"), .invalidName),
        (FilesFixture.announcement(".."), .invalidName), (FilesFixture.announcement("a\u{0}b"), .invalidName),
        (FilesFixture.announcement(String(repeating: "n", count: 256)), .nameTooLong),
        (FilesFixture.announcement(type: "png"), .invalidMediaType),
        (FilesFixture.announcement(type: "image/"), .invalidMediaType),
        (FilesFixture.announcement(type: "a/" + String(repeating: "b", count: 99)), .mediaTypeTooLong),
        (FilesFixture.announcement(type: "text/html"), .mediaTypeRefused),
        (FilesFixture.announcement(size: -1), .negativeSize), (FilesFixture.announcement(size: 0), .tooSmall),
        (FilesFixture.announcement(size: (10 << 20) + 1), .tooLarge),
        (FilesFixture.announcement(type: "application/pdf", size: (20 << 20) + 1), .tooLarge),
    ])
    func whatNoFileMayBeIsRefusedBeforeAKeyIsGivenOut(_ announcement: FileAnnouncement, _ fault: FileFault) async throws {
        let fixture = try await FilesFixture(limits: Files.Limits(refusedTypes: ["text/*"]))
        #expect(await fileFault { _ = try await fixture.issue(announcement) } == fault)
    }

    @Test func aURLIsGoodForItsKeyAndItsTime() async throws {
        let fixture = try await FilesFixture()
        let (first, second) = (try await fixture.issue(), try await fixture.issue())

        #expect(await fileFault { try await fixture.send(to: (first.ticket, second.token)) } == .uploadURLInvalid)
        #expect(await fileFault { try await fixture.send(to: (first.ticket, "x.y.z")) } == .uploadURLInvalid)
        fixture.clock.advance(seconds: 901)
        #expect(await fileFault { try await fixture.send(to: first) } == .uploadURLExpired)
    }

    @Test func aTokenOfAnUploadOpensNoOtherDoor() async throws {
        let fixture = try await FilesFixture()
        let issued = try await fixture.issue()
        for action in [SignedGrant.Action.upload, .download] {
            let code = await errorCode {
                _ = try fixture.storage.signedURLs.grant(token: issued.token, address: issued.ticket.address, action: action)
            }
            #expect(code == .wrongTokenScope)
        }
        let principal = try fixture.storage.authenticator.principal(token: issued.token)
        #expect(principal.role == "anon" && principal.subject == nil)
    }

    @Test func otherBytesMayComeUntilTheFileIsRegistered() async throws {
        let fixture = try await FilesFixture()
        let issued = try await fixture.issue()
        try await fixture.send(to: issued)
        try await fixture.send(to: issued)
        _ = try await fixture.files.register(
            FilesFixture.registration(issued.ticket), in: FilesFixture.project, as: FilesFixture.alice)

        #expect(await fileFault { try await fixture.send(to: issued) } == .alreadyRegistered)
    }

    @Test func bytesOfAnotherSizeThanAnnouncedAreRefused() async throws {
        let fixture = try await FilesFixture()
        let issued = try await fixture.issue(FilesFixture.announcement(size: 11))
        #expect(await fileFault { try await fixture.send(to: issued) } == .sizeMismatch)
        let open = try await fixture.issue(FilesFixture.announcement(size: nil))
        try await fixture.send(to: open)
        let fault = await fileFault {
            _ = try await fixture.files.register(
                FilesFixture.registration(open.ticket, size: 11), in: FilesFixture.project, as: FilesFixture.alice)
        }
        #expect(fault == .sizeMismatch)
    }

    @Test func aFileOfATypeMustHaveItsBytes() async throws {
        let fixture = try await FilesFixture()
        let page = Array("<html></html>".utf8)
        let issued = try await fixture.issue(FilesFixture.announcement(size: Int64(page.count)))
        try await fixture.send(page, to: issued)

        let fault = await fileFault {
            _ = try await fixture.files.register(
                FilesFixture.registration(issued.ticket, size: Int64(page.count)), in: FilesFixture.project,
                as: FilesFixture.alice)
        }
        #expect(fault == .mediaTypeRefused)
        let other = await fileFault {
            _ = try await fixture.files.register(
                FilesFixture.registration(issued.ticket, type: "text/html", size: Int64(page.count)), in: FilesFixture.project,
                as: FilesFixture.alice)
        }
        #expect(other == .typeMismatch)
    }

    @Test func aKeyIsRegisteredOnceByWhomItWasIssuedTo() async throws {
        let fixture = try await FilesFixture()
        let issued = try await fixture.issue()
        func register(_ s3Key: String? = nil, as caller: Caller = FilesFixture.alice) async -> FileFault? {
            await fileFault {
                var registration = FilesFixture.registration(issued.ticket)
                registration.s3Key = s3Key ?? registration.s3Key
                _ = try await fixture.files.register(registration, in: FilesFixture.project, as: caller)
            }
        }

        #expect(await register() == .notUploaded)
        try await fixture.send(to: issued)
        #expect(await register(as: FilesFixture.bob) == .issuedToOthers)
        #expect(await register("shop/images/none/x.png") == .notIssued)
        #expect(await register("other/" + issued.ticket.address.key.rawValue) == .invalidKey)
        #expect(await register("shop/" + String(repeating: "k", count: 500)) == .keyTooLong)
        #expect(await register() == nil)
        #expect(await register() == .alreadyRegistered)
    }

    @Test func partsMakeAFileWhateverTheirOrder() async throws {
        let fixture = try await FilesFixture()
        let announcement = FilesFixture.announcement()
        let ticket = try await fixture.files.beginParts(announcement, in: FilesFixture.project, as: FilesFixture.alice)
        let upload = try #require(ticket.upload)
        var named: [PartsCompletion.Named] = []
        for (number, range) in [(2, 6..<12), (1, 0..<6)] {
            let part = try await fixture.files.part(
                PartNumber(number), of: upload, at: ticket.s3Key, in: FilesFixture.project, as: FilesFixture.alice)
            let sent = try await fixture.files.receive(
                ByteStream(ByteBuffer(bytes: FilesFixture.picture[range])), as: part.number, of: upload, at: ticket.address,
                token: part.token, facts: CoreFixture.facts)
            named.append(PartsCompletion.Named(number: part.number, eTag: "\"\(try #require(sent.md5))\""))
        }

        _ = try await fixture.files.complete(
            named, of: upload, at: ticket.s3Key, in: FilesFixture.project, as: FilesFixture.alice)
        let view = try await fixture.files.register(
            FilesFixture.registration(ticket), in: FilesFixture.project, as: FilesFixture.alice)
        #expect(view.file.size == 12)
    }

    @Test func aPartsURLIsGoodForThatPartAlone() async throws {
        let fixture = try await FilesFixture()
        let ticket = try await fixture.files.beginParts(
            FilesFixture.announcement(), in: FilesFixture.project, as: FilesFixture.alice)
        let upload = try #require(ticket.upload)
        let part = try await fixture.files.part(
            PartNumber(1), of: upload, at: ticket.s3Key, in: FilesFixture.project, as: FilesFixture.alice)
        func send(_ number: Int, to upload: UploadID) async -> FileFault? {
            await fileFault {
                _ = try await fixture.files.receive(
                    ByteStream(ByteBuffer(bytes: FilesFixture.picture)), as: try PartNumber(number), of: upload,
                    at: ticket.address, token: part.token, facts: CoreFixture.facts)
            }
        }

        #expect(await send(2, to: upload) == .uploadURLInvalid)
        #expect(await send(1, to: UploadID()) == .uploadURLInvalid)
        #expect(await send(1, to: upload) == nil)
        let foreign = await fileFault {
            _ = try await fixture.files.part(
                PartNumber(1), of: upload, at: ticket.s3Key, in: FilesFixture.project, as: FilesFixture.bob)
        }
        #expect(foreign == .issuedToOthers)
    }

    @Test func anAbortedUploadLeavesNothing() async throws {
        let fixture = try await FilesFixture()
        let ticket = try await fixture.files.beginParts(
            FilesFixture.announcement(), in: FilesFixture.project, as: FilesFixture.alice)
        let upload = try #require(ticket.upload)

        _ = try await fixture.files.abort(upload, at: ticket.s3Key, in: FilesFixture.project, as: FilesFixture.alice)
        #expect(fixture.metadata.allUploads.isEmpty)
        let fault = await fileFault {
            _ = try await fixture.files.part(
                PartNumber(1), of: upload, at: ticket.s3Key, in: FilesFixture.project, as: FilesFixture.alice)
        }
        #expect(fault == .notIssued)
    }

    @Test func whatNobodyRegistersIsSweptAfterADay() async throws {
        let fixture = try await FilesFixture()
        let kept = try await fixture.add()
        let issued = try await fixture.issue()
        try await fixture.send(to: issued)
        let ticket = try await fixture.files.beginParts(
            FilesFixture.announcement(), in: FilesFixture.project, as: FilesFixture.alice)

        fixture.clock.advance(seconds: 86_399)
        #expect(try await fixture.files.sweep() == 0)
        fixture.clock.advance(seconds: 2)
        #expect(try await fixture.files.sweep() == 2)
        #expect(fixture.metadata.allObjects.map(\.address) == [kept.file.address])
        #expect(fixture.metadata.allUploads.isEmpty)
        #expect(try await fixture.metadata.ticket(at: ticket.address, facts: CoreFixture.facts) == nil)
    }
}
