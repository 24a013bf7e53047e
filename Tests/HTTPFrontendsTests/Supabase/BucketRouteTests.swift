// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Testing

struct BucketRouteTests {
    @Test func creatingABucketReturnsItsName() async throws {
        let api = try await SupabaseFixture()

        let answer = try await api.call(.post, "/bucket", #"{"id":"b","name":"b","public":true}"#)

        #expect(answer.status == 200)
        #expect(answer.body == #"{"name":"b"}"#)
    }

    @Test func creatingABucketTwiceIsADuplicate() async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket()

        let answer = try await api.makeBucket()

        #expect(answer.status == 400)
        #expect(
            answer.body
                == #"{"statusCode":"409","error":"Duplicate","message":"The resource already exists","code":"BucketAlreadyExists"}"#
        )
    }

    @Test(arguments: [#"{"name":"a/b"}"#, #"{"name":" a"}"#, #"{"name":"a "}"#, #"{"name":"ok","id":"a/b"}"#])
    func aBadBucketNameIsRefused(body: String) async throws {
        let api = try await SupabaseFixture()

        let answer = try await api.call(.post, "/bucket", body)

        #expect(answer.refusal == ["400", "400", "Invalid Input"])
        #expect(answer.message == "Bucket name invalid")
    }

    @Test func aBucketNeedsAName() async throws {
        let api = try await SupabaseFixture()

        let answer = try await api.call(.post, "/bucket", "{}")

        #expect(answer.refusal == ["400", "400", "Error"])
        #expect(answer.message == "body must have required property 'name'")
    }

    @Test func aBucketIsShownWithAllItsFields() async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket("b", #","file_size_limit":"20KB","allowed_mime_types":["image/*"]"#)

        let bucket = try await api.get("/bucket/b").object()

        #expect(
            Set(bucket.keys) == [
                "id", "name", "owner", "public", "file_size_limit", "allowed_mime_types", "created_at", "updated_at",
            ])
        #expect(bucket["owner"] as? String == "")
        #expect(bucket["file_size_limit"] as? Int == 20_000)
        #expect(bucket["allowed_mime_types"] as? [String] == ["image/*"])
    }

    @Test func limitsThatAreNotSetAreNull() async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket()

        let answer = try await api.get("/bucket/b")

        #expect(answer.body.contains(#""file_size_limit":null,"allowed_mime_types":null"#))
    }

    @Test(
        arguments: [
            ("supabase-py/2.17.9", nil, false), ("supabase-py/2.18.0", nil, true), (nil, "supabase-py/storage3 v0.12.0", false),
            (nil, "supabase-py/storage3 v0.12.1", true), (nil, nil, true), ("supabase-js/1.0.0", nil, true),
        ] as [(String?, String?, Bool)])
    func theListShowsTypesExceptToClientsThatFailOnThem(info: String?, agent: String?, showsType: Bool) async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket()

        let answer = try await api.send(
            .get, "/bucket", token: api.service, headers: [.named("x-client-info"): info ?? "", .userAgent: agent ?? ""])

        #expect(try answer.objects().first?["type"] as? String == (showsType ? "STANDARD" : nil))
    }

    @Test(arguments: [
        ("search=%25", []), ("search=_", []), ("search=RED", ["a-red"]),
        ("limit=1&offset=1&sortColumn=id&sortOrder=asc", ["b-blue"]),
    ])
    func bucketsAreSearchedAndPaged(query: String, names: [String]) async throws {
        let api = try await SupabaseFixture()
        for name in ["b-blue", "a-red"] { try await api.makeBucket(name) }

        let answer = try await api.get("/bucket?\(query)")

        #expect(try answer.objects().compactMap { $0["id"] as? String } == names)
    }

    @Test(arguments: [("limit=0", "querystring/limit must be >= 1"), ("offset=-1", "querystring/offset must be >= 0")])
    func badPagingIsNamed(query: String, message: String) async throws {
        let api = try await SupabaseFixture()

        let answer = try await api.get("/bucket?\(query)")

        #expect(answer.status == 400)
        #expect(answer.message == message)
    }

    @Test func anUpdateChangesWhatItNames() async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket("b", #","file_size_limit":5"#)

        let answer = try await api.call(
            .put, "/bucket/b", #"{"id":"b","name":"b","public":true,"allowed_mime_types":["text/plain"]}"#)

        #expect(answer.body == #"{"message":"Successfully updated"}"#)
        let bucket = try await api.get("/bucket/b").object()
        #expect(bucket["public"] as? Bool == true)
        #expect(bucket["file_size_limit"] as? Int == 5)
    }

    @Test(arguments: [("/bucket/b", "{}"), ("/bucket/nowhere", #"{"public":true}"#)])
    func anUpdateOfNothingIsRefused(target: String, body: String) async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket()

        #expect(try await api.call(.put, target, body).status == 400)
    }

    @Test func aLimitAboveTheServersIsTooLarge() async throws {
        let api = try await SupabaseFixture(limit: 100)

        let answer = try await api.makeBucket("b", #","file_size_limit":101"#)

        #expect(answer.refusal == ["400", "413", "Payload too large"])
    }

    @Test(arguments: [nil, "", "{}"])
    func emptyingAndDeletingMindNoBody(body: String?) async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket()
        try await api.upload("x")

        let emptied = try await api.call(.post, "/bucket/b/empty", body)
        let deleted = try await api.call(.delete, "/bucket/b", body)

        #expect(emptied.body == #"{"message":"Empty bucket has been queued. Completion may take up to an hour."}"#)
        #expect(deleted.body == #"{"message":"Successfully deleted"}"#)
    }

    @Test func onlyTheServiceMayEmpty() async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket()

        let answer = try await api.call(.post, "/bucket/b/empty", "{}", as: api.user)

        #expect(answer.refusal == ["403", "403", "Unauthorized"])
        #expect(answer.message == "Access denied: Invalid role")
    }

    @Test func aBucketWithObjectsIsNotDeleted() async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket()
        try await api.upload("x")

        let answer = try await api.call(.delete, "/bucket/b")

        #expect(answer.refusal == ["400", "409", "ResourceNotEmpty"])
    }

    @Test(arguments: ["/bucket/nowhere"])
    func anUnknownBucketIsNotFound(target: String) async throws {
        let api = try await SupabaseFixture()

        let answer = try await api.get(target)

        #expect(
            answer.body == #"{"statusCode":"404","error":"Bucket not found","message":"Bucket not found","code":"NoSuchBucket"}"#)
    }

    @Test func aHiddenBucketLooksLikeNone() async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket()

        #expect(try await api.get("/bucket/b", as: api.anonymous).message == "Bucket not found")
        #expect(try await api.get("/bucket", as: api.anonymous).body == "[]")
        #expect(try await api.call(.delete, "/bucket/b", as: api.anonymous).message == "Bucket not found")
    }
}
