// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore
import NIOCore
import Testing
import WireFormats

@testable import HTTPFrontends

/// What the heads of requests say: of the object, of its bytes, of a source.
struct S3RequestPartTests {
    @Test func aHeadSaysWhatIsKeptOfAnObject() throws {
        let fields = try S3ObjectFields([
            .contentType: "text/css", .contentEncoding: "gzip, aws-chunked", .cacheControl: "max-age=1", .amzTagging: "a=1&b=%26",
            .named("X-Amz-Meta-Color"): "red",
        ])
        #expect(fields.contentType == "text/css")
        #expect(fields.representation.contentEncoding == "gzip")
        #expect(fields.userMetadata.rawValue == #"{"color":"red"}"#)
        #expect(fields.tags.pairs.map(\.value) == ["1", "&"])
        #expect(try S3ObjectFields([.contentEncoding: "aws-chunked"]).representation.contentEncoding == nil)
        #expect(try S3ObjectFields(HTTPFields()).contentType == "binary/octet-stream")
    }

    @Test func tooMuchUserMetadataIsRefused() throws {
        func fields(_ count: Int) throws -> S3ObjectFields {
            try S3ObjectFields([.named("x-amz-meta-a"): String(repeating: "x", count: count)])
        }
        #expect(try fields(2047).userMetadata.rawValue.utf8.count > 2047)
        let error = #expect(throws: S3Error.self) { try fields(2048) }
        #expect(error?.code == "MetadataTooLarge")
    }

    @Test func conditionsOfAWriteAreReadFromTheHead() throws {
        #expect(try WriteCondition(HTTPFields()) == .none)
        #expect(try WriteCondition([.ifNoneMatch: "*"]) == .ifAbsent)
        #expect(try WriteCondition([.ifMatch: "\"a\""]) == .ifMatch(ObjectMatch(entityTags: ["\"a\""])))
        #expect(throws: S3Error.self) { try WriteCondition([.ifNoneMatch: "\"a\""]) }
        #expect(throws: S3Error.self) { try WriteCondition([.ifNoneMatch: "*", .ifMatch: "*"]) }
    }

    private func read(_ headers: HTTPFields, _ text: String, payload: PayloadHash = .unsigned) async throws -> S3BodyChecks {
        let checks = try S3BodyChecks(headers, payload: payload)
        for try await _ in checks.stream(ByteStream(ByteBuffer(string: text))).chunks {}
        return checks
    }

    @Test(arguments: ChecksumAlgorithm.allCases)
    func everyDigestOfTheHeadIsVerified(algorithm: ChecksumAlgorithm) async throws {
        let value = Checksum.of(Array("hello".utf8), algorithm)
        let headers: HTTPFields = [.named(algorithm.fieldName): value.base64]
        #expect(try await read(headers, "hello").checksum == (algorithm == .md5 ? nil : value))
        let error = await #expect(throws: S3Error.self) { try await read(headers, "hellO") }
        #expect(error?.code == "BadDigest")
    }

    @Test func theSignedDigestIsVerified() async throws {
        let payload = PayloadHash.digest(Checksum.of(Array("hello".utf8), .sha256))
        _ = try await read([:], "hello", payload: payload)
        let error = await #expect(throws: S3Error.self) { try await read([:], "hell", payload: payload) }
        #expect(error?.code == "XAmzContentSHA256Mismatch")
    }

    @Test(
        arguments: [
            ["content-md5": "nonsense"], ["content-md5": ""], ["x-amz-checksum-crc32": "AAAA"], ["x-amz-checksum-xxh3": "AAAA"],
            ["x-amz-checksum-crc32": "AAAAAA==", "x-amz-checksum-crc32c": "AAAAAA=="],
            ["x-amz-checksum-crc32": "AAAAAA==", "x-amz-sdk-checksum-algorithm": "SHA1"],
            ["x-amz-checksum-crc32": "AAAAAA==", "x-amz-trailer": "x-amz-checksum-crc32"],
            ["x-amz-trailer": "x-amz-checksum-foo"], ["x-amz-sdk-checksum-algorithm": "FOO"],
        ])
    func aHeadThatContradictsItselfIsRefused(fields: [String: String]) throws {
        var headers: HTTPFields = [:]
        for (name, value) in fields { headers[.named(name)] = value }
        #expect(throws: S3Error.self) { try S3BodyChecks(headers, payload: .unsigned) }
    }

    @Test(
        arguments: [
            ("/b/k", "b/k", nil), ("b/k", "b/k", nil), ("b/a%2Fb%3Fc", "b/a/b?c", nil), ("/b/k?versionId=null", "b/k", .null),
            ("b/a?b", "b/a?b", nil), ("b//k", "b//k", nil),
        ] as [(String, String, VersionID?)])
    func aSourceNamesAnObject(field: String, address: String, version: VersionID?) throws {
        let source = try S3CopySource([.amzCopySource: field])
        #expect(source.address.description == address)
        #expect(source.versionID == version)
    }

    @Test(arguments: ["", "/", "b", "b/", "/b", "b/%GG", "b/%FF", "b/k?versionId="])
    func aSourceThatNamesNothingIsRefused(field: String) {
        #expect(throws: (any Error).self) { try S3CopySource([.amzCopySource: field]) }
    }

    @Test(arguments: ["abc", "a-b.c1", "123", String(repeating: "a", count: 63)])
    func aNameOfDNSIsABuckets(name: String) throws { #expect(try S3BucketName.check(name).rawValue == name) }

    @Test(
        arguments: [
            "ab", "Abc", "a_b", "-ab", "ab-", "a..b", "a.-b", "a-.b", "192.168.0.1", "a b", "ü12",
            String(repeating: "a", count: 64), "",
        ])
    func anyOtherNameIsRefused(name: String) {
        #expect(throws: StorageError.self) { try S3BucketName.check(name) }
    }

    @Test func aLayoutOfPartsIsReadAsItWasWritten() throws {
        for sizes in [[5], [5, 5, 5, 1], [1, 2, 2, 3], [0], Array(repeating: 7, count: 10_000)] as [[Int64]] {
            let layout = PartLayout(sizes: sizes)
            #expect(PartLayout(text: layout.text) == layout)
        }
        #expect(PartLayout(sizes: [5, 5, 1]).text == "5*2,1")
        #expect(PartLayout(sizes: [5, 5, 1]).range(of: 3) == 10..<11)
        #expect(PartLayout(sizes: [5]).range(of: 2) == nil)
        for text in ["", "a", "5*", "*5", "5*0", "5*10001", "-1", "5*2*3", "5,,5"] { #expect(PartLayout(text: text) == nil) }
    }
}
