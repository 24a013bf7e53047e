// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import MediaCore
import MediaTesting
import Testing

struct UploadRouteTests {
    private static let formType = "multipart/form-data; boundary=xyz"

    private static func field(_ name: String, _ value: String) -> String {
        "--xyz\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n"
    }

    private static func file(_ text: String, name: String = "file", type: String = "text/plain") -> String {
        "--xyz\r\nContent-Disposition: form-data; name=\"\(name)\"; filename=\"f.txt\"\r\nContent-Type: \(type)\r\n\r\n\(text)\r\n"
    }

    private static let end = "--xyz--\r\n"

    @Test func aRawUploadReturnsIdAndKey() async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket()

        let answer = try await api.upload("hello", to: "/object/b/folder/a.txt")

        let body = try answer.object()
        #expect(answer.status == 200)
        #expect(body["Key"] as? String == "b/folder/a.txt")
        #expect((body["Id"] as? String)?.isEmpty == false)
        #expect(try await api.get("/object/b/folder/a.txt").body == "hello")
    }

    @Test func aFormsFieldsMayStandOnBothSidesOfItsFile() async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket()
        let form =
            Self.field("cacheControl", "60") + Self.file("hello") + Self.field("metadata", #"{"a":{"b":[1]}}"#)
            + Self.field("contentType", "image/png") + Self.end

        let answer = try await api.upload(form, type: Self.formType)

        #expect(answer.status == 200)
        let read = try await api.get("/object/b/a.txt")
        #expect(read.body == "hello")
        #expect(read.headers[.cacheControl] == "max-age=60")
        #expect(read.headers[.contentType] == "image/png")
        let info = try await api.get("/object/info/b/a.txt").object()
        #expect((info["metadata"] as? [String: [String: [Int]]]) == ["a": ["b": [1]]])
    }

    @Test func aFilePartMayHaveAnEmptyName() async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket()

        let answer = try await api.upload(
            Self.field("cacheControl", "1") + Self.file("x", name: "") + Self.end, type: Self.formType)

        #expect(answer.status == 200)
    }

    @Test func aFormWithoutAFileHasNoContent() async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket()

        let answer = try await api.upload(Self.field("cacheControl", "1") + Self.end, type: Self.formType)

        #expect(answer.refusal == ["400", "400", "InvalidRequest"])
        #expect(answer.message == "No content provided")
    }

    @Test func aTruncatedFormLeavesNothing() async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket()

        let answer = try await api.upload(Self.file("hello"), type: Self.formType)

        #expect(answer.refusal == ["400", "400", "InvalidRequest"])
        #expect(try await api.get("/object/b/a.txt").message == "Object not found")
        #expect(try await api.blobs.list(prefix: "", after: nil, limit: 10).blobs.isEmpty)
    }

    @Test func metadataOfAFormIsLimited() async throws {
        let api = try await SupabaseFixture(limit: 10 << 20)
        try await api.makeBucket()
        let huge = #"{"a":""# + String(repeating: "x", count: 1 << 20) + #""}"#

        for form in [Self.field("metadata", huge) + Self.file("x"), Self.file("x") + Self.field("metadata", huge)] {
            let answer = try await api.upload(form + Self.end, type: Self.formType)

            #expect(answer.refusal == ["400", "413", "Payload too large"])
            #expect(answer.message?.contains("user_metadata") == true)
        }
    }

    @Test(arguments: ["not json", "[]", #"{"a":"\u0000"}"#])
    func metadataThatCannotBeReadIsIgnored(text: String) async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket()

        let form = try await api.upload(Self.field("metadata", text) + Self.file("x") + Self.end, type: Self.formType)
        let raw = try await api.upload(
            "x", to: "/object/b/raw", headers: [.named("x-metadata"): Data(text.utf8).base64EncodedString()])

        #expect(form.status == 200)
        #expect(raw.status == 200)
    }

    @Test func metadataInAHeaderComesBackInInfo() async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket()
        let metadata = Data(#"{"x":{"y":"ü"}}"#.utf8).base64EncodedString()

        try await api.upload("x", headers: [.named("x-metadata"): metadata])

        let info = try await api.get("/object/info/b/a.txt").object()
        #expect(info["metadata"] as? [String: [String: String]] == ["x": ["y": "ü"]])
    }

    @Test func withoutUpsertWhatIsThereStays() async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket()
        try await api.upload("first")

        let answer = try await api.upload("second")

        #expect(
            answer.body
                == #"{"statusCode":"409","error":"Duplicate","message":"The resource already exists","code":"KeyAlreadyExists"}"#)
        #expect(answer.status == 400)
        #expect(try await api.get("/object/b/a.txt").body == "first")
    }

    @Test func upsertAndPutReplace() async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket()
        try await api.upload("first")

        try await api.upload("second", headers: [.named("x-upsert"): "true"])
        #expect(try await api.get("/object/b/a.txt").body == "second")
        try await api.upload("third", method: .put)
        #expect(try await api.get("/object/b/a.txt").body == "third")
    }

    @Test func anythingButTrueIsNoUpsert() async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket()
        try await api.upload("first")

        #expect(try await api.upload("x", headers: [.named("x-upsert"): "TRUE"]).refusal == ["400", "409", "Duplicate"])
    }

    @Test func aRefusalSaysWhichRoleLacksWhat() async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket()

        let answer = try await api.upload("x", as: api.anonymous)

        #expect(answer.status == 400)
        #expect(
            answer.body
                == #"{"statusCode":"403","error":"Unauthorized","message":"new row violates row-level security policy","code":"AccessDenied","details":{"role":"anon","command":"INSERT","table":"storage.objects"}}"#
        )
    }

    @Test func anUnknownBucketIsNotFound() async throws {
        let api = try await SupabaseFixture()

        #expect(try await api.upload("x").refusal == ["400", "404", "Bucket not found"])
    }

    @Test func typesAndSizesOfTheBucketHold() async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket("b", #","file_size_limit":10,"allowed_mime_types":["image/png"]"#)

        #expect(try await api.upload("x").refusal == ["400", "415", "invalid_mime_type"])
        let large = try await api.upload(String(repeating: "x", count: 20), type: "image/png")
        #expect(large.refusal == ["400", "413", "Payload too large"])
        let form = try await api.upload(
            Self.file(String(repeating: "x", count: 20), type: "image/png") + Self.end, type: Self.formType)
        #expect(form.refusal == ["400", "413", "Payload too large"])
        #expect(try await api.get("/object/b/a.txt").message == "Object not found")
    }

    @Test func aForeignLengthHeaderDoesNotCount() async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket("b", #","file_size_limit":10"#)

        let answer = try await api.upload(
            String(repeating: "x", count: 20), headers: [.named("x-amz-decoded-content-length"): "1"])

        #expect(answer.refusal == ["400", "413", "Payload too large"])
    }

    @Test(arguments: ["/object/b/na%C3%AFve", "/object/b/a%23b", "/object/b/..%2Fetc", "/object/b/a%00b", "/object/b/"])
    func aBadKeyIsRefused(target: String) async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket()

        let answer = try await api.upload("x", to: target)

        #expect(answer.refusal == ["400", "400", "InvalidKey"])
    }

    @Test(arguments: ["/object/b/a%zz", "/object/b/%FF", "/object/b%2/a"])
    func aMalformedEscapeIsRefused(target: String) async throws {
        let api = try await SupabaseFixture()

        #expect(try await api.upload("x", to: target).refusal == ["400", "400", "Bad Request"])
    }

    @Test func keysWithSpecialCharactersAndEmptySegmentsAreKept() async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket()

        for (target, key) in [
            ("special%20file%20@+$,;=%3F.txt", "special file @+$,;=?.txt"), ("a///b", "a///b"), ("a%2Fb", "a/b"),
        ] {
            #expect(try await api.upload("x", to: "/object/b/\(target)").object()["Key"] as? String == "b/\(key)")
            #expect(try await api.get("/object/b/\(target)").body == "x")
        }
    }

    @Test func crawlerRulesAreKeptAndReplaced() async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket()
        let robots = HTTPField.Name.named("x-robots-tag")

        try await api.upload("x")
        #expect(try await api.get("/object/b/a.txt").headers[robots] == "none")
        try await api.upload("x", method: .put, headers: [robots: "max-snippet: 10, notranslate"])
        #expect(try await api.get("/object/b/a.txt").headers[robots] == "max-snippet: 10, notranslate")

        let bad = try await api.upload("x", method: .put, headers: [robots: "invalidrule"])
        #expect(bad.refusal == ["400", "400", "invalid_x_robots_tag"])
        #expect(bad.message == #"Invalid X-Robots-Tag header: Invalid X-Robots-Tag rule: "invalidrule""#)
    }

    @Test func aPlaceholderOfAFolderIsEmpty() async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket("b", #","allowed_mime_types":["image/png"]"#)

        #expect(try await api.upload("", to: "/object/b/f/.emptyFolderPlaceholder").status == 200)
        #expect(try await api.upload("x", to: "/object/b/g/.emptyFolderPlaceholder").status == 400)
    }

    @Test func aSignedURLUploadsOnceWithoutAToken() async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket()
        let signed = try await api.send(.post, "/object/upload/sign/b/s%20x.txt", token: api.service).object()
        let url = try #require(signed["url"] as? String)
        #expect(url.hasPrefix("/object/upload/sign/b/s x.txt?token="))
        let target = url.replacing(" ", with: "%20")

        let first = try await api.send(.put, target, token: nil, headers: [.contentType: "text/plain"], body: "one")
        let second = try await api.send(
            .put, target, token: nil, headers: [.contentType: "text/plain", .named("x-upsert"): "true"], body: "two")

        #expect(first.body == #"{"Key":"b/s x.txt"}"#)
        #expect(second.refusal == ["400", "409", "Duplicate"])
        #expect(try await api.get("/object/b/s%20x.txt").body == "one")
    }

    @Test func aURLSignedForUpsertReplaces() async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket()
        try await api.upload("old")
        let signed = try await api.send(
            .post, "/object/upload/sign/b/a.txt", token: api.service, headers: [.named("x-upsert"): "true"]
        ).object()

        let answer = try await api.send(.put, try #require(signed["url"] as? String), token: nil, body: "new")

        #expect(answer.status == 200)
        #expect(try await api.get("/object/b/a.txt").body == "new")
    }

    @Test func signingAnUploadLeavesNoRowAndChecksTheCaller() async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket()
        try await api.upload("taken")

        #expect(try await api.send(.post, "/object/upload/sign/b/new", token: api.service, body: "{}").status == 200)
        #expect(try await api.get("/object/b/new").message == "Object not found")
        #expect(
            try await api.send(.post, "/object/upload/sign/b/a.txt", token: api.service).refusal == ["400", "409", "Duplicate"])
        #expect(
            try await api.send(.post, "/object/upload/sign/b/new", token: api.anonymous).refusal == [
                "400", "403", "Unauthorized",
            ])
        #expect(try await api.send(.post, "/object/upload/sign/nowhere/new", token: api.service).status == 400)
    }

    @Test func aSignedUploadNeedsItsToken() async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket()

        let without = try await api.send(.put, "/object/upload/sign/b/k", token: api.service, body: "x")
        let garbage = try await api.send(.put, "/object/upload/sign/b/k?token=garbage", token: nil, body: "x")

        #expect(without.message == "querystring must have required property 'token'")
        #expect(garbage.refusal == ["400", "400", "InvalidJWT"])
    }
}
