// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore
import MediaTesting
import NIOCore
import Testing

struct DownloadRouteTests {
    private func api(public isPublic: Bool = false) async throws -> SupabaseFixture {
        let api = try await SupabaseFixture()
        try await api.makeBucket("b", isPublic ? #","public":true"# : "")
        try await api.upload("0123456789", headers: [.cacheControl: "max-age=60"])
        return api
    }

    @Test func aDownloadCarriesWhatIsKnownOfTheObject() async throws {
        let answer = try await api().get("/object/authenticated/b/a.txt")

        #expect(answer.status == 200)
        #expect(answer.body == "0123456789")
        #expect(answer.headers[.eTag] == "\"781e5e245d69b566979b86e28d23f2c7\"")
        #expect(answer.headers[.contentType] == "text/plain")
        #expect(answer.headers[.cacheControl] == "max-age=60")
        #expect(answer.headers[.acceptRanges] == "bytes")
        #expect(answer.headers[.lastModified].flatMap(Timestamp.init(httpDate:)) != nil)
        #expect(answer.headers[.named("x-robots-tag")] == "none")
        #expect(answer.headers[.contentDisposition] == nil)
    }

    @Test(arguments: [
        ("bytes=2-4", "234", "bytes 2-4/10"), ("bytes=7-", "789", "bytes 7-9/10"), ("bytes=-2", "89", "bytes 8-9/10"),
        ("bytes=8-100", "89", "bytes 8-9/10"),
    ])
    func aRangeIsAnsweredWithAPart(range: String, text: String, contentRange: String) async throws {
        for isPublic in [true, false] {
            let answer = try await api(public: isPublic).get("/object/b/a.txt", headers: [.range: range])

            #expect(answer.status == 206)
            #expect(answer.body == text)
            #expect(answer.headers[.contentRange] == contentRange)
            #expect(answer.headers[.contentLength] == String(text.utf8.count))
        }
    }

    @Test(arguments: ["bytes=10-", "bytes=a-b", "bytes=0-1,3-4", "bytes=-0"])
    func aRangeOutsideTheObjectIs416(range: String) async throws {
        let answer = try await api().get("/object/b/a.txt", headers: [.range: range])

        #expect(answer.refusal == ["416", "416", "invalid_range"])
    }

    @Test func aReaderThatHasTheObjectGets304() async throws {
        let api = try await api(public: true)
        let first = try await api.get("/object/public/b/a.txt")
        let tag = try #require(first.headers[.eTag])
        let date = try #require(first.headers[.lastModified])

        for headers in [[.ifNoneMatch: tag], [.ifNoneMatch: "\"x\", W/\(tag)"], [.ifModifiedSince: date]] as [HTTPFields] {
            let answer = try await api.get("/object/public/b/a.txt", headers: headers)
            #expect(answer.status == 304)
            #expect(answer.body.isEmpty)
            #expect(answer.headers[.eTag] == tag)
        }
        let other = try await api.get("/object/public/b/a.txt", headers: [.ifNoneMatch: "\"x\""])
        #expect(other.status == 200)
        #expect(other.headers[.cacheControl] == "max-age=60, stale-while-revalidate=30")
    }

    @Test(arguments: [
        ("download", "attachment;"),
        ("download=testname.png", "attachment; filename=testname.png; filename*=UTF-8''testname.png"),
        ("download=a%20%28b%29.png", "attachment; filename=a%20%28b%29.png; filename*=UTF-8''a%20%28b%29.png"),
    ])
    func aDownloadMaySaveUnderAName(query: String, disposition: String) async throws {
        let answer = try await api(public: true).get("/object/public/b/a.txt?\(query)")

        #expect(answer.headers[.contentDisposition] == disposition)
    }

    @Test func pagesAreShownAsText() async throws {
        let api = try await api()
        try await api.upload("<script>", to: "/object/b/p.html", type: "text/html; charset=utf-8")

        let answer = try await api.get("/object/b/p.html")

        #expect(answer.headers[.contentType] == "text/plain")
        #expect(answer.headers[.xContentTypeOptions] == "nosniff")
    }

    @Test func aPublicObjectNeedsNoToken() async throws {
        let api = try await api(public: true)

        for target in ["/object/public/b/a.txt", "/object/b/a.txt"] {
            #expect(try await api.getWithoutToken(.get, target).body == "0123456789")
        }
        #expect(try await api.send(.get, "/object/b/a.txt", token: nil, headers: [.authorization: ""]).status == 200)
    }

    @Test(arguments: ["/object/public/b/a.txt", "/object/b/a.txt", "/object/info/public/b/a.txt", "/object/info/b/a.txt"])
    func aPrivateObjectLooksLikeNoBucketWithoutAToken(target: String) async throws {
        let answer = try await api().getWithoutToken(.get, target)

        #expect(
            answer.body == #"{"statusCode":"404","error":"Bucket not found","message":"Bucket not found","code":"NoSuchBucket"}"#)
    }

    @Test func aMissingObjectIsSaidTheSameWayAsAHiddenOne() async throws {
        let api = try await api()

        let missing = try await api.get("/object/authenticated/b/none", as: api.user)
        let hidden = try await api.get("/object/authenticated/b/a.txt", as: api.user)

        #expect(missing.body == hidden.body)
        #expect(missing.body == #"{"statusCode":"404","error":"not_found","message":"Object not found","code":"NoSuchKey"}"#)
    }

    @Test func headTellsTheSizeAndSendsNothing() async throws {
        let api = try await api(public: true)

        for target in ["/object/public/b/a.txt", "/object/authenticated/b/a.txt", "/object/b/a.txt", "/object/info/b/a.txt"] {
            let answer = try await api.send(.head, target, token: api.service)
            #expect(answer.status == 200)
            #expect(answer.body.isEmpty)
            #expect(answer.headers[.contentLength] == "10")
            #expect(answer.headers[.eTag] != nil)
        }
    }

    @Test func headOfNothingIs400WithoutABody() async throws {
        let answer = try await api().send(.head, "/object/b/none", token: nil)

        #expect(answer.status == 400)
        #expect(answer.body.isEmpty)
    }

    @Test func headTellsACacheWhetherItIsStale() async throws {
        let api = try await api()

        let answer = try await api.send(.head, "/object/b/a.txt", token: api.service, headers: [.ifNoneMatch: "\"x\""])

        #expect(answer.headers[.cacheControl] == "max-age=60, must-revalidate")
    }

    @Test func infoTellsEverythingInOneObject() async throws {
        let info = try await api().get("/object/info/b/a.txt").object()

        #expect(
            Set(info.keys) == [
                "id", "name", "version", "bucket_id", "size", "content_type", "cache_control", "etag", "metadata",
                "last_modified",
                "created_at",
            ])
        #expect(info["size"] as? Int == 10)
        #expect(info["name"] as? String == "a.txt")
    }

    @Test func aSignedURLNeedsNoTokenAndExpires() async throws {
        let api = try await api()
        let signed = try await api.call(.post, "/object/sign/b/a.txt", #"{"expiresIn":"60"}"#).object()
        let url = try #require(signed["signedURL"] as? String)

        let answer = try await api.getWithoutToken(.get, url)

        #expect(answer.body == "0123456789")
        #expect(answer.headers[.cacheControl] == nil)
        #expect(answer.headers[.expires].flatMap(Timestamp.init(httpDate:)) != nil)
        #expect(try await api.getWithoutToken(.head, url).status == 200)
    }

    @Test(arguments: [("?token=garbage", "InvalidJWT"), ("", "Error")])
    func aBadSignatureOpensNothing(query: String, error: String) async throws {
        let answer = try await api().getWithoutToken(.get, "/object/sign/b/a.txt\(query)")

        #expect(answer.refusal == ["400", "400", error])
    }

    @Test func aSignedURLOfAnotherObjectOpensNothing() async throws {
        let api = try await api()
        try await api.upload("other", to: "/object/b/other.txt")
        let signed = try await api.call(.post, "/object/sign/b/a.txt", #"{"expiresIn":60}"#).object()
        let token = try #require((signed["signedURL"] as? String)?.split(separator: "=").last)

        let answer = try await api.getWithoutToken(.get, "/object/sign/b/other.txt?token=\(token)")

        #expect(answer.refusal == ["400", "400", "InvalidSignature"])
    }

    @Test func aRowWithoutBytesIsNotToBeCached() async throws {
        let api = try await api()
        try await api.blobs.delete(try await api.blobs.list(prefix: "", after: nil, limit: 10).blobs.map(\.key))

        let answer = try await api.get("/object/b/a.txt")

        #expect(answer.refusal == ["400", "404", "Not found"])
        #expect(answer.headers[.cacheControl] == "no-store")
    }

    @Test func aKeyOfAnotherDialectIsReadAndAMissingOneIsInvalid() async throws {
        let api = try await api()
        let key = ObjectKey(stored: "naïve.txt")
        let caller = Caller(
            principal: Principal(role: "service_role", subject: nil, claims: .emptyObject, token: ""),
            facts: RequestFacts(operation: Operation("test")))
        _ = try await api.storage.objects.put(
            Upload(body: ByteStream(.init(string: "x")), options: UploadOptions(mode: .create, contentType: "text/plain")),
            at: ObjectAddress(bucket: BucketID(stored: "b"), key: key), access: .policy(caller))

        #expect(try await api.get("/object/b/na%C3%AFve.txt").body == "x")
        #expect(try await api.get("/object/b/n%C3%B6.txt").refusal == ["400", "400", "InvalidKey"])
    }
}
