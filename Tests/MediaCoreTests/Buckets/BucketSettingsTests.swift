// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

struct BucketSettingsTests {
    @Test func changesAreSeenAtOnce() async throws {
        let fixture = try await CoreFixture()
        let buckets = fixture.storage.buckets
        #expect(try await buckets.settings(of: fixture.bucket, facts: CoreFixture.facts) == .none)
        let tags = TagSet(stored: ["a": "1"])
        try await buckets.changeSettings(of: fixture.bucket, BucketSettingsChanges(tags: tags), as: CoreFixture.service)

        #expect(try await buckets.settings(of: fixture.bucket, facts: CoreFixture.facts).tags == tags)
        #expect(
            await errorCode { _ = try await buckets.settings(of: fixture.bucket, as: CoreFixture.caller()) } == .bucketNotFound)
    }

    @Test func aPreflightFindsTheFirstRuleThatAllowsIt() async throws {
        let fixture = try await CoreFixture()
        let rules = [
            CORSRule(id: "1", allowedOrigins: ["https://*.example.com"], allowedMethods: ["GET"], allowedHeaders: ["x-amz-*"]),
            CORSRule(id: "2", allowedOrigins: ["*"], allowedMethods: ["HEAD", "GET"]),
        ]
        try await fixture.storage.buckets.changeSettings(
            of: fixture.bucket, BucketSettingsChanges(cors: rules), as: CoreFixture.service)
        func rule(_ origin: String, _ method: String, _ headers: [String] = []) async throws -> String? {
            try await fixture.storage.buckets.corsRule(
                of: fixture.bucket, origin: origin, method: method, headers: headers, facts: CoreFixture.facts)?.id
        }

        #expect(try await rule("https://a.example.com", "GET", ["X-Amz-Date"]) == "1")
        #expect(try await rule("https://.example.com", "GET") == "1")
        #expect(try await rule("https://example.com", "GET") == "2")
        #expect(try await rule("https://a.example.com", "GET", ["authorization"]) == nil)
        #expect(try await rule("https://a.example.com", "PUT") == nil)
    }

    @Test(arguments: [
        CORSRule(allowedOrigins: [], allowedMethods: ["GET"]), CORSRule(allowedOrigins: ["*"], allowedMethods: ["PATCH"]),
        CORSRule(allowedOrigins: ["*.*"], allowedMethods: ["GET"]),
        CORSRule(allowedOrigins: ["*"], allowedMethods: ["GET"], exposedHeaders: ["a\r\nb"]),
    ])
    func rulesThatCantBeAreRefused(rule: CORSRule) async throws {
        let fixture = try await CoreFixture()
        let code = await errorCode {
            try await fixture.storage.buckets.changeSettings(
                of: fixture.bucket, BucketSettingsChanges(cors: [rule]), as: CoreFixture.service)
        }
        #expect(code == .invalidRequest)
    }

    @Test func aCannedACLIsTheBucketsVisibility() async throws {
        let fixture = try await CoreFixture()
        try await fixture.storage.buckets.apply(try CannedACL("public-read"), to: fixture.bucket, as: CoreFixture.service)
        #expect(try await fixture.storage.buckets.get(fixture.bucket, as: CoreFixture.service).isPublic)
        try await fixture.storage.buckets.apply(try CannedACL("private"), to: fixture.bucket, as: CoreFixture.service)
        #expect(try await !fixture.storage.buckets.get(fixture.bucket, as: CoreFixture.service).isPublic)
        #expect(throws: StorageError.self) { try CannedACL("public-read-write") }
    }
}
