// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Testing
import WireFormats

@testable import HTTPFrontends

/// Requests for pages and the pages themselves.
struct S3ListingTests {
    private func request(_ query: String, isV2: Bool = true) throws -> S3KeyListRequest {
        try S3KeyListRequest(try QueryParameters(parsing: query), isV2: isV2)
    }

    private func list(_ request: S3KeyListRequest, _ page: KeyPage) throws -> XMLTree {
        try S3DocumentTests.tree(S3KeyList(bucket: BucketID(stored: "b"), request: request, page: page).document)
    }

    private func entry(_ key: String) -> KeyPage.Item {
        .object(
            KeyEntry(
                key: ObjectKey(stored: key), size: 3, entityTag: "\"e\"", lastModified: Timestamp(seconds: 0), owner: "me"))
    }

    @Test func morePageThanThereMayBeIsAsMuchAsThereMayBe() throws {
        #expect(try request("max-keys=5000").limit == 1000)
        #expect(try request("max-keys=0").limit == 0)
        for bad in ["max-keys=-1", "max-keys=x", "max-keys=1e3", "encoding-type=xml", "continuation-token=a+b"] {
            #expect(throws: (any Error).self) { try request(bad) }
        }
    }

    @Test func aTokenLeadsOnFromWhereThePageEnded() throws {
        for next in [KeyQuery.Position.key("a/ü\n"), .prefix("a/"), .key("")] {
            let tree = try list(try request(""), KeyPage(items: [entry("k")], next: next))
            let token = try #require(tree["NextContinuationToken"]?.text)
            #expect(try request("continuation-token=\(token)&start-after=zzz").keyQuery.after == next)
        }
    }

    @Test func theFirstVersionsMarkerStandsForAKeyOrACommonPrefix() throws {
        #expect(try request("marker=a/&delimiter=/", isV2: false).keyQuery.after == .prefix("a/"))
        #expect(try request("marker=a/b&delimiter=/", isV2: false).keyQuery.after == .key("a/b"))
        #expect(try request("marker=a/", isV2: false).keyQuery.after == .key("a/"))
        #expect(try request("", isV2: false).keyQuery.after == nil)
    }

    @Test func keysAreEscapedAsTheClientAsked() throws {
        let page = KeyPage(items: [entry("a+b/ü\u{1}"), .prefix("q x/")], next: nil)
        #expect(try list(try request(""), page)["Contents"]?["Key"]?.text == "a+b/ü\u{1}")
        let escaped = try list(try request("encoding-type=url&prefix=q%20"), page)
        #expect(escaped["Contents"]?["Key"]?.text == "a%2Bb/%C3%BC%01")
        #expect(escaped["CommonPrefixes"]?["Prefix"]?.text == "q%20x/")
        #expect(escaped["Prefix"]?.text == "q%20")
        #expect(escaped["EncodingType"]?.text == "url")
    }

    @Test func keysAndPrefixesAreCountedTogether() throws {
        let tree = try list(try request(""), KeyPage(items: [entry("a"), .prefix("b/")], next: nil))
        #expect(tree["KeyCount"]?.text == "2")
        #expect(tree["IsTruncated"]?.text == "false")
        #expect(tree["Contents"]?["Owner"] == nil)
        let owned = try list(try request("fetch-owner=true"), KeyPage(items: [entry("a")], next: nil))
        #expect(owned["Contents"]?["Owner"]?["ID"]?.text == "me")
    }

    @Test func aPageOfVersionsBeginsBehindTheMarker() throws {
        func query(_ text: String) throws -> VersionQuery {
            try S3VersionListRequest(try QueryParameters(parsing: text)).versionQuery
        }
        #expect(try query("key-marker=k&version-id-marker=null").after == .version(key: "k", .null))
        #expect(try query("key-marker=k").after == .version(key: "k", nil))
        #expect(try query("key-marker=a/&delimiter=/").after == .prefix("a/"))
        #expect(throws: S3Error.self) { try query("version-id-marker=x") }
    }

    @Test func bucketsAreListedPageByPage() throws {
        let buckets = ["c", "a", "b"].map { Bucket(id: BucketID(stored: $0), name: $0) }
        func page(_ query: String) throws -> S3BucketList {
            try S3BucketList(buckets, query: try QueryParameters(parsing: query), owner: S3Owner(subject: nil))
        }
        let first = try page("max-buckets=2")
        #expect(first.buckets.map(\.id.rawValue) == ["a", "b"])
        let token = S3PageToken.encode(try #require(first.next))
        let second = try page("max-buckets=2&continuation-token=\(token)")
        #expect(second.buckets.map(\.id.rawValue) == ["c"])
        #expect(second.next == nil)
        #expect(try page("prefix=b").buckets.map(\.id.rawValue) == ["b"])
    }
}
