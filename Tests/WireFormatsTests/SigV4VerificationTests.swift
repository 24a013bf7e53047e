// SPDX-License-Identifier: Apache-2.0

import MediaTesting
import Testing
import WireFormats

@Suite struct SigV4VerificationTests {
    static func signed(_ change: (inout RequestHead) -> Void = { _ in }) throws -> RequestHead {
        var head = RequestHead(
            method: "PUT", path: "/bucket/key", query: "uploads",
            fields: [NamedValue("host", "s3.example"), NamedValue("x-amz-acl", "private")])
        try SampleKeys.signer.sign(&head, payload: .unsigned, at: SampleKeys.time)
        change(&head)
        return head
    }

    static func presigned(_ change: (inout RequestHead) -> Void = { _ in }) throws -> RequestHead {
        var head = RequestHead(method: "GET", path: "/bucket/key", query: "a=b", fields: [NamedValue("host", "s3.example")])
        head = try SampleKeys.signer.presign(head, expires: 60, at: SampleKeys.time)
        change(&head)
        return head
    }

    @Test func aRequestWithoutASignatureHasNone() throws {
        let plain = RequestHead(method: "GET", path: "/", fields: [NamedValue("host", "s3.example")])
        var other = plain
        other["authorization"] = "Bearer abc"

        #expect(try SignedRequest(plain) == nil)
        #expect(try SignedRequest(other) == nil)
    }

    @Test func whatWasReadIsWhatWasSigned() throws {
        let request = try #require(try verify(Self.signed()))

        #expect(request.credential.description == SampleKeys.credential)
        #expect(request.signedFields == ["host", "x-amz-acl", "x-amz-content-sha256", "x-amz-date"])
        #expect(request.time == SampleKeys.time)
        #expect(request.carrier == .field)
        #expect(request.payload == .unsigned)
        #expect(request.sessionToken == nil)
    }

    @Test func theTokenIsSignedAndRead() throws {
        let signer = RequestSigner(
            credentials: .init(accessKeyID: "tenant/one", secretAccessKey: "s", sessionToken: "to+ken/=="), region: "")
        var head = RequestHead(method: "GET", path: "/b", fields: [NamedValue("host", "s3.example")])
        let url = try signer.presign(head, expires: 1, at: SampleKeys.time)
        try signer.sign(&head, payload: .empty, at: SampleKeys.time)

        for request in [head, url] {
            let signed = try #require(try verify(request, secret: "s"))
            #expect(signed.sessionToken == "to+ken/==")
            #expect(signed.credential.accessKeyID == "tenant/one")
            #expect(signed.credential.scope.region == "")
        }
    }

    @Test(
        arguments: [
            { $0.method = "GET" }, { $0.path = "/bucket/other" }, { $0.query = "uploads&x" }, { $0.query = nil },
            { $0["host"] = "other.example" }, { $0["x-amz-acl"] = "public-read" }, { $0["x-amz-acl"] = nil },
            { $0["x-amz-content-sha256"] = "STREAMING-UNSIGNED-PAYLOAD-TRAILER" }, { $0["x-amz-date"] = "20130524T000001Z" },
            { $0["host"] = nil }, { $0.fields.append(NamedValue("host", "s3.example")) },
            { $0["authorization"] = $0["authorization"]?.replacing("us-east-1", with: "us-east-2") },
        ] as [@Sendable (inout RequestHead) -> Void])
    func aChangedRequestDoesNotMatch(_ change: @Sendable (inout RequestHead) -> Void) throws {
        let head = try Self.signed(change)

        #expect(throws: SigV4Error.mismatch) { try verify(head) }
    }

    @Test(
        arguments: [
            { $0.method = "HEAD" }, { $0.path = "/bucket/other" }, { $0.query?.replace("a=b", with: "a=c") },
            { $0.query?.replace("Expires=60", with: "Expires=61") }, { $0.query?.replace("us-east-1", with: "us-east-2") },
            { $0["host"] = "other.example" }, { $0.query? += "&x=y" },
        ] as [@Sendable (inout RequestHead) -> Void])
    func aChangedURLDoesNotMatch(_ change: @Sendable (inout RequestHead) -> Void) throws {
        let head = try Self.presigned(change)

        #expect(throws: SigV4Error.mismatch) { try verify(head) }
    }

    @Test func anotherSecretOrScopeDoesNotMatch() throws {
        let head = try Self.signed()
        let signed = try #require(try SignedRequest(head))
        let other = SigningKey(
            secretAccessKey: SampleKeys.secret, scope: CredentialScope(day: "20130524", region: "us-east-1", service: "s3vectors")
        )

        #expect(throws: SigV4Error.mismatch) { try verify(head, secret: "another") }
        #expect(throws: SigV4Error.mismatch) { try signed.verify(head, key: other, now: SampleKeys.time) }
    }

    @Test(arguments: [-901, -900, 0, 900, 901] as [Int64])
    func aClockMayBeFifteenMinutesOff(_ seconds: Int64) throws {
        let head = try Self.signed()
        let now = SigningTime(secondsSince1970: SampleKeys.time.secondsSince1970 + seconds)

        if abs(seconds) <= 900 {
            try verify(head, now: now)
        } else {
            #expect(throws: SigV4Error.timeTooSkewed) { try verify(head, now: now) }
        }
    }

    @Test(arguments: [(-901 as Int64, SigV4Error.notYetValid), (-900, nil), (60, nil), (61, .expired), (1000, .expired)])
    func aURLIsGoodUntilItExpires(_ seconds: Int64, _ error: SigV4Error?) throws {
        let head = try Self.presigned()
        let now = SigningTime(secondsSince1970: SampleKeys.time.secondsSince1970 + seconds)

        if let error {
            #expect(throws: error) { try verify(head, now: now) }
        } else {
            try verify(head, now: now)
        }
    }

    @Test func fieldsOfAmazonMustBeSigned() throws {
        let head = try Self.signed {
            $0.fields += [
                NamedValue("X-Amz-Tagging", "a=b"), NamedValue("x-amz-meta-b", "c"), NamedValue("x-amzn-trace-id", "1"),
            ]
        }
        let url = try Self.presigned { $0.fields += [NamedValue("x-amz-acl", "public-read"), NamedValue("range", "bytes=0-1")] }

        #expect(throws: SigV4Error.unsignedFields(["x-amz-meta-b", "x-amz-tagging"])) { try verify(head) }
        #expect(throws: SigV4Error.unsignedFields(["x-amz-acl"])) { try verify(url) }
    }

    @Test func aURLsBodyIsReadAsSignedOnly() throws {
        let url = try Self.presigned { $0["x-amz-content-sha256"] = "STREAMING-UNSIGNED-PAYLOAD-TRAILER" }
        #expect(try verify(url)?.payload == .unsigned)

        var head = RequestHead(
            method: "PUT", path: "/b/k", query: "X-Amz-Content-Sha256=\(PayloadHash.empty.text)",
            fields: [NamedValue("host", "h")])
        head = try SampleKeys.signer.presign(head, expires: 60, at: SampleKeys.time)
        // The signer takes a URL's body for unsigned, the text says otherwise.
        #expect(try SignedRequest(head)?.payload == .empty)
        #expect(throws: SigV4Error.mismatch) { try verify(head) }
    }

    @Test(arguments: [
        "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 ", "AWS4-ECDSA-P256-SHA256 Credential=C,SignedHeaders=host,Signature=S",
        "AWS4-HMAC-SHA256 Credential=C,SignedHeaders=host",
        "AWS4-HMAC-SHA256 Credential=C,Credential=C,SignedHeaders=host,Signature=S",
        "AWS4-HMAC-SHA256 Credential=C,SignedHeaders=host,Signature=S,",
        "AWS4-HMAC-SHA256 Credential=C,SignedHeaders=host,Signature=S,More=x",
        "AWS4-HMAC-SHA256 Credential=C,SignedHeaders=range,Signature=S",
        "AWS4-HMAC-SHA256 Credential=C,SignedHeaders=host;host,Signature=S",
        "AWS4-HMAC-SHA256 Credential=C,SignedHeaders=host;,Signature=S",
        "AWS4-HMAC-SHA256 Credential=C,SignedHeaders=host; a,Signature=S",
        "AWS4-HMAC-SHA256 Credential=C,SignedHeaders=host,Signature=",
        "AWS4-HMAC-SHA256 Credential=C,SignedHeaders=host,Signature=S0",
        "AWS4-HMAC-SHA256 Credential=id/20130524/r/s3,SignedHeaders=host,Signature=S",
        "AWS4-HMAC-SHA256 Credential=/20130524/r/s3/aws4_request,SignedHeaders=host,Signature=S",
        "AWS4-HMAC-SHA256 Credential=id/2013052/r/s3/aws4_request,SignedHeaders=host,Signature=S",
        "AWS4-HMAC-SHA256 Credential=id/20130532/r/s3/aws4_request,SignedHeaders=host,Signature=S",
        "AWS4-HMAC-SHA256 Credential=id/20130524/r/ec2/aws4_request,SignedHeaders=host,Signature=S",
        "AWS4-HMAC-SHA256 Credential=id/20130524/r/s3/aws5_request,SignedHeaders=host,Signature=S",
        "AWS4-HMAC-SHA256 Credential=id/20130525/r/s3/aws4_request,SignedHeaders=host,Signature=S",
    ])
    func aMalformedAuthorizationIsRefused(_ text: String) throws {
        let signature = String(repeating: "0", count: 64)
        let field = text.replacing("=C,", with: "=\(SampleKeys.credential),").replacing(
            "Signature=S", with: "Signature=\(signature)")
        let head = try Self.signed { $0["authorization"] = field }

        #expect { try SignedRequest(head) } throws: { error in
            if case SigV4Error.malformedAuthorization = error { true } else { false }
        }
    }

    @Test func blanksBetweenThePartsOfAnAuthorizationAreFree() throws {
        let head = try Self.signed { $0["authorization"]?.replace(", ", with: " ,\t ") }

        try verify(head)
    }

    @Test(arguments: [
        ("X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Algorithm=AWS4"),
        ("X-Amz-Expires=60", "X-Amz-Expires=604801"),
        ("X-Amz-Expires=60", "X-Amz-Expires=x"),
        ("X-Amz-Expires=60", "X-Amz-Expires=99999999999999999999"), ("X-Amz-Expires=60", "a=b"), ("X-Amz-Date=", "a="),
        ("X-Amz-Credential=", "a="), ("X-Amz-Signature=", "a="), ("X-Amz-Algorithm=", "a="), ("X-Amz-SignedHeaders=host", "a=b"),
        ("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=range"), ("X-Amz-Date=20130524", "X-Amz-Date=20130525"),
        ("X-Amz-Expires=60", "X-Amz-Expires=60&X-Amz-Expires=61"), ("X-Amz-Signature=", "X-Amz-Signature=0"),
    ])
    func aMalformedURLIsRefused(_ part: String, _ other: String) throws {
        let head = try Self.presigned { $0.query?.replace(part, with: other) }

        #expect { try SignedRequest(head) } throws: { error in
            if case SigV4Error.malformedQueryAuthorization = error { true } else { false }
        }
    }

    @Test(arguments: [-1, 0])
    func aURLWhoseTimeEndsBeforeItBeginsHasExpired(seconds: Int) throws {
        let head = try Self.presigned { $0.query?.replace("X-Amz-Expires=60", with: "X-Amz-Expires=\(seconds)") }

        #expect(throws: SigV4Error.expired) { try SignedRequest(head) }
    }

    @Test func theErrorsOfOtherFieldsHaveTheirOwnNames() throws {
        let noDate = try Self.signed { $0["x-amz-date"] = nil }
        let noHash = try Self.signed { $0["x-amz-content-sha256"] = nil }
        let badHash = try Self.signed { $0["x-amz-content-sha256"] = "abc" }
        let badQuery = try Self.signed { $0.query = "a=%4" }
        let both = try Self.presigned { $0["authorization"] = "AWS4-HMAC-SHA256 x" }
        let twice = try Self.signed { $0.fields.append(NamedValue("x-amz-date", "20130524T000000Z")) }

        #expect(throws: SigV4Error.missingDate) { try verify(noDate) }
        #expect(throws: SigV4Error.missingPayloadHash) { try verify(noHash) }
        #expect(throws: SigV4Error.invalidPayloadHash) { try verify(badHash) }
        #expect(throws: SigV4Error.malformedQuery) { try verify(badQuery) }
        #expect { try verify(both) } throws: { if case SigV4Error.ambiguous = $0 { true } else { false } }
        #expect { try verify(twice) } throws: { if case SigV4Error.ambiguous = $0 { true } else { false } }
    }

    @Test func theDateFieldServesWhereAmazonsIsMissing() throws {
        // What a client signs that sends `date` alone: its own canonical request with the key it has.
        var head = RequestHead(
            method: "GET", path: "/",
            fields: [
                NamedValue("host", "h"), NamedValue("date", "Fri, 24 May 2013 00:00:00 GMT"),
                NamedValue("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
                NamedValue(
                    "authorization",
                    "AWS4-HMAC-SHA256 Credential=\(SampleKeys.credential), SignedHeaders=date;host;x-amz-content-sha256, Signature="
                        + "0f842883e2b6e77cd6464a582b91243f5fca99097d6fe114d526d3723cc89d15"),
            ])
        #expect(try verify(head)?.time == SampleKeys.time)
        head["date"] = "Saturday"
        #expect(throws: SigV4Error.missingDate) { try SignedRequest(head) }
    }

    @Test func theSignerRefusesWhatNobodyCouldVerify() throws {
        var noHost = RequestHead(method: "GET", path: "/", fields: [])
        let head = RequestHead(method: "GET", path: "/", fields: [NamedValue("host", "h")])

        #expect(throws: SigV4Error.unsignedFields(["host"])) {
            try SampleKeys.signer.sign(&noHost, payload: .empty, at: SampleKeys.time)
        }
        #expect(noHost.fields.isEmpty)
        for expires in [0, -1, 604_801] as [Int64] {
            #expect { try SampleKeys.signer.presign(head, expires: expires, at: SampleKeys.time) } throws: {
                if case SigV4Error.malformedQueryAuthorization = $0 { true } else { false }
            }
        }
    }

    @Test func signingAgainReplacesTheSignature() throws {
        var head = try Self.signed()
        let once = head.fields.count
        try SampleKeys.signer.sign(&head, payload: .empty, at: SigningTime(secondsSince1970: 1_369_353_601))

        #expect(head.fields.count == once)
        #expect(try verify(head)?.payload == .empty)
    }

    @Test func secretsAreNotPrinted() {
        let key = SigningKey(secretAccessKey: SampleKeys.secret, scope: CredentialScope(day: "20130524", region: "r"))

        #expect("\(key)" == "SigningKey(20130524/r/s3/aws4_request)")
        #expect(String(reflecting: key) == "\(key)")
        #expect("\(SampleKeys.credentials)" == "Credentials(\(SampleKeys.id))")
        #expect(!String(reflecting: SampleKeys.signer).contains(SampleKeys.secret))
    }
}
