// SPDX-License-Identifier: Apache-2.0

import MediaTesting
import NIOCore
import Testing

@testable import MediaCore

/// Files that clients send to the store of their project itself.
@Suite struct FileDirectUploadTests {
    private let project = OwnStorageFixture.project

    private func fixture(from least: Int64?) async throws -> OwnStorageFixture {
        let fixture = try await OwnStorageFixture()
        try await fixture.configure()
        try await fixture.storage.buckets.changeSettings(
            of: project, BucketSettingsChanges(directFrom: least), as: fixture.service)
        return fixture
    }

    private func issue(_ fixture: OwnStorageFixture, size: Int64? = 12) async throws -> IssuedUpload {
        try await fixture.storage.files.issue(
            FilesFixture.announcement(size: size), in: project, as: FilesFixture.alice)
    }

    private func register(_ ticket: FileTicket, in fixture: OwnStorageFixture) async throws -> FileView {
        let registration = FileRegistration(
            s3Key: ticket.s3Key, originalName: "Cat.PNG", mediaType: "image/png", size: 12)
        return try await fixture.storage.files.register(registration, in: project, as: FilesFixture.alice)
    }

    @Test func aFileOfTheSizeThatTheBucketSaysIsSentToTheStore() async throws {
        let fixture = try await fixture(from: 12)
        let issued = try await issue(fixture)
        guard case .store(let request) = issued.destination else {
            Issue.record("it is to come here")
            return
        }
        let key = try #require(issued.ticket.direct?.key)
        #expect(request.url.hasSuffix("/\(key)") && request.method == "PUT")
        #expect(await fileFault { _ = try await register(issued.ticket, in: fixture) } == .notUploaded)

        _ = try await fixture.own.put(ByteStream(ByteBuffer(bytes: FilesFixture.picture)), at: key)
        let file = try await register(issued.ticket, in: fixture).file
        #expect(file.size == 12)
        #expect(await fileFault { _ = try await register(issued.ticket, in: fixture) } == .alreadyRegistered)
    }

    @Test func whatIsSentToTheStoreLaterIsNobodysFile() async throws {
        let fixture = try await fixture(from: 0)
        let ticket = try await issue(fixture).ticket
        let key = try #require(ticket.direct?.key)
        _ = try await fixture.own.put(ByteStream(ByteBuffer(bytes: FilesFixture.picture)), at: key)
        let file = try await register(ticket, in: fixture).file

        try await fixture.own.delete([key])
        _ = try await fixture.own.put(ByteStream(ByteBuffer(string: "<html/> 1234")), at: key)

        let delivered = try await fixture.storage.delivery.open(file.address, access: .policy(FilesFixture.alice))
        guard case .full(let content) = delivered.outcome else {
            Issue.record("not all of it was delivered")
            return
        }
        let head = try await content.stream().withHead(12).head
        #expect(Array(head.readableBytesView) == FilesFixture.picture)
    }

    @Test func otherFilesComeHere() async throws {
        for (least, size) in [(Int64?.none, Int64?.some(12)), (13, 12), (0, nil)] {
            let fixture = try await fixture(from: least)
            let issued = try await issue(fixture, size: size)
            guard case .server = issued.destination else {
                Issue.record("\(String(describing: least)): it is to go elsewhere")
                return
            }
            #expect(issued.ticket.direct == nil)
        }
    }
}
