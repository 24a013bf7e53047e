// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import NIOCore
import Testing

/// Who may do what with an upload.
struct UploadAccessTests {
    private static let alice = CoreFixture.caller()
    private static let bob = CoreFixture.caller(subject: "22222222-2222-4222-8222-222222222222")

    @Test func whoMayNotWriteTheObjectBeginsNothing() async throws {
        let fixture = try await UploadFixture()

        #expect(await errorCode { _ = try await fixture.begin(1, access: .policy(Self.alice)) } == .accessDenied)

        #expect(fixture.metadata.allUploads.isEmpty && fixture.memory.unfinishedCount == 0)
    }

    @Test func aRightThatIsTakenAwayEndsTheUpload() async throws {
        let fixture = try await UploadFixture(policies: Policy.allowing([.insert], to: "authenticated"))
        let access = Access.policy(Self.alice)
        let id = try await fixture.begin(10, access: access)
        try await fixture.append(SampleData.bytes(5), to: id, at: 0, access: access)

        fixture.metadata.setPolicies([])

        #expect(
            await errorCode { try await fixture.append(SampleData.bytes(5), to: id, at: 5, access: access) } == .accessDenied)
        #expect(await errorCode { try await fixture.uploads.abort(id, access: access) } == .accessDenied)
    }

    @Test func nobodyWritesInTheNameOfSomebodyElse() async throws {
        let fixture = try await UploadFixture(policies: Policy.allowing([.insert], to: "authenticated"))
        let id = try await fixture.begin(10, access: .policy(Self.alice))

        #expect(
            await errorCode { try await fixture.append(SampleData.bytes(10), to: id, at: 0, access: .policy(Self.bob)) }
                == .accessDenied)
        #expect(await errorCode { try await fixture.uploads.abort(id, access: .policy(Self.bob)) } == .accessDenied)

        try await fixture.append(SampleData.bytes(10), to: id, at: 0, access: UploadFixture.service)
        #expect(try await fixture.read().object.record.ownerID == Self.alice.principal.subject)
    }

    @Test func whoHasNoSubjectHasNoPartInTheUploadsOfOtherRoles() async throws {
        let roles = ["anon", "authenticated"]
        let fixture = try await UploadFixture(policies: roles.flatMap { Policy.allowing([.insert], to: $0) })
        let strangers = roles.map { CoreFixture.caller(role: $0, subject: nil) }
        let services = try await fixture.begin(nil, kind: .parts)
        let anonymous = try await fixture.begin(nil, kind: .parts, access: .policy(strangers[0]))
        func put(_ id: UploadID, _ caller: Caller) async -> StorageError.Code? {
            await errorCode {
                _ = try await fixture.uploads.putPart(
                    PartUpload(body: SampleData.stream(SampleData.bytes(5), chunkBytes: 5)), as: PartNumber(1), of: id,
                    access: .policy(caller))
            }
        }

        for stranger in strangers {
            #expect(await put(services, stranger) == .accessDenied)
            #expect(await errorCode { try await fixture.uploads.abort(services, access: .policy(stranger)) } == .accessDenied)
        }
        #expect(await put(anonymous, strangers[1]) == .accessDenied)
        #expect(await put(anonymous, strangers[0]) == nil)
        try await fixture.uploads.abort(anonymous, access: .policy(strangers[0]))
    }

    @Test func whoHasNoSubjectIsToldOfNoUploads() async throws {
        let anon = CoreFixture.caller(role: "anon", subject: nil)
        let fixture = try await UploadFixture(policies: Policy.allowing([.insert], to: "anon"))
        _ = try await fixture.begin(nil, kind: .parts)
        _ = try await fixture.begin(nil, kind: .parts, access: .policy(anon))
        let query = UploadQuery(bucket: fixture.address.bucket, kind: .parts)

        #expect(try await fixture.uploads.list(query, as: anon).isEmpty)
        #expect(try await fixture.uploads.list(query, as: CoreFixture.service).count == 2)
    }

    @Test func aGrantWithoutAnOwnerIsNoWayIntoTheServicesUpload() async throws {
        let fixture = try await UploadFixture()
        let grant = SignedGrant(address: fixture.address, action: .upload, owner: nil, replaces: false, expiresAt: nil)
        let services = try await fixture.begin(10)
        let granted = try await fixture.begin(10, access: .grant(grant, CoreFixture.facts))

        func append(_ id: UploadID) async -> StorageError.Code? {
            await errorCode {
                try await fixture.append(SampleData.bytes(5), to: id, at: 0, access: .grant(grant, CoreFixture.facts))
            }
        }
        #expect(await append(services) == .accessDenied)
        #expect(await append(granted) == nil)
    }

    @Test func aGrantIsEnoughForItsObjectAndNoOther() async throws {
        let fixture = try await UploadFixture()
        let grant = SignedGrant(
            address: fixture.address, action: .upload, owner: Self.bob.principal.subject, replaces: false, expiresAt: nil)
        var other = grant
        other.address.key = ObjectKey(stored: "folder/other.bin")
        let id = try await fixture.begin(10, mode: .replace, access: .grant(grant, CoreFixture.facts))

        #expect(
            await errorCode {
                try await fixture.append(SampleData.bytes(10), to: id, at: 0, access: .grant(other, CoreFixture.facts))
            } == .signatureMismatch)
        try await fixture.append(SampleData.bytes(10), to: id, at: 0, access: .grant(grant, CoreFixture.facts))

        #expect(try await fixture.read().object.record.ownerID == Self.bob.principal.subject)
        #expect(try await fixture.uploads.session(id).mode == .create)
    }

    @Test func theBucketsRulesHold() async throws {
        let fixture = try await UploadFixture(maxBytes: 100)

        #expect(await errorCode { _ = try await fixture.begin(101) } == .tooLarge)
        let id = try await fixture.begin(nil)
        #expect(await errorCode { try await fixture.append(SampleData.bytes(101), to: id, at: 0) } == .tooLarge)
        try await fixture.storage.buckets.update(
            fixture.address.bucket, changes: BucketChanges(allowedMimeTypes: ["image/*"]), as: CoreFixture.service)
        #expect(await errorCode { try await fixture.append(SampleData.bytes(5), to: id, at: 0) } == .mediaTypeNotAllowed)
    }

    @Test func aPublicBucketIsNoRightToWrite() async throws {
        let fixture = try await UploadFixture()
        #expect(await errorCode { _ = try await fixture.begin(1, access: .publicBucket(CoreFixture.facts)) } == .accessDenied)
    }
}
