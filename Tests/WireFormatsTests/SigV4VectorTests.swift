// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing
import WireFormats

/// The examples of Amazon's documentation of Signature Version 4 for S3.
@Suite struct SigV4VectorTests {
    struct Example: Sendable {
        var method = "GET"
        var path = "/"
        var query: String?
        var more: [NamedValue] = []
        var payload = PayloadHash.empty
        var signature: String

        var head: RequestHead {
            RequestHead(
                method: method, path: path, query: query, fields: [NamedValue("Host", "examplebucket.s3.amazonaws.com")] + more)
        }
    }

    static let examples = [
        Example(
            path: "/test.txt", more: [NamedValue("Range", "bytes=0-9")],
            signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        Example(
            method: "PUT", path: "/test%24file.text",
            more: [NamedValue("Date", "Fri, 24 May 2013 00:00:00 GMT"), NamedValue("x-amz-storage-class", "REDUCED_REDUNDANCY")],
            payload: .digest(Checksum.of("Welcome to Amazon S3.".utf8, .sha256)),
            signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
        Example(query: "lifecycle", signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        Example(query: "max-keys=2&prefix=J", signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ]

    @Test(arguments: examples)
    func requestsHaveThePublishedSignatureAndAreVerified(_ example: Example) throws {
        var head = example.head
        try SampleKeys.signer.sign(&head, payload: example.payload, at: SampleKeys.time)

        #expect(head.authorizationSignature == example.signature[...])
        #expect(try verify(head)?.payload == example.payload)
    }

    @Test func thePresignedExampleHasThePublishedSignatureAndIsVerified() throws {
        let head = RequestHead(
            method: "GET", path: "/test.txt", fields: [NamedValue("host", "examplebucket.s3.amazonaws.com")])
        let signed = try SampleKeys.signer.presign(head, expires: 86_400, at: SampleKeys.time)

        #expect(
            signed.query == "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=\(SampleKeys.id)%2F20130524%2Fus-east-1%2Fs3%2F"
                + "aws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
                + "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")
        #expect(try verify(signed)?.carrier == .query(expires: 86_400))
    }

    /// 65 KiB of the letter a.
    static let chunked = [
        NamedValue("Host", "s3.amazonaws.com"), NamedValue("Content-Encoding", "aws-chunked"),
        NamedValue("x-amz-decoded-content-length", "66560"), NamedValue("x-amz-storage-class", "REDUCED_REDUNDANCY"),
    ]
    static let chunks = [65_536, 1024].map { ByteBuffer(repeating: UInt8(ascii: "a"), count: $0) }

    static func encode(_ form: AWSChunkedForm, trailer: [NamedValue] = []) -> String {
        var encoder = AWSChunkedEncoder(form)
        let body = chunks.flatMap { encoder.chunk($0) } + [encoder.end(trailer: trailer)]
        return body.map { String(buffer: $0) }.joined()
    }

    static func written(_ signatures: [String], trailer: String = "") -> String {
        zip(chunks.map { String(buffer: $0) + "\r\n" } + [trailer + "\r\n"], signatures).map { content, signature in
            let size = content.utf8.count - 2
            return String(content.hasPrefix("a") ? size : 0, radix: 16) + ";chunk-signature=\(signature)\r\n" + content
        }.joined()
    }

    @Test func theChunkedExampleHasThePublishedSignatures() throws {
        var head = RequestHead(method: "PUT", path: "/examplebucket/chunkObject.txt", fields: Self.chunked)
        head["content-length"] = "66824"
        let chain = try SampleKeys.signer.sign(&head, payload: .signedChunks, at: SampleKeys.time)
        let body = Self.encode(.signed(chain))

        #expect(head.authorizationSignature == "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9")
        #expect(
            body
                == Self.written([
                    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
                    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
                    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
                ]))
        #expect(body.utf8.count == 66_824)

        let signed = try #require(try SignedRequest(head))
        let verified = try signed.verify(head, key: SampleKeys.key(signed.credential), now: SampleKeys.time)
        let form = try #require(AWSChunkedForm(signed.payload, signatures: verified))
        let read = try readChunked([ByteBuffer(string: body)], form, decodedLength: 66_560)
        #expect(read.bytes.readableBytes == 66_560 && read.trailer.isEmpty)
    }

    @Test func theTrailerExampleHasThePublishedSignatures() throws {
        var head = RequestHead(method: "PUT", path: "/examplebucket/chunkObject.txt", fields: Self.chunked)
        head["x-amz-trailer"] = "x-amz-checksum-crc32c"
        let chain = try SampleKeys.signer.sign(&head, payload: .signedChunksAndTrailer, at: SampleKeys.time)
        var checksum = Checksum(.crc32c)
        for chunk in Self.chunks { checksum.update(chunk) }
        let trailer = [NamedValue(ChecksumAlgorithm.crc32c.fieldName, checksum.value.base64)]
        let body = Self.encode(.signedTrailer(chain), trailer: trailer)

        #expect(head.authorizationSignature == "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e")
        #expect(
            body
                == Self.written(
                    [
                        "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
                        "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
                        "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
                    ],
                    trailer: "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:"
                        + "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n"))

        let signed = try #require(try SignedRequest(head))
        let verified = try signed.verify(head, key: SampleKeys.key(signed.credential), now: SampleKeys.time)
        let form = try #require(AWSChunkedForm(signed.payload, signatures: verified))
        let read = try readChunked(
            [ByteBuffer(string: body)], form, decodedLength: 66_560, announced: ["x-amz-checksum-crc32c"])
        #expect(read.trailer == trailer)
    }
}
