// SPDX-License-Identifier: Apache-2.0

import MediaTesting
import Testing
import WireFormats

@Suite struct CanonicalRequestTests {
    static func lines(
        path: String = "/", query: String? = nil, fields: [NamedValue] = [], form: CanonicalRequest.PathForm = .asSent
    ) throws -> [Substring] {
        let head = RequestHead(method: "GET", path: path, query: query, fields: fields)
        let names = Set(fields.map(\.name)).sorted()
        return try CanonicalRequest(head, signedFields: names, payload: "P", path: form).text
            .split(separator: "\n", omittingEmptySubsequences: false)
    }

    @Test(arguments: [
        ("", "/", "/"), ("/a%20b", "/a%20b", "/a%20b"), ("/a b", "/a b", "/a%20b"),
        ("/a+b!*'()", "/a+b!*'()", "/a%2Bb%21%2A%27%28%29"),
        ("//a/../b/./", "//a/../b/./", "//a/../b/./"), ("/é", "/é", "/%C3%A9"), ("/%c3%A9", "/%c3%A9", "/%C3%A9"),
        ("/100%", "/100%", "/100%25"), ("/a%2Fb", "/a%2Fb", "/a/b"), ("/%FF", "/%FF", "/%FF"),
    ])
    func pathsHaveTwoForms(_ path: String, _ raw: String, _ reencoded: String) throws {
        #expect(try Self.lines(path: path)[1] == raw)
        #expect(try Self.lines(path: path, form: .reencoded)[1] == reencoded)
    }

    @Test(arguments: [
        ("", ""), ("uploads", "uploads="), ("uploads=", "uploads="), ("b=2&a=1", "a=1&b=2"), ("a=2&a=1&a", "a=&a=1&a=2"),
        ("a-b=1&a=2", "a=2&a-b=1"), ("a%2Fb=%7e%21", "a%2Fb=~%21"), ("q=a+b", "q=a%20b"), ("q=a%2Bb", "q=a%2Bb"),
        ("&&a=1&", "a=1"),
        ("x=a=b", "x=a%3Db"), ("B=1&a=1&A=1", "A=1&B=1&a=1"), ("é=é", "%C3%A9=%C3%A9"), ("q=%FF", "q=%FF"),
        ("a=1&X-Amz-Signature=00&X-Amz-Date=d", "X-Amz-Date=d&a=1"), ("=1", "=1"),
    ])
    func queriesAreSortedByEncodedNameThenValue(_ query: String, _ canonical: String) throws {
        #expect(try Self.lines(query: query)[2] == canonical)
    }

    @Test(arguments: ["a=%", "%4", "a=%GG"])
    func aQueryWithBrokenEscapesHasNoForm(_ query: String) {
        #expect(throws: SigV4Error.malformedQuery) { try Self.lines(query: query) }
    }

    @Test func fieldsAreTrimmedFoldedAndJoined() throws {
        let fields = [
            NamedValue("X-Amz-Meta-A", "  a   b\t\tc "), NamedValue("Host", "h"), NamedValue("x-amz-meta-a", "d"),
            NamedValue("x-empty", " "),
        ]

        #expect(
            try Self.lines(fields: fields)[3...] == [
                "host:h", "x-amz-meta-a:a b c,d", "x-empty:", "", "host;x-amz-meta-a;x-empty", "P",
            ])
    }

    @Test func aSignedNameWithoutAFieldHasNoValue() throws {
        let head = RequestHead(method: "GET", path: "/", fields: [NamedValue("b", "")])

        #expect(try CanonicalRequest(head, signedFields: ["a", "b"], payload: "P").text == "GET\n/\n\na:\nb:\n\na;b\nP")
    }

    /// The signature was computed elsewhere, over the path `/b/a%20b%2Bc%24%C3%A9`.
    @Test func aClientThatSignsTheEscapedPathAndSendsAnotherIsVerified() throws {
        let head = RequestHead(
            method: "GET", path: "/b/a%20b+c$\u{E9}",
            fields: [
                NamedValue("host", "h"), NamedValue("x-amz-date", "20130524T000000Z"),
                NamedValue("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
                NamedValue(
                    "authorization",
                    "AWS4-HMAC-SHA256 Credential=\(SampleKeys.credential), SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature="
                        + "0cf39dc4e39b399835839ef12e7ac6feff4377b6bad95e6d4bb6c67c7b66cd72"),
            ])

        #expect(try verify(head) != nil)
    }
}

/// Generated requests: the seed in a failing test's name repeats it.
@Suite struct SigV4GeneratedTests {
    static func head(_ generator: inout SeededGenerator) -> RequestHead {
        let pairs = (0..<Int.random(in: 0...5, using: &generator)).map { _ in
            let name = PercentEncoding.encodeComponent("q" + randomText(&generator))
            return Bool.random(using: &generator) ? name : name + "=" + PercentEncoding.encodeComponent(randomText(&generator))
        }
        let metadata = (0..<Int.random(in: 0...4, using: &generator)).map {
            NamedValue("x-amz-meta-\($0 % 3)", randomText(&generator, alphabet: Array("ab  \té,=;\"")))
        }
        return RequestHead(
            method: ["GET", "PUT", "POST", "DELETE", "HEAD"].randomElement(using: &generator) ?? "GET",
            path: "/" + PercentEncoding.encodePath(randomText(&generator)),
            query: pairs.isEmpty ? nil : pairs.joined(separator: "&"),
            fields: [NamedValue("Host", "s3.example:9000")] + metadata)
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func whatIsSignedIsVerifiedUnlessChanged(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let payload = [PayloadHash.empty, .unsigned, .unsignedChunksAndTrailer].randomElement(using: &generator) ?? .empty
        let plain = Self.head(&generator)
        var signed = plain
        try SampleKeys.signer.sign(&signed, payload: payload, at: SampleKeys.time)
        let url = try SampleKeys.signer.presign(plain, expires: 100, at: SampleKeys.time)

        #expect(try verify(signed)?.payload == payload)
        #expect(try verify(url)?.carrier == .query(expires: 100))
        for request in [signed, url] {
            var changed = request
            changed.path += "x"
            #expect(throws: SigV4Error.mismatch) { try verify(changed) }
            changed = request
            changed.query = "more=1&" + (request.query ?? "")
            #expect(throws: SigV4Error.mismatch) { try verify(changed) }
            #expect(throws: SigV4Error.mismatch) { try verify(request, secret: "wrong") }
        }
    }

    @Test(arguments: 0..<500 as Range<UInt64>)
    func noAuthorizationIsVerifiedByChance(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let pieces = [
            "AWS4-HMAC-SHA256", " ", ",", "=", "Credential=", "SignedHeaders=", "Signature=", "host", ";", "/",
            SampleKeys.credential,
            "20130524", "aws4_request", String(repeating: "0", count: 64), "\0", "é", "x-amz-date",
        ]
        let text =
            "AWS4-"
            + (0..<Int.random(in: 0...14, using: &generator)).compactMap { _ in pieces.randomElement(using: &generator) }.joined()
        let head = RequestHead(
            method: "GET", path: "/",
            fields: [
                NamedValue("host", "h"), NamedValue("x-amz-date", "20130524T000000Z"),
                NamedValue("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
                NamedValue("authorization", text),
            ])

        #expect(throws: SigV4Error.self) { try verify(head) }
    }

    @Test(arguments: 0..<500 as Range<UInt64>)
    func noQueryIsVerifiedByChance(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let signed = try SampleKeys.signer.presign(
            RequestHead(method: "GET", path: "/", fields: [NamedValue("host", "h")]), expires: 60, at: SampleKeys.time)
        var parts = (signed.query ?? "").split(separator: "&").map(String.init)
        let place = Int.random(in: 0..<parts.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: parts.remove(at: place)
        case 1: parts.append(parts[place])
        case 2: parts[place] += randomText(&generator, alphabet: Array("%%&=+0aAé")) + "!"
        default: parts[place] = String(parts[place].dropLast(Int.random(in: 1...8, using: &generator)))
        }
        var head = signed
        head.query = parts.joined(separator: "&")
        // Without its algorithm and its signature a query has no signature at all: that is no error, but nobody's request.
        guard head.query?.contains("X-Amz-Algorithm=") == true || head.query?.contains("X-Amz-Signature=") == true else { return }

        #expect(throws: SigV4Error.self) { try verify(head) }
    }
}
