// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore
import Testing

@testable import HTTPFrontends

struct FilesAPITests {
    @Test func aFileIsAnnouncedSentAndRegistered() async throws {
        let app = try await FilesFixture()
        let ann = try await app.signUp("ann")

        let file = try await app.upload("some text", .public, token: ann)
        let key = try #require(file["s3Key"] as? String)

        #expect(file["url"] as? String == "https://files.example/raw/\(key)")
        #expect(file["size"] as? Int == 9 && file["visibility"] as? String == "public" && file["ownerType"] as? String == "user")
        let read = try await app.send(.get, "/raw/\(key)")
        #expect(read.body == "some text" && read.headers[.cacheControl] == "public, no-cache")
    }

    @Test(
        arguments: zip(
            FileVisibility.allCases, [[200, 200, 200, 200], [401, 403, 200, 200], [401, 200, 200, 200], [401, 403, 200, 200]]))
    func whoSeesAFileItsVisibilitySays(visibility: FileVisibility, statuses: [Int]) async throws {
        let app = try await FilesFixture()
        let (ann, ben) = (try await app.signUp("ann"), try await app.signUp("ben"))
        let file = try await app.upload("text", visibility, token: ann)
        let path = "/v1/files/\(file["id"] as? String ?? "")"

        let found = [
            try await app.send(.get, path), try await app.send(.get, path, token: ben),
            try await app.send(.get, path, token: ann),
            try await app.send(.get, path, key: app.keys.secretKey),
        ].map(\.status)
        #expect(found == statuses)
        let download = try await app.data(app.send(.post, path + "/download-url", token: ann))
        #expect((download["expiresAt"] is String) == (visibility != .public))
    }

    @Test func theSecretKeyUploadsForTheProject() async throws {
        let app = try await FilesFixture()

        let file = try await app.upload("text", .private, token: nil, key: app.keys.secretKey)

        #expect(file["ownerType"] as? String == "service" && file["ownerId"] is String == false)
    }

    @Test(arguments: ["", "x", "pk_0", "sk_0"])
    func aKeyThatIsNoneIsOneAnswer(key: String) async throws {
        let app = try await FilesFixture()

        let answer = try await app.send(.get, "/v1/files", key: key)

        #expect(try answer.status == 401 && app.code(answer) == "auth/unauthorized")
        #expect(answer.headers[.wwwAuthenticate] == "Bearer" && answer.headers[.cacheControl] == "no-store")
    }

    @Test func keysOfOtherDialectsOpenNothing() async throws {
        let app = try await FilesFixture()

        #expect(try await app.send(.get, "/v1/files", key: app.keys.clientSecret).status == 401)
    }

    @Test(
        arguments: [
            (HTTPRequest.Method.post, "/v1/files/presigned-url"), (.post, "/v1/files"), (.get, "/v1/files/stats"),
            (.get, "/v1/auth/me"),
            (.patch, "/v1/files/\(FileID())"), (.delete, "/v1/files/\(FileID())"), (.post, "/v1/files/multipart/init"),
        ])
    func withoutATokenItIs401(method: HTTPRequest.Method, path: String) async throws {
        let app = try await FilesFixture()

        let answer = try await app.send(method, path, method == .get ? nil : "{}")

        #expect(try answer.status == 401 && app.code(answer) == "common/authentication-required")
    }

    @Test func aTokenThatIsNoneIs401AlsoWhereNoneIsNeeded() async throws {
        let app = try await FilesFixture()

        #expect(try await app.send(.get, "/v1/files", token: "a.b.c").status == 401)
        #expect(try await app.send(.get, "/v1/files").status == 200)
    }

    @Test func aHeadHasTheHeadersOfAGet() async throws {
        let app = try await FilesFixture(.flat)

        let (get, head) = (try await app.send(.get, "/v1/files"), try await app.send(.head, "/v1/files"))

        #expect(head.status == 200 && head.body.isEmpty && head.headers[.contentLength] == String(get.body.utf8.count))
    }

    @Test func aPublicBucketOpensNoFileThatIsNot() async throws {
        let app = try await FilesFixture(isPublic: true)
        let ann = try await app.signUp("ann")
        let file = try await app.upload("text", .public, token: ann)
        let (path, raw) = ("/v1/files/\(file["id"] as? String ?? "")", "/raw/\(file["s3Key"] as? String ?? "")")

        for _ in 0..<2 {
            #expect(try await app.send(.get, raw).status == 200)
            #expect(try await app.send(.patch, path, #"{"visibility":"private"}"#, token: ann).status == 200)
            #expect(try await app.send(.get, raw).status == 404)
            #expect(try await app.send(.patch, path + "/visibility", #"{"visibility":"public"}"#, token: ann).status == 200)
        }
    }
}
