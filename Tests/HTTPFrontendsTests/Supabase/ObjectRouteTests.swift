// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore
import Testing

struct ObjectRouteTests {
    private func api() async throws -> SupabaseFixture {
        let api = try await SupabaseFixture()
        try await api.makeBucket()
        try await api.upload("hello")
        return api
    }

    @Test func aDeletedObjectIsGone() async throws {
        let api = try await api()

        let answer = try await api.call(.delete, "/object/b/a.txt")

        #expect(answer.body == #"{"message":"Successfully deleted"}"#)
        #expect(try await api.get("/object/b/a.txt").refusal == ["400", "404", "not_found"])
        #expect(try await api.call(.delete, "/object/b/a.txt").refusal == ["400", "404", "not_found"])
    }

    @Test func whoMayNotDeleteIsTold() async throws {
        let api = try await api()

        let answer = try await api.call(.delete, "/object/b/a.txt", as: api.user)

        #expect(answer.refusal == ["400", "403", "Unauthorized"])
        #expect(answer.message == "Access denied")
    }

    @Test func deletingManyReturnsTheRowsThatWent() async throws {
        let api = try await api()
        try await api.upload("x", to: "/object/b/c.txt")

        let answer = try await api.call(.delete, "/object/b", #"{"prefixes":["a.txt","missing","c.txt",""]}"#)

        let rows = try answer.objects()
        #expect(Set(rows.compactMap { $0["name"] as? String }) == ["a.txt", "c.txt"])
        #expect(
            Set(try #require(rows.first).keys) == [
                "name", "bucket_id", "owner", "owner_id", "version", "id", "updated_at", "created_at", "last_accessed_at",
                "metadata",
                "user_metadata",
            ])
    }

    @Test func deletingManyIsSilentAboutWhatIsForbiddenOrUnknown() async throws {
        let api = try await api()

        #expect(try await api.call(.delete, "/object/b", #"{"prefixes":["a.txt"]}"#, as: api.anonymous).body == "[]")
        #expect(try await api.call(.delete, "/object/nowhere", #"{"prefixes":["a.txt"]}"#).body == "[]")
        #expect(try await api.call(.delete, "/object/b", #"{"prefixes":[]}"#).status == 400)
        #expect(try await api.call(.delete, "/object/b", "{}").message == "body must have required property 'prefixes'")
    }

    @Test func aCopyIsDescribedInFull() async throws {
        let api = try await api()

        let answer = try await api.call(
            .post, "/object/copy", #"{"bucketId":"b","sourceKey":"a.txt","destinationKey":"f/c.txt"}"#)

        let body = try answer.object()
        #expect(answer.status == 200)
        #expect(body["Key"] as? String == "b/f/c.txt")
        #expect(body["Id"] as? String == body["id"] as? String)
        #expect(body["name"] as? String == "f/c.txt")
        #expect(try await api.get("/object/b/f/c.txt").body == "hello")
    }

    @Test func aCopyGoesToAnotherBucketAndDoesNotReplaceUnasked() async throws {
        let api = try await api()
        try await api.makeBucket("other")
        let body = #"{"bucketId":"b","sourceKey":"a.txt","destinationKey":"a.txt","destinationBucket":"other"}"#

        #expect(try await api.call(.post, "/object/copy", body).object()["Key"] as? String == "other/a.txt")
        #expect(try await api.call(.post, "/object/copy", body).refusal == ["400", "409", "Duplicate"])
    }

    @Test func aCopyOntoItselfRewritesItsHeaders() async throws {
        let api = try await api()

        let answer = try await api.send(
            .post, "/object/copy", token: api.service,
            headers: [.contentType: "application/json", .named("x-upsert"): "true"],
            body:
                #"{"bucketId":"b","sourceKey":"a.txt","destinationKey":"a.txt","copyMetadata":false,"metadata":{"cacheControl":"max-age=9"}}"#
        )

        #expect(answer.status == 200)
        let read = try await api.get("/object/b/a.txt")
        #expect(read.headers[.cacheControl] == "max-age=9")
        #expect(read.headers[.contentType] == "text/plain")
    }

    @Test(arguments: [
        #"{"bucketId":"b","sourceKey":"missing","destinationKey":"c"}"#,
        #"{"bucketId":"nowhere","sourceKey":"a.txt","destinationKey":"c"}"#,
        #"{"bucketId":"b","sourceKey":"a.txt"}"#, #"{"bucketId":"b","sourceKey":"a.txt","destinationKey":"ü"}"#,
        #"{"bucketId":"b","sourceKey":"a.txt","destinationKey":"c","destinationBucket":"nowhere"}"#, "{", "[]",
    ])
    func copyingAndMovingWhatCannotBeIsRefused(body: String) async throws {
        let api = try await api()

        #expect(try await api.call(.post, "/object/copy", body).status == 400)
        #expect(try await api.call(.post, "/object/move", body).status == 400)
        #expect(try await api.get("/object/b/a.txt").body == "hello")
    }

    @Test func aMoveTakesTheObjectAlong() async throws {
        let api = try await api()

        let answer = try await api.call(
            .post, "/object/move", #"{"bucketId":"b","sourceKey":"a.txt","destinationKey":"m/c.txt"}"#)

        #expect(answer.body == #"{"message":"Successfully moved"}"#)
        #expect(try await api.get("/object/b/m/c.txt").body == "hello")
        #expect(try await api.get("/object/b/a.txt").refusal == ["400", "404", "not_found"])
    }

    @Test func aMoveOntoAnotherObjectIsADuplicate() async throws {
        let api = try await api()
        try await api.upload("other", to: "/object/b/c.txt")

        let answer = try await api.call(
            .post, "/object/move", #"{"bucketId":"b","sourceKey":"a.txt","destinationKey":"c.txt"}"#)

        #expect(
            answer.body
                == #"{"statusCode":"409","error":"Duplicate","message":"The resource already exists","code":"ResourceAlreadyExists"}"#
        )
        #expect(try await api.get("/object/b/a.txt").body == "hello")
    }

    @Test func signingManyAnswersInOrder() async throws {
        let api = try await api()

        let items = try await api.call(.post, "/object/sign/b", #"{"expiresIn":60,"paths":["missing","a.txt"]}"#).objects()

        #expect(items.map { $0["path"] as? String } == ["missing", "a.txt"])
        #expect(items.first?["error"] as? String == "Either the object does not exist or you do not have access to it")
        #expect(items[0]["signedURL"] is String == false)
        let url = try #require(items.last?["signedURL"] as? String)
        #expect(try await api.getWithoutToken(.get, url).body == "hello")
    }

    @Test func signingHasItsLimits() async throws {
        let api = try await api()
        func paths(_ count: Int) -> String { "[" + (0..<count).map { "\"k\($0)\"" }.joined(separator: ",") + "]" }

        #expect(try await api.call(.post, "/object/sign/b", #"{"expiresIn":60,"paths":\#(paths(1000))}"#).status == 200)
        #expect(try await api.call(.post, "/object/sign/b", #"{"expiresIn":60,"paths":\#(paths(1001))}"#).status == 400)
        for lifetime in ["0", "1e21", "9007199254740", "\"x\"", "1.5"] {
            let answer = try await api.call(.post, "/object/sign/b/a.txt", #"{"expiresIn":\#(lifetime)}"#)
            #expect(answer.status == 400)
            #expect(answer.message?.contains("expiresIn") == true)
        }
    }

    @Test func aSignedURLKeepsOrdinaryCharactersAsTheyAre() async throws {
        let api = try await api()
        try await api.upload("x", to: "/object/b/a%20b%3F@+.txt")

        let signed = try await api.call(.post, "/object/sign/b/a%20b%3F@+.txt", #"{"expiresIn":60}"#).object()

        #expect((signed["signedURL"] as? String)?.hasPrefix("/object/sign/b/a b%3F@+.txt?token=") == true)
    }

    @Test func oneLevelIsListedWithItsFolders() async throws {
        let api = try await api()
        for key in ["p/x/1.txt", "p/bravo.txt", "p/alpha.txt"] { try await api.upload("x", to: "/object/b/\(key)") }

        let answer = try await api.call(.post, "/object/list/b", #"{"prefix":"p","limit":10}"#)

        let items = try answer.objects()
        #expect(items.map { $0["name"] as? String } == ["alpha.txt", "bravo.txt", "x"])
        #expect(items.last?["id"] is String == false)
        #expect(
            Set(try #require(items.first).keys) == ["name", "id", "updated_at", "created_at", "last_accessed_at", "metadata"])
        let found = try await api.call(.post, "/object/list/b", #"{"prefix":"p","search":"bravo","limit":1}"#).objects()
        #expect(found.map { $0["name"] as? String } == ["bravo.txt"])
    }

    @Test func listingNeedsAPrefixAndSanePaging() async throws {
        let api = try await api()

        #expect(try await api.call(.post, "/object/list/b", "{}").message == "body must have required property 'prefix'")
        #expect(try await api.call(.post, "/object/list/b", #"{"prefix":"","limit":0}"#).message == "body/limit must be >= 1")
        #expect(try await api.call(.post, "/object/list/b", #"{"prefix":"","sortBy":{"column":"size"}}"#).status == 400)
        #expect(try await api.call(.post, "/object/list/nowhere", #"{"prefix":""}"#).body == "[]")
    }

    @Test func allKeysAreListedPageByPage() async throws {
        let api = try await api()
        for number in 0..<5 { try await api.upload("x", to: "/object/b/k\(number)") }
        var names: [String] = []
        var cursor = ""

        repeat {
            let page = try await api.call(.post, "/object/list-v2/b", #"{"limit":2,"cursor":"\#(cursor)"}"#).object()
            names += (page["objects"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }
            #expect(page["folders"] is [Any])
            cursor = page["nextCursor"] as? String ?? ""
            #expect((page["hasNext"] as? Bool) == !cursor.isEmpty)
        } while !cursor.isEmpty

        #expect(names == ["a.txt", "k0", "k1", "k2", "k3", "k4"])
    }

    @Test func foldersAreFoldedWhenAsked() async throws {
        let api = try await api()
        for key in ["p/nested/deep/1", "p/nested/2", "p/file"] { try await api.upload("x", to: "/object/b/\(key)") }

        let page = try await api.call(.post, "/object/list-v2/b", #"{"prefix":"p/","with_delimiter":true}"#).object()

        let folders = try #require(page["folders"] as? [[String: Any]])
        let objects = try #require(page["objects"] as? [[String: Any]])
        #expect(folders.map { $0["name"] as? String } == ["p/nested/"])
        #expect(objects.map { $0["name"] as? String } == ["p/file"])
        #expect(objects.map { $0["key"] as? String } == ["file"])
    }

    @Test func aCursorOfNobodyIsRefused() async throws {
        let answer = try await api().call(.post, "/object/list-v2/b", #"{"cursor":"garbage"}"#)

        #expect(answer.refusal == ["400", "400", "InvalidParameter"])
    }
}
