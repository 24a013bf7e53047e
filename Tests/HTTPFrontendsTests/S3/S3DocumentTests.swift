// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import NIOCore
import Testing
import WireFormats

@testable import HTTPFrontends

/// The documents that clients send, and those that they get back.
struct S3DocumentTests {
    static func tree(_ text: String) throws -> XMLTree {
        try XMLTree(parsing: ByteBuffer(string: text), limits: .init(bytes: 1 << 20))
    }

    static func tree(_ xml: XMLWriter) throws -> XMLTree { try tree(String(buffer: xml.buffer)) }

    @Test func aDeletionNamesKeysVersionsAndConditions() throws {
        let request = try S3DeletionRequest(
            Self.tree(
                """
                <Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet><Object><Key>a&#10;b</Key></Object>
                <Object><Key>c</Key><VersionId>null</VersionId><ETag>"x"</ETag><Size>3</Size></Object></Delete>
                """))
        #expect(request.isQuiet)
        #expect(request.objects.map(\.key) == ["a\nb", "c"])
        #expect(request.objects[1] == .init(key: "c", versionID: "null", eTag: "\"x\"", size: 3))
    }

    @Test(arguments: [0, 1001])
    func aDeletionOfNothingOrTooMuchIsMalformed(count: Int) throws {
        let tree = try Self.tree("<Delete>\(String(repeating: "<Object><Key>k</Key></Object>", count: count))</Delete>")
        #expect(throws: S3Error.self) { try S3DeletionRequest(tree) }
    }

    @Test func aQuietResultTellsOfFailuresOnly() throws {
        let items: [S3DeletionResult.Item] = [
            .deleted(key: "a", versionID: nil, nil), .failed(key: "b", versionID: nil, .accessDenied),
        ]
        #expect(try Self.tree(S3DeletionResult(items: items, isQuiet: true).document).children.map(\.name) == ["Error"])
        let loud = try Self.tree(S3DeletionResult(items: items, isQuiet: false).document)
        #expect(loud.children.map(\.name) == ["Deleted", "Error"])
        #expect(loud["Error"]?["Code"]?.text == "AccessDenied")
    }

    @Test(arguments: ["\"abc\"", "abc", "&#34;abc&#34;", "&quot;abc&quot;"])
    func aPartsTagMayHaveQuotesInAnyForm(tag: String) throws {
        let completion = try S3Completion(
            Self.tree(
                "<CompleteMultipartUpload><Part><ETag>\(tag)</ETag><PartNumber>7</PartNumber></Part></CompleteMultipartUpload>"))
        #expect(completion.parts.map(\.eTag) == ["abc"])
        #expect(completion.parts.map(\.number.rawValue) == [7])
    }

    @Test(
        arguments: [
            "", "<Part/>", "<Part><PartNumber>1</PartNumber></Part>", "<Part><PartNumber>x</PartNumber><ETag>a</ETag></Part>",
        ])
    func aCompletionWithoutPartsIsMalformed(inner: String) throws {
        let tree = try Self.tree("<CompleteMultipartUpload>\(inner)</CompleteMultipartUpload>")
        let error = #expect(throws: S3Error.self) { try S3Completion(tree) }
        #expect(error?.code == "MalformedXML")
    }

    @Test func aPartNamedTwiceInARowCountsAsItWasNamedLast() throws {
        let parts = [(1, "a"), (1, "b"), (2, "c"), (1, "d")].map { number, tag in
            "<Part><PartNumber>\(number)</PartNumber><ETag>\(tag)</ETag></Part>"
        }
        let tree = try Self.tree("<CompleteMultipartUpload>\(parts.joined())</CompleteMultipartUpload>")
        // The last of them is out of order, which is for the core to say.
        #expect(try S3Completion(tree).parts.map(\.eTag) == ["b", "c", "d"])
    }

    @Test func tagsAreReadAsTheyWereWritten() throws {
        let tags = try TagSet([.init(name: "a", value: "<&>"), .init(name: "ü", value: "")], limit: .object)
        #expect(try S3Tagging(Self.tree(S3Tagging(tags).document), limit: .object).tags == tags)
    }

    @Test func corsRulesAreReadAsTheyWereWritten() throws {
        let rules = [
            CORSRule(
                id: "one", allowedOrigins: ["*suffix", "https://a.example"], allowedMethods: ["GET", "PUT"],
                allowedHeaders: ["x-*"], exposedHeaders: ["etag"], maxAge: 30),
            CORSRule(allowedOrigins: ["*"], allowedMethods: ["DELETE"]),
        ]
        #expect(try S3CORSConfiguration(Self.tree(S3CORSConfiguration(rules).document)).rules == rules)
    }

    @Test func lifecycleRulesAreReadAsTheyWereWritten() throws {
        let rules = [
            LifecycleRule(id: "plain", filter: .init(prefix: "logs/"), expiration: .days(3)),
            LifecycleRule(id: "old", filter: .init(prefix: "logs/", form: .prefix), expiration: .days(3)),
            LifecycleRule(
                id: "full", isEnabled: false, filter: .init(prefix: "a", tags: ["k": "v"], largerThan: 1, smallerThan: 9),
                expiration: .date(1_893_456_000), noncurrent: .init(days: 2, kept: 4)),
            LifecycleRule(id: "parts", expiration: .deleteMarkers, abortIncompleteAfter: 7),
        ]
        #expect(try S3Lifecycle(Self.tree(S3Lifecycle(rules).document)).rules == rules)
    }

    @Test(
        arguments: [
            "<Status>enabled</Status><Prefix/><Expiration><Days>1</Days></Expiration>",
            "<Status>Enabled</Status><Expiration><Days>1</Days></Expiration>",
            "<Status>Enabled</Status><Prefix/><Expiration><Days>0</Days></Expiration>",
            "<Status>Enabled</Status><Prefix/><Expiration><Date>2030-01-01T10:00:00Z</Date></Expiration>",
            "<Status>Enabled</Status><Prefix/><Transition><Days>1</Days></Transition>", "<Status>Enabled</Status><Prefix/>",
        ])
    func aLifecycleRuleThatCannotBeIsRefused(rule: String) throws {
        let tree = try Self.tree("<LifecycleConfiguration><Rule><ID>a</ID>\(rule)</Rule></LifecycleConfiguration>")
        #expect(throws: (any Error).self) { try S3Lifecycle(tree) }
    }

    @Test func versioningKnowsTwoWords() throws {
        func read(_ status: String) throws -> BucketVersioning {
            try S3Versioning(Self.tree("<VersioningConfiguration><Status>\(status)</Status></VersioningConfiguration>"))
                .versioning
        }
        #expect(try read("Enabled") == .enabled)
        #expect(try read("Suspended") == .suspended)
        #expect(throws: S3Error.self) { try read("Off") }
        #expect(try Self.tree(S3Versioning(.off).document).children.isEmpty)
    }

    @Test func anAccessControlListSaysOwnerAndPublic() throws {
        let list = S3AccessControlPolicy(owner: S3Owner(subject: "me"), isPublic: true)
        let read = try S3AccessControlPolicy(Self.tree(list.document))
        #expect(read.isPublic)
        #expect(read.owner.id == "me")
    }

    @Test func aGrantToSomebodyElseIsNotSupported() throws {
        let tree = try Self.tree(
            """
            <AccessControlPolicy><Owner><ID>me</ID></Owner><AccessControlList><Grant><Grantee><ID>you</ID></Grantee>
            <Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>
            """)
        let error = #expect(throws: S3Error.self) { try S3AccessControlPolicy(tree) }
        #expect(error?.code == "AccessControlListNotSupported")
    }

    @Test func thePolicyOfAPublicBucketIsUnderstoodAgain() throws {
        let bucket = BucketID(stored: "b")
        try S3BucketPolicy.requirePublicRead(S3BucketPolicy.document(of: bucket).utf8, of: bucket)
    }

    @Test(
        arguments: [
            ("{", "MalformedPolicy"), ("[]", "MalformedPolicy"), (#"{"Statement":[]}"#, "NotImplemented"),
            (policy(effect: "Deny"), "NotImplemented"), (policy(action: "s3:*"), "NotImplemented"),
            (policy(principal: #"{"AWS":"arn:x"}"#), "NotImplemented"), (policy(bucket: "c"), "MalformedPolicy"),
            (policy(more: #","Condition":{}"#), "NotImplemented"),
        ])
    func aPolicyThatSaysAnythingElseIsRefused(json: String, code: String) throws {
        let error = #expect(throws: S3Error.self) { try S3BucketPolicy.requirePublicRead(json.utf8, of: BucketID(stored: "b")) }
        #expect(error?.code == code)
    }

    private static func policy(
        effect: String = "Allow", principal: String = #""*""#, action: String = "s3:GetObject", bucket: String = "b",
        more: String = ""
    ) -> String {
        #"{"Statement":{"Effect":"\#(effect)","Principal":\#(principal),"Action":"\#(action)","#
            + #""Resource":"arn:aws:s3:::\#(bucket)/*"\#(more)}}"#
    }

    @Test(arguments: 0..<400 as Range<UInt64>)
    func generatedDocumentsAreReadOrRefused(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let names = [
            "Delete", "Object", "Key", "VersionId", "Tagging", "TagSet", "Tag", "Value", "CORSConfiguration", "CORSRule",
            "AllowedOrigin", "AllowedMethod", "MaxAgeSeconds", "LifecycleConfiguration", "Rule", "ID", "Filter", "And", "Prefix",
            "Status", "Expiration", "Days", "Date", "CompleteMultipartUpload", "Part", "PartNumber", "ETag",
            "VersioningConfiguration", "AccessControlPolicy", "Owner", "AccessControlList", "Grant", "Grantee",
        ]
        let texts = ["", "1", "-1", "99999999999999999999", "Enabled", "*", "\u{1}", "é", "2030-01-01", "true"]
        func element(_ depth: Int) -> XMLTree {
            let count = depth == 0 ? 0 : Int.random(in: 0...4, using: &generator)
            return XMLTree(
                name: names.randomElement(using: &generator) ?? "", text: texts.randomElement(using: &generator) ?? "",
                children: (0..<count).map { _ in element(depth - 1) })
        }
        let tree = element(5)
        // None may end the process; whatever is read can be written again.
        if let read = try? S3DeletionRequest(tree) { #expect(!read.objects.isEmpty) }
        if let read = try? S3Tagging(tree, limit: .bucket) {
            #expect(try S3Tagging(Self.tree(read.document), limit: .bucket).tags == read.tags)
        }
        if let read = try? S3CORSConfiguration(tree) {
            #expect(try S3CORSConfiguration(Self.tree(read.document)).rules == read.rules)
        }
        if let read = try? S3Lifecycle(tree) {
            #expect(try S3Lifecycle(Self.tree(read.document)).rules.count == read.rules.count)
        }
        if let read = try? S3Completion(tree) { #expect(!read.parts.isEmpty) }
        if let read = try? S3Versioning(tree) { #expect(read.versioning != .off) }
        _ = try? S3AccessControlPolicy(tree)
    }
}
