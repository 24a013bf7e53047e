// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaTesting
import NIOCore
import NIOHTTP1
import Testing

@testable import HTTPFrontends
@testable import MediaCore

/// What is kept of answers to reads of images: by target and by what the reader accepts.
@Suite struct HotImagesTests {
    private static let address = ObjectAddress(bucket: BucketID(stored: "b"), key: ObjectKey(stored: "a.txt"))
    private static let imageTarget = "/render/image/public/b/a.txt?width=10"

    private static func image(_ server: SupabaseFixture, _ text: String, varies: Bool, cached: Bool = true) async throws
        -> (DeliveredVariant, CachedVariant)
    {
        let delivered = try await server.storage.delivery.open(
            address, access: .publicBucket(RequestFacts(operation: Operation("storage.object.test"))))
        let object = try #require(delivered.cached)
        let name = VariantName(version: try #require(object.object.record.version), fingerprint: text)
        let kept = CachedVariant(name: name, mediaType: "image/webp", body: ByteBuffer(string: text))
        #expect(server.storage.cache.keep(kept, of: object))
        let content = BlobContent(source: .buffer(ByteBuffer(string: text)), size: 1, range: 0..<1)
        let variant = DeliveredVariant(
            object: object.object, details: object.details, transform: Transform(), entityTag: "\"x\"", mediaType: "image/webp",
            variesByAccept: varies, isCached: cached, outcome: .full(content), body: kept.body)
        return (variant, kept)
    }

    private static func remember(
        _ variant: DeliveredVariant, accept: String?, at target: String = imageTarget, in server: SupabaseFixture
    ) {
        var head = HTTPRequest(method: .get, scheme: nil, authority: nil, path: target)
        head.headerFields[.accept] = accept
        server.hotReads.remember(
            variant, headers: [.eTag: "x"], answering: Request(head: head, body: RequestBody(buffer: ByteBuffer())), by: "test",
            operation: "test", in: server.storage)
    }

    private static func imageAnswer(_ server: SupabaseFixture, accept: [String], at target: String = imageTarget) -> String? {
        let headers = HTTPHeaders(accept.map { ("Accept", $0) })
        return server.hotReads.answer(
            to: HotRequest(HTTPRequestHead(version: .http1_1, method: .GET, uri: target, headers: headers))
        ).map { String(buffer: $0.body) }
    }

    /// A server with an object in the public bucket `b`.
    private static func server() async throws -> SupabaseFixture {
        let server = try await SupabaseFixture()
        try await server.makeBucket("b", #","public":true"#)
        try await server.upload("hello")
        return server
    }

    @Test func anImageIsKeptByItsWholeTarget() async throws {
        let server = try await Self.server()
        Self.remember(try await Self.image(server, "ten", varies: false).0, accept: nil, in: server)

        #expect(Self.imageAnswer(server, accept: []) == "ten")
        #expect(Self.imageAnswer(server, accept: ["image/avif"]) == "ten")
        #expect(Self.imageAnswer(server, accept: [], at: "/render/image/public/b/a.txt?width=11") == nil)
    }

    @Test func readersWhoAcceptDifferentFormatsNeverGetEachOthersImage() async throws {
        let server = try await Self.server()
        let accepts = [
            "image/webp": "webp", "image/avif,image/webp,*/*": "avif", "*/*": "jpeg", "image/webp;q=0, image/avif": "only avif",
        ]
        for (accept, text) in accepts {
            Self.remember(try await Self.image(server, text, varies: true).0, accept: accept, in: server)
        }

        for (accept, text) in accepts { #expect(Self.imageAnswer(server, accept: [accept]) == text) }
        #expect(Self.imageAnswer(server, accept: ["text/html", "image/webp"]) == "webp")
        #expect(Self.imageAnswer(server, accept: ["image/avif", "image/webp"]) == "avif")
        #expect(Self.imageAnswer(server, accept: []) == "jpeg")
        #expect(Self.imageAnswer(server, accept: ["image/jxl"]) == nil)
    }

    @Test func anImageThatWasRenderedJustNowIsNotYetKept() async throws {
        let server = try await Self.server()

        Self.remember(try await Self.image(server, "ten", varies: false, cached: false).0, accept: nil, in: server)

        #expect(Self.imageAnswer(server, accept: []) == nil)
    }

    @Test func anImageGoesWithItsObject() async throws {
        let server = try await Self.server()
        Self.remember(try await Self.image(server, "ten", varies: true).0, accept: nil, in: server)
        #expect(Self.imageAnswer(server, accept: []) == "ten")

        server.storage.cache.apply(.object(Self.address))

        #expect(Self.imageAnswer(server, accept: []) == nil)
    }

    @Test func manyImagesStayBelowTheirPartOfTheCache() async throws {
        let server = try await Self.server()
        let variant = try await Self.image(server, "ten", varies: true).0
        let filler = String(repeating: "t", count: 1500)

        for number in 0..<20_000 {
            Self.remember(
                variant, accept: number.isMultiple(of: 2) ? "image/webp" : "image/avif", at: "/\(number / 2)?\(filler)",
                in: server)
        }

        #expect(server.hotReads.cost > 0)
        #expect(server.hotReads.cost <= server.storage.cache.answerCapacity)
    }
}
