// SPDX-License-Identifier: Apache-2.0

public import MediaTesting
import NIOCore
import Testing

@testable public import MediaCore

/// Downloads that clients fetch from the store itself.
struct DirectDownloadTests {
    private func direct(
        _ key: String, in fixture: OwnStorageFixture, access: Access? = nil, preconditions: Preconditions = .none
    ) async throws -> DirectRequest? {
        try await fixture.storage.delivery.direct(
            fixture.address(key), preconditions: preconditions, access: access ?? .publicBucket(CoreFixture.facts)
        ) { details in DirectPresentation(mediaType: details.mimetype, disposition: "inline") }
    }

    private func fixture(from least: Int64?) async throws -> OwnStorageFixture {
        let fixture = try await OwnStorageFixture()
        try await fixture.put("on the disk", at: "managed")
        try await fixture.configure()
        try await fixture.put("elsewhere", at: "own")
        try await fixture.storage.buckets.changeSettings(
            of: OwnStorageFixture.project, BucketSettingsChanges(directFrom: least), as: fixture.service)
        return fixture
    }

    @Test func whatIsInAStoreThatLetsClientsInIsReadThere() async throws {
        let fixture = try await fixture(from: 9)

        let request = try #require(try await direct("own", in: fixture))

        let key = try #require(try await fixture.location(of: "own")?.key)
        #expect(request.method == "GET" && request.url == "https://direct.example/\(key)?for=300&type=text/plain")
    }

    @Test func whatIsSmallerOrOnTheDiskOrNotToBeIsReadHere() async throws {
        let fixture = try await fixture(from: 10)
        #expect(try await direct("own", in: fixture) == nil)
        #expect(try await direct("managed", in: fixture) == nil)
        let without = try await self.fixture(from: nil)
        #expect(try await direct("own", in: without) == nil)
    }

    @Test func whoShowsCredentialsIsSentNowhere() async throws {
        let fixture = try await fixture(from: 0)
        #expect(try await direct("own", in: fixture, access: .policy(fixture.service)) == nil)
    }

    @Test func whatIsNotPublicIsGivenToNobody() async throws {
        let fixture = try await fixture(from: 0)
        try await fixture.storage.buckets.update(
            OwnStorageFixture.project, changes: BucketChanges(isPublic: false), as: fixture.service)
        let error = await #expect(throws: StorageError.self) { _ = try await direct("own", in: fixture) }
        #expect(error?.code == .objectNotFound || error?.code == .bucketNotFound)
    }

    @Test func whoHasTheBytesAlreadyIsSentNowhere() async throws {
        let fixture = try await fixture(from: 0)
        #expect(try await direct("own", in: fixture, preconditions: Preconditions(ifNoneMatch: "*")) == nil)
    }
}

/// The store of projects lets clients in; the server's own does not.
extension FaultyBlobStore: DirectBlobAccess {
    public func directDownload(
        of key: BlobKey, for seconds: Int64, as presentation: DirectPresentation
    ) async throws -> DirectRequest {
        DirectRequest(
            method: "GET", url: "https://direct.example/\(key)?for=\(seconds)&type=\(presentation.mediaType ?? "")")
    }

    public func directUpload(to key: BlobKey, length: Int64, mediaType: String, for seconds: Int64) async throws -> DirectRequest
    {
        DirectRequest(method: "PUT", url: "https://direct.example/\(key)")
    }
}
