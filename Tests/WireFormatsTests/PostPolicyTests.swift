// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaTesting
import Testing
import WireFormats

@Suite struct PostPolicyTests {
    /// The example of Amazon's documentation of uploads from browsers.
    static let example = """
        { "expiration": "2015-12-30T12:00:00.000Z",
          "conditions": [
            {"bucket": "sigv4examplebucket"},
            ["starts-with", "$key", "user/user1/"],
            {"acl": "public-read"},
            {"success_action_redirect": "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"},
            ["starts-with", "$Content-Type", "image/"],
            {"x-amz-meta-uuid": "14365123651274"},
            {"x-amz-server-side-encryption": "AES256"},
            ["starts-with", "$x-amz-meta-tag", ""],

            {"x-amz-credential": "\(SampleKeys.id)/20151229/us-east-1/s3/aws4_request"},
            {"x-amz-algorithm": "AWS4-HMAC-SHA256"},
            {"x-amz-date": "20151229T000000Z" }
          ]
        }
        """.replacing("\n", with: "\r\n")

    static let fields = [
        NamedValue("bucket", "sigv4examplebucket"), NamedValue("key", "user/user1/${filename}"), NamedValue("acl", "public-read"),
        NamedValue("success_action_redirect", "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"),
        NamedValue("Content-Type", "image/jpeg"), NamedValue("x-amz-meta-uuid", "14365123651274"),
        NamedValue("x-amz-server-side-encryption", "AES256"), NamedValue("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
        NamedValue("X-Amz-Credential", "\(SampleKeys.id)/20151229/us-east-1/s3/aws4_request"),
        NamedValue("X-Amz-Date", "20151229T000000Z"),
        NamedValue("x-amz-meta-tag", "any"), NamedValue("Policy", base64(example)),
        NamedValue("X-Amz-Signature", "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e"),
        NamedValue("x-ignore-me", "1"),
    ]

    static let now = SigningTime(secondsSince1970: 1_451_476_799)

    static func base64(_ text: String) -> String { Data(text.utf8).base64EncodedString() }

    static func policy(_ conditions: String, expiration: String = "2015-12-30T12:00:00Z") throws(PostPolicyError) -> PostPolicy {
        try PostPolicy(base64: base64("{\"expiration\": \"\(expiration)\", \"conditions\": [\(conditions)]}"))
    }

    @Test func thePublishedFormIsAccepted() throws {
        let signature = try #require(try PostSignature(Self.fields))

        try signature.verify(policy: Self.base64(Self.example), secretAccessKey: SampleKeys.secret)
        try PostPolicy(base64: Self.base64(Self.example)).check(Self.fields, now: Self.now)
        #expect(signature.accessKeyID == SampleKeys.id)
    }

    /// The signature was computed elsewhere.
    @Test func aFormOfVersionTwoIsAccepted() throws {
        let fields = [NamedValue("AWSAccessKeyId", SampleKeys.id), NamedValue("signature", "QyigO3Da7gYxPW1IXllc6C7gI74=")]
        let signature = try #require(try PostSignature(fields))

        try signature.verify(policy: Self.base64(Self.example), secretAccessKey: SampleKeys.secret)
        #expect(signature.accessKeyID == SampleKeys.id)
        #expect(throws: PostPolicyError.signatureMismatch) {
            try signature.verify(policy: Self.base64(Self.example), secretAccessKey: "another")
        }
    }

    @Test func aChangedPolicyOrKeyDoesNotMatch() throws {
        let signature = try #require(try PostSignature(Self.fields))
        let other = Self.base64(Self.example.replacing("public-read", with: "private"))

        #expect(throws: PostPolicyError.signatureMismatch) {
            try signature.verify(policy: other, secretAccessKey: SampleKeys.secret)
        }
        #expect(throws: PostPolicyError.signatureMismatch) {
            try signature.verify(policy: Self.base64(Self.example), secretAccessKey: "another")
        }
    }

    @Test(arguments: ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature"])
    func everyFieldOfTheSignatureIsNeededOnce(_ name: String) {
        let field = NamedValue(name, "x")
        let rest = Self.fields.filter { $0.name != field.name }

        #expect(throws: PostPolicyError.missingField(field.name)) { try PostSignature(rest) }
        #expect(throws: PostPolicyError.malformedField(field.name)) { try PostSignature(rest + [field]) }
        #expect(throws: PostPolicyError.malformedField(field.name)) { try PostSignature(Self.fields + [field]) }
    }

    @Test func aFormWithoutASignatureIsNobodysUnlessItHasAPolicy() throws {
        #expect(try PostSignature([NamedValue("key", "a")]) == nil)
        #expect(throws: PostPolicyError.missingField("x-amz-signature")) { try PostSignature([NamedValue("policy", "a")]) }
        #expect(throws: PostPolicyError.missingField("signature")) { try PostSignature([NamedValue("AWSAccessKeyId", "a")]) }
        #expect(throws: PostPolicyError.missingField("awsaccesskeyid")) { try PostSignature([NamedValue("signature", "AAAA")]) }
        #expect(throws: PostPolicyError.malformedField("signature")) {
            try PostSignature([NamedValue("AWSAccessKeyId", "a"), NamedValue("signature", "?")])
        }
    }

    @Test func aPolicyEndsAtItsExpiration() throws {
        let policy = try Self.policy("{\"bucket\": \"b\"}")
        let fields = [NamedValue("bucket", "b")]

        try policy.check(fields, now: Self.now)
        #expect(throws: PostPolicyError.expired) {
            try policy.check(fields, now: SigningTime(secondsSince1970: 1_451_476_800))
        }
    }

    @Test(arguments: [
        ("{\"acl\": \"private\"}", "private"), ("{\"ACL\": \"private\"}", "private"),
        ("[\"eq\", \"$acl\", \"private\"]", "private"),
        ("[\"EQ\", \"$aCl\", \"private\"]", "private"), ("[\"starts-with\", \"$acl\", \"priv\"]", "private"),
        ("[\"StArTs-WiTh\", \"$acl\", \"\"]", ""), ("[\"eq\", \"$acl\", \"\\u00e9\\n$\"]", "é\n$"),
    ])
    func aMetConditionAllowsItsField(_ condition: String, _ value: String) throws {
        try Self.policy(condition).check([NamedValue("acl", value)], now: Self.now)
    }

    @Test(arguments: [
        ("{\"acl\": \"private\"}", "public"), ("{\"acl\": \"private\"}", "Private"), ("[\"eq\", \"$acl\", \"p\"]", "pp"),
        ("[\"starts-with\", \"$acl\", \"priv\"]", "public"), ("{\"acl\": \"\\u00e9\"}", "e\u{301}"),
        ("[\"starts-with\", \"$acl\", \"e\"]", "é"),
    ])
    func anUnmetConditionIsRefused(_ condition: String, _ value: String) throws {
        let policy = try Self.policy(condition)

        #expect { try policy.check([NamedValue("acl", value)], now: Self.now) } throws: {
            if case PostPolicyError.conditionFailed = $0 { true } else { false }
        }
    }

    @Test func aMissingFieldIsNoEmptyOne() throws {
        #expect(throws: PostPolicyError.conditionFailed("eq $acl")) {
            try Self.policy("{\"acl\": \"\"}").check([], now: Self.now)
        }
        #expect(throws: PostPolicyError.conditionFailed("starts-with $acl")) {
            try Self.policy("[\"starts-with\", \"$acl\", \"a\"]").check([], now: Self.now)
        }
        try Self.policy("[\"starts-with\", \"$acl\", \"\"]").check([], now: Self.now)
    }

    @Test func everyTypeOfSeveralIsCompared() throws {
        let policy = try Self.policy("[\"starts-with\", \"$Content-Type\", \"image/\"]")

        try policy.check([NamedValue("content-type", "image/png, image/jpeg")], now: Self.now)
        #expect(throws: PostPolicyError.conditionFailed("starts-with $content-type")) {
            try policy.check([NamedValue("content-type", "image/png,text/html")], now: Self.now)
        }
    }

    @Test func aFieldNobodySpokeOfOrSentTwiceIsRefused() throws {
        let policy = try Self.policy("{\"acl\": \"a\"}")

        #expect(throws: PostPolicyError.unexpectedField("bucket")) {
            try policy.check([NamedValue("acl", "a"), NamedValue("bucket", "b")], now: Self.now)
        }
        #expect(throws: PostPolicyError.malformedField("acl")) {
            try policy.check([NamedValue("acl", "a"), NamedValue("ACL", "b")], now: Self.now)
        }
    }

    @Test func theFilesSizeIsInAllRanges() throws {
        let policy = try Self.policy(
            "{\"acl\": \"a\"}, [\"content-length-range\", 10, 100], [\"Content-Length-Range\", \"5\", \"50\"]")

        #expect(policy.contentLength == 10...50)
        try policy.check(byteCount: 10)
        try policy.check(byteCount: 50)
        #expect(throws: PostPolicyError.tooSmall(minimum: 10)) { try policy.check(byteCount: 9) }
        #expect(throws: PostPolicyError.tooLarge(limit: 50)) { try policy.check(byteCount: 51) }
        #expect(try Self.policy("{\"acl\": \"a\"}").contentLength == 0...Int64.max)
    }

    @Test(arguments: [
        "", "[]", "{}", "null", "{\"conditions\": [{\"a\": \"b\"}]}", "{\"expiration\": \"2015-12-30T12:00:00Z\"}",
        "{\"EXPIRATION\": \"2015-12-30T12:00:00Z\", \"conditions\": [{\"a\": \"b\"}]}",
        "{\"expiration\": \"2015-12-30T12:00:00Z\", \"CONDITIONS\": [{\"a\": \"b\"}]}",
        "{\"expiration\": \"2015-12-30T12:00:00Z\", \"conditions\": []}",
        "{\"expiration\": \"2015-12-30T12:00:00Z\", \"conditions\": {}}",
        "{\"expiration\": \"2015-12-30 12:00:00\", \"conditions\": [{\"a\": \"b\"}]}",
        "{\"expiration\": 1, \"conditions\": [{\"a\": \"b\"}]}",
    ])
    func aMalformedPolicyIsRefused(_ text: String) {
        #expect { try PostPolicy(base64: Self.base64(text)) } throws: {
            if case PostPolicyError.malformed = $0 { true } else { false }
        }
    }

    @Test(arguments: [
        "{}", "[]", "1", "\"a\"", "null", "{\"a\": 1}", "[\"eq\", \"$a\"]", "[\"eq\", \"a\", \"b\"]", "[\"eq\", \"$a\", 1]",
        "[\"ends-with\", \"$a\", \"b\"]", "[\"content-length-range\", 0]", "[\"content-length-range\", -1, 0]",
        "[\"content-length-range\", 2, 1]", "[\"content-length-range\", 0, 1.5]", "[\"content-length-range\", 0, \"x\"]",
        "[\"content-length-range\", 0, 1, 2]", "[\"eq\", \"$a\", \"b\", \"c\"]", "[[\"eq\", \"$a\", \"b\"]]",
        "[\"content-length-range\", 0, 99999999999999999999]",
    ])
    func aMalformedConditionIsRefused(_ condition: String) {
        #expect { try Self.policy(condition) } throws: { if case PostPolicyError.malformed = $0 { true } else { false } }
    }

    @Test func aPolicyThatIsTooLargeOrNoBase64IsRefused() {
        let large = Self.base64(String(repeating: " ", count: PostPolicy.maxBytes))

        for text in [large, "?", "e30", String(repeating: "[", count: 20_000)] {
            #expect { try PostPolicy(base64: text) } throws: { if case PostPolicyError.malformed = $0 { true } else { false } }
        }
        #expect { try PostPolicy(base64: Self.base64(String(repeating: "[", count: 15_000))) } throws: {
            if case PostPolicyError.malformed = $0 { true } else { false }
        }
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func anyTextIsAPolicyOrRefused(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let pieces = [
            "{", "}", "[", "]", ",", ":", "\"", "\"expiration\":", "\"conditions\":", "\"2015-12-30T12:00:00Z\"", "\"eq\"",
            "\"$a\"", "1", "-1",
            "\\u", "\"content-length-range\"", " ", "null", "{\"a\":\"b\"}",
        ]
        let text = (0..<Int.random(in: 0...30, using: &generator)).compactMap { _ in pieces.randomElement(using: &generator) }
            .joined()

        do throws(PostPolicyError) {
            let policy = try PostPolicy(base64: Self.base64(text))
            #expect(!policy.conditions.isEmpty)
        } catch {
            #expect(throws: error) { try PostPolicy(base64: Self.base64(text)) }
        }
    }
}
