// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import NIOCore
import Testing
import WireFormats

@testable import HTTPFrontends

/// What strangers write into the fields and URLs of resumable uploads.
struct TUSParsingTests {
    @Test func aLocatorNamesTheUploadItWasMadeFrom() throws {
        for key in ["a", "dir/a b.txt", "ü/é", "a/", "/"] {
            let session = Self.session(key)
            let locator = try #require(UploadLocator(segment: UploadLocator(session).segment))
            #expect(locator.names(session))
            #expect(locator.id == session.id)
            #expect(!locator.names(Self.session(key + "x")))
        }
    }

    @Test func noTextMakesALocatorThatNamesSomethingElse() {
        var generator = SeededGenerator(seed: 7)
        let session = Self.session("a")
        let good = Array(UploadLocator(session).segment.utf8)
        for _ in 0..<5000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0x21...0x7E, using: &generator)
            }
            let text = String(decoding: bytes.prefix(Int.random(in: 0...bytes.count, using: &generator)), as: UTF8.self)
            guard let locator = UploadLocator(segment: text) else { continue }
            // Whatever is read is written the same way, up to bits that base64 leaves unused.
            #expect(UploadLocator(segment: locator.segment) == locator)
            if locator.id == session.id, locator.names(session) { #expect(locator == UploadLocator(session)) }
        }
    }

    @Test(arguments: [
        "", " ", ",", "a b c", "a !!", "a YQ", "a YQ==,", "a YQ==,a YQ==", "a YQ==,,b YQ==", "a  YQ== x", "a YQ==,b\tYQ",
    ])
    func metadataThatIsNoneIsRefused(text: String) {
        #expect(throws: TUSError.self) { try TUSMetadata(text) }
    }

    @Test func metadataIsReadAsItWasMeant() throws {
        let metadata = try TUSMetadata(
            "bucketName YnVja2V0,objectName ZGlyL2E=,cacheControl MzYwMA==,empty,metadata eyJhIjoxfQ==,other /w==")
        let address = try metadata.address()
        #expect(address == ObjectAddress(bucket: BucketID(stored: "bucket"), key: ObjectKey(stored: "dir/a")))
        let options = metadata.options(mode: .create)
        #expect(options.cacheControl == "max-age=3600")
        #expect(options.userMetadata?.rawValue == #"{"a":1}"#)
        #expect(options.contentType == "application/octet-stream")
    }

    @Test(arguments: ["[]", "1", "{", #"{"a":"\u0000"}"#, #"{"\u0000":[1]}"#, #"{"a":[{"b":"\u0000"}]}"#, ""])
    func userMetadataThatTheDatabaseCanNotHoldIsIgnored(text: String) {
        #expect(UserMetadataText.read(Array(text.utf8)) == nil)
    }

    @Test func noFieldEndsTheProcess() {
        var generator = SeededGenerator(seed: 11)
        let alphabet = Array("abz019 ,;/+=-_?.\u{0}\u{7F}é{}\"sha1md5crc32finalpartial".utf8)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...40, using: &generator)
            let bytes = (0..<count).map { _ in alphabet[Int.random(in: alphabet.indices, using: &generator)] }
            let text = String(decoding: bytes, as: UTF8.self)
            _ = try? TUSMetadata(text).address()
            _ = try? TUSConcat(text)
            _ = try? TUSConcat("final;" + text)
            _ = try? TUSChecksum(text)
            _ = TUSPath("/upload/resumable/" + text)
            _ = ResumableUploadPath("/object/" + text)
            #expect(TUSCall.number(text).map { $0 >= 0 } ?? true)
        }
    }

    @Test func aPathBelongsToThisDialectOrNot() throws {
        #expect(TUSPath("/upload/resumablex") == nil)
        #expect(TUSPath("/upload/resumable")?.upload == nil)
        #expect(TUSPath("/upload/resumable/sign")?.isSigned == true)
        #expect(TUSPath("/upload/resumable/signature") == TUSPath("/upload/resumable/signature"))
        #expect(TUSPath("/upload/resumable/signature")?.upload == "signature")
        #expect(TUSPath("/storage/v1/upload/resumable/sign/x")?.base == "/storage/v1/upload/resumable/sign")
        #expect(TUSPath("/storage/v1/object/a/b") == nil)
        #expect(ResumableUploadPath("/object/list/b") == nil)
        #expect(ResumableUploadPath("/object/b/") == nil)
        #expect(ResumableUploadPath("/object/b/k/l")?.place == .object(bucket: "b", key: "k/l"))
    }

    @Test(
        arguments: [
            ("sha1", nil), ("sha1 ", nil), ("sha512 AAAA", nil), ("sha1 AAAA", nil), ("crc32 AAAAAA==", "AAAAAA=="),
            ("crc32 AAAAAA== x", nil),
        ] as [(String, String?)])
    func aChecksumIsReadOrRefused(text: String, expected: String?) {
        #expect((try? TUSChecksum(text))?.expected.base64 == expected)
    }

    private static func session(_ key: String) -> UploadSession {
        UploadSession(
            id: UploadID("0b8f7e1c-5f0a-4f6e-9a34-1d3a3f3e2b11"), kind: .appended,
            address: ObjectAddress(bucket: BucketID(stored: "bucket"), key: ObjectKey(stored: key)), backend: .managed,
            multipart: MultipartID("m"), ownerID: nil, role: nil, mode: .create, details: ObjectMetadata(),
            createdAt: Timestamp(seconds: 0))
    }
}
