// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

struct SignedURLsTests {
    @Test func aDownloadTokenGrantsItsObject() async throws {
        let core = try await CoreFixture()
        try await core.put("x", at: "f/a b.txt")

        let token = try await core.storage.signedURLs.download(core.address("f/a b.txt"), lifetime: 60, as: CoreFixture.service)
        let grant = try core.storage.signedURLs.grant(token: token, address: core.address("f/a b.txt"), action: .download)

        #expect(try await core.read("f/a b.txt", access: .grant(grant, CoreFixture.facts)) == "x")
    }

    @Test func aTokenIsForOneActionOnly() async throws {
        let core = try await CoreFixture()
        try await core.put("x", at: "a")
        let urls = core.storage.signedURLs
        let download = try await urls.download(core.address("a"), lifetime: 60, as: CoreFixture.service)
        let upload = try await urls.upload(core.address("new"), options: CoreFixture.options(), as: CoreFixture.service)

        #expect(
            await errorCode { _ = try urls.grant(token: download, address: core.address("a"), action: .upload) }
                == .wrongTokenScope)
        #expect(
            await errorCode { _ = try urls.grant(token: upload, address: core.address("new"), action: .download) }
                == .wrongTokenScope)
    }

    @Test func aTokenOfAnotherObjectIsRefused() async throws {
        let core = try await CoreFixture()
        try await core.put("x", at: "a")
        let token = try await core.storage.signedURLs.download(core.address("a"), lifetime: 60, as: CoreFixture.service)

        let code = await errorCode {
            _ = try core.storage.signedURLs.grant(token: token, address: core.address("b"), action: .download)
        }

        #expect(code == .signatureMismatch)
    }

    @Test func aTokenOfAnImageIsNoTokenOfTheObject() async throws {
        let core = try await CoreFixture()
        try await core.put("x", at: "a")
        let urls = core.storage.signedURLs
        let rendering = SignedRendering(transformations: "width:5", format: "webp")

        let token = try await urls.download(core.address("a"), lifetime: 60, rendering: rendering, as: CoreFixture.service)
        let grant = try urls.renderingGrant(token: token, address: core.address("a"))

        #expect(grant.rendering == rendering)
        #expect(
            await errorCode { _ = try urls.grant(token: token, address: core.address("a"), action: .download) }
                == .wrongTokenScope)
        #expect(await errorCode { _ = try urls.renderingGrant(token: token, address: core.address("b")) } == .signatureMismatch)
        // Nor by a caller that forgot to ask.
        #expect(await errorCode { _ = try await core.read("a", access: .grant(grant, CoreFixture.facts)) } == .wrongTokenScope)
    }

    @Test func aTokenOfTheObjectIsOneOfItsImages() async throws {
        let core = try await CoreFixture()
        try await core.put("x", at: "a")
        let urls = core.storage.signedURLs
        let token = try await urls.download(core.address("a"), lifetime: 60, as: CoreFixture.service)
        let upload = try await urls.upload(core.address("new"), options: CoreFixture.options(), as: CoreFixture.service)

        #expect(try urls.renderingGrant(token: token, address: core.address("a")).rendering == nil)
        #expect(
            await errorCode { _ = try urls.renderingGrant(token: upload, address: core.address("new")) } == .wrongTokenScope)
    }

    @Test func aTokenIsForNoBucketWhoseNameLooksLikeAFolder() async throws {
        let core = try await CoreFixture()
        let inside = BucketID(stored: "b/f")
        core.metadata.adopt(
            ObjectRecord(id: ObjectID(), address: core.address("a", in: inside), version: ObjectVersion()))
        try await core.put("x", at: "f/a")
        let urls = core.storage.signedURLs

        let token = try await urls.download(core.address("f/a"), lifetime: 60, as: CoreFixture.service)
        let address = core.address("a", in: inside)

        #expect(await errorCode { _ = try urls.grant(token: token, address: address, action: .download) } == .signatureMismatch)
        for sign in [
            { _ = try await urls.download(address, lifetime: 60, as: CoreFixture.service) },
            { _ = try await urls.downloads(["a"], in: inside, lifetime: 60, as: CoreFixture.service) },
            { _ = try await urls.upload(address, options: CoreFixture.options(.replace), as: CoreFixture.service) },
        ] { #expect(await errorCode(sign) == .invalidBucketName) }
    }

    @Test(
        arguments: [
            (#"{"url":"b/a","upsert":false}"#, SignedGrant.Action.upload, nil), (#"{"url":"b/a"}"#, .download, nil),
            (#"{"url":"b/a"}"#, .upload, .wrongTokenScope), (#"{"url":"b/a","upsert":true}"#, .download, .wrongTokenScope),
            (#"{"url":"b/a","scope":"download","upsert":true}"#, .upload, .wrongTokenScope),
            (#"{"url":"b/a","scope":"download","exp":1}"#, .download, .invalidToken), ("{}", .download, .signatureMismatch),
        ] as [(String, SignedGrant.Action, StorageError.Code?)])
    func tokensFromBeforeScopesAreToldApartByTheirUpsertClaim(
        claims: String, action: SignedGrant.Action, expected: StorageError.Code?
    ) async throws {
        let core = try await CoreFixture()
        let token = try core.keys.sign(JSONText(trusted: claims))

        let code = await errorCode {
            _ = try core.storage.signedURLs.grant(token: token, address: core.address("a"), action: action)
        }

        #expect(code == expected)
    }

    @Test func theUploaderOwnsWhatASignedURLUploads() async throws {
        let core = try await CoreFixture()
        let owner = "22222222-2222-4222-8222-222222222222"
        let urls = core.storage.signedURLs
        let caller = CoreFixture.caller(role: "service_role", subject: owner)

        let token = try await urls.upload(core.address("a"), options: CoreFixture.options(), as: caller)
        let grant = try urls.grant(token: token, address: core.address("a"), action: .upload)
        let record = try await core.storage.objects.put(
            Upload(body: SampleData.stream(10, chunkBytes: 64), options: CoreFixture.options(.replace)), at: core.address("a"),
            access: .grant(grant, CoreFixture.facts))

        #expect(record.ownerID == owner)
        let code = await errorCode {
            _ = try await core.storage.objects.put(
                Upload(body: SampleData.stream(10, chunkBytes: 64), options: CoreFixture.options(.replace)),
                at: core.address("a"),
                access: .grant(grant, CoreFixture.facts))
        }
        #expect(code == .objectExists)
    }

    @Test func signingManyTellsWhatIsHidden() async throws {
        let core = try await CoreFixture()
        try await core.put("x", at: "a")

        let tokens = try await core.storage.signedURLs.downloads(
            ["a", "missing", "", "a"], in: core.bucket, lifetime: 60, as: CoreFixture.service)
        let hidden = try await core.storage.signedURLs.downloads(["a"], in: core.bucket, lifetime: 60, as: CoreFixture.caller())

        #expect(tokens.map { $0 != nil } == [true, false, false, true])
        #expect(hidden == [nil])
    }

    @Test func theLongestLifetimeWorks() async throws {
        let core = try await CoreFixture()
        try await core.put("x", at: "a")
        let urls = core.storage.signedURLs
        // Less a minute: the clock goes on.
        let lifetime = SignedURLs.maxLifetime() - 60

        let token = try await urls.download(core.address("a"), lifetime: lifetime, as: CoreFixture.service)

        let grant = try urls.grant(token: token, address: core.address("a"), action: .download)
        #expect(grant.expiresAt?.httpDate == "Fri, 31 Dec 9999 23:59:59 GMT")
    }

    @Test(arguments: [0, -1, Int64.max])
    func aLifetimeMustBeOneThatADateCanHold(lifetime: Int64) async throws {
        let core = try await CoreFixture()
        try await core.put("x", at: "a")

        let code = await errorCode {
            _ = try await core.storage.signedURLs.download(core.address("a"), lifetime: lifetime, as: CoreFixture.service)
        }

        #expect(code == .invalidParameter)
    }
}
