// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore
import Testing

@testable import HTTPFrontends

struct FilesBodyTests {
    private func fields(_ json: String) throws -> FilesFields { try FilesFields(ByteBuffer(string: json)) }

    @Test(arguments: ["", "[]", "null", "5", "{", #"{"a":"\u0000"}"#, #"{"a":{"\u0000":1}}"#])
    func aBodyIsAnObjectWithoutNUL(body: String) {
        #expect(throws: FilesProblem.self) { try fields(body) }
    }

    @Test func anEmptyBodyMayStandForAnEmptyObject() throws {
        #expect(try FilesFields(ByteBuffer(), mayBeMissing: true).string("a") == nil)
    }

    @Test func aNullSaysNothingAndNoOtherTypeStandsForAnother() throws {
        let fields = try fields(
            #"{"null":null,"text":"5","number":5,"half":0.5,"huge":1e300,"flag":true,"list":[1],"object":{}}"#)

        for name in ["null", "absent"] {
            #expect(try fields.string(name) == nil && fields.integer(name) == nil && fields.strings(name) == nil)
        }
        #expect(try fields.string("text") == "5" && fields.integer("number") == 5)
        for name in ["number", "flag", "list", "object"] { #expect(throws: FilesProblem.self) { try fields.string(name) } }
        for name in ["text", "half", "huge", "flag", "list"] { #expect(throws: FilesProblem.self) { try fields.integer(name) } }
        for name in ["text", "number", "list", "object"] { #expect(throws: FilesProblem.self) { try fields.strings(name) } }
        for name in ["text", "number", "list"] { #expect(throws: FilesProblem.self) { try fields.object(name) } }
    }

    @Test func aChangeOfMetadataKeepsWhatItDoesNotName() throws {
        let patch = try fields(#"{"metadata":{"alt":null,"tags":["a"],"custom":{"b":1.5,"a":[true,null,"x\"y"]}}}"#).patch()
        let metadata = try #require(patch.metadata)
        let changed = metadata.applied(to: FileMetadata(category: "c", tags: ["old"], alt: "old"))

        #expect(changed.category == "c" && changed.tags == ["a"] && changed.alt == nil)
        #expect(changed.custom?.rawValue == #"{"a":[true,null,"x\"y"],"b":1.5}"#)
        #expect(patch.originalName == nil && patch.visibility == nil && patch.sharedWith == nil)
    }

    @Test func anAnnouncementHasDefaults() throws {
        let announcement = try fields(#"{"filename":"a","contentType":"text/plain"}"#).announcement()

        #expect(announcement.visibility == .private && announcement.label == .attachments && announcement.size == nil)
    }

    @Test func bothListsOfWordsAreTaken() throws {
        for label in FileLabel.allCases {
            let body = #"{"filename":"a","contentType":"b/c","category":"\#(label.rawValue)"}"#
            #expect(try fields(body).announcement().label == label)
        }
    }

    @Test(
        arguments: [
            #"{}"#, #"{"parts":[]}"#, #"{"parts":{}}"#, #"{"parts":[{"partNumber":1}]}"#,
            #"{"parts":[{"partNumber":0,"etag":"x"}]}"#,
            #"{"parts":[{"partNumber":10001,"etag":"x"}]}"#, #"{"parts":[{"partNumber":1e30,"etag":"x"}]}"#,
        ])
    func aListOfPartsNamesPartsThatThereCanBe(body: String) {
        #expect { try fields(body).parts() } throws: { ($0 as? FilesProblem)?.code == "file/invalid-parts-array" }
    }

    @Test func theTagOfAPartMayBeSpeltAsTheHeaderIs() throws {
        let parts = try fields(#"{"parts":[{"partNumber":2,"etag":"\"a\""},{"partNumber":1,"ETag":"b"}]}"#).parts()

        #expect(parts.map(\.number.rawValue) == [2, 1] && parts.map(\.eTag) == ["\"a\"", "b"])
    }
}

struct FilesQueryTests {
    private func query(_ text: String) throws -> FileQuery { try FileQuery(FilesQuery("/v1/files?\(text)")) }

    @Test func withoutParametersItIsTheNewestTwenty() throws {
        let query = try query("")

        #expect(query.page == 1 && query.limit == 20 && query.order.field == .createdAt && !query.order.isAscending)
    }

    @Test func allOfItIsRead() throws {
        let query = try query(
            "page=3&limit=7&sortBy=size&sortDirection=asc&visibility=shared&ownerType=service&ownerId=u&bucket=temp&mimeType=image/*&search=a+b"
        )

        #expect(query.page == 3 && query.limit == 7 && query.order.field == .size && query.order.isAscending)
        #expect(query.visibility == .shared && query.ownerKind == .service && query.ownerSubject == "u" && query.label == .temp)
        #expect(query.mediaType == .kind("image") && query.search == "a b")
    }

    @Test(
        arguments: [
            "page=0", "page=x", "limit=0", "limit=101", "limit=+5", "sortBy=name", "sortDirection=ASC", "visibility=x",
            "bucket=x",
            "ownerType=x", "search=%00", "search=%f",
        ])
    func whatMeansNothingIsRefused(text: String) {
        #expect { try query(text) } throws: { ($0 as? FilesProblem)?.code == "common/invalid-parameters" }
    }
}
