// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Testing

@testable import HTTPFrontends

/// Where a request points.
struct S3TargetTests {
    @Test(
        arguments: [
            ("/s3", nil, nil), ("/s3/", nil, nil), ("/s3/b", "b", nil), ("/s3/b/", "b", nil), ("/s3/b/k", "b", "k"),
            ("/storage/v1/s3/b/a//b/?x=1", "b", "a//b/"), ("/s3/b//k", "b", "/k"), ("/s3/b/%2F%3F", "b", "%2F%3F"),
            ("/s3?max-buckets=1", nil, nil), ("/s3/b/s3/../k", "b", "s3/../k"),
        ] as [(String, String?, String?)])
    func aPathNamesABucketAndAKey(path: String, bucket: String?, key: String?) throws {
        let target = try #require(S3Target(head(path), domain: nil))
        #expect(target.rawBucket == bucket)
        #expect(target.rawKey == key)
    }

    @Test(arguments: ["/", "/s3x", "/object/s3/b", "/storage/v1/s", "/storage/v1/s3x/b", "/bucket"])
    func otherPathsBelongToOthers(path: String) {
        #expect(S3Target(head(path), domain: nil) == nil)
        #expect(S3Target(head(path), domain: "s3.example.com") == nil)
    }

    @Test(
        arguments: [
            ("b.s3.example.com", "/", "b", nil), ("b.s3.example.com:9000", "/k", "b", "k"),
            ("a.b.S3.Example.COM", "/s3/k", "a.b", "s3/k"), ("s3.example.com", "/b/k", "b", "k"),
            ("s3.example.com", "/", nil, nil), ("s3.example.com", "/s3/b/k", "b", "k"),
        ] as [(String, String, String?, String?)])
    func belowItsDomainAHostNamesTheBucket(host: String, path: String, bucket: String?, key: String?) throws {
        let target = try #require(S3Target(head(path, host: host), domain: "s3.example.com"))
        #expect(target.rawBucket == bucket)
        #expect(target.rawKey == key)
    }

    @Test func aSignedRequestIsThisDialectsWhereverItGoes() throws {
        var signed = head("/object/key")
        signed.headerFields[.authorization] = "AWS4-HMAC-SHA256 Credential=a"
        #expect(S3Target(signed, domain: nil)?.rawBucket == "object")
        signed.headerFields[.authorization] = "Bearer AWS4-HMAC-SHA256"
        #expect(S3Target(signed, domain: nil) == nil)
        #expect(S3Target(head("/b/k?X-Amz-Date=1&X-Amz-Signature=0"), domain: nil)?.rawKey == "k")
    }

    private func head(_ path: String, host: String = "127.0.0.1:5000") -> HTTPRequest {
        HTTPRequest(method: .get, scheme: "http", authority: host, path: path)
    }
}
