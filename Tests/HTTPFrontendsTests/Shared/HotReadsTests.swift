// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaTesting
import NIOCore
import NIOHTTP1
import Testing

@testable import HTTPFrontends
@testable import MediaCore

/// What is kept of answers to public reads, and for how long.
@Suite struct HotReadsTests {
    private static let target = "/object/public/b/a.txt"
    private static let address = ObjectAddress(bucket: BucketID(stored: "b"), key: ObjectKey(stored: "a.txt"))

    /// A server with `hello` at `a.txt` in the public bucket `b`.
    private static func server() async throws -> SupabaseFixture {
        let server = try await SupabaseFixture()
        try await server.makeBucket("b", #","public":true"#)
        try await server.upload("hello")
        return server
    }

    private static func open(_ server: SupabaseFixture) async throws -> Delivered {
        try await server.storage.delivery.open(
            address, access: .publicBucket(RequestFacts(operation: Operation("storage.object.test"))))
    }

    private static func remember(
        _ delivered: Delivered, at target: String = target, in server: SupabaseFixture, _ tag: String = "x"
    ) {
        let request = Request(
            head: HTTPRequest(method: .get, scheme: nil, authority: nil, path: target), body: RequestBody(buffer: ByteBuffer()))
        server.hotReads.remember(
            delivered, headers: [.eTag: tag], answering: request, by: "test", operation: "test", in: server.storage)
    }

    private static func answer(_ server: SupabaseFixture, headers: HTTPHeaders = [:]) -> HotAnswer? {
        server.hotReads.answer(to: HotRequest(HTTPRequestHead(version: .http1_1, method: .GET, uri: target, headers: headers)))
    }

    @Test func aPlainPublicReadIsKept() async throws {
        let server = try await Self.server()

        #expect(try await server.getWithoutToken(.get, Self.target).body == "hello")

        #expect(Self.answer(server)?.body == ByteBuffer(string: "hello"))
    }

    @Test(arguments: [
        ("If-None-Match", "\"other\""), ("If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"), ("If-Range", "\"other\""),
        ("Range", "items=0-1"), ("If-Match", "*"), ("If-Unmodified-Since", "Fri, 31 Dec 2100 23:59:59 GMT"),
    ])
    func aReadWithAConditionIsNotKeptForOthers(_ name: String, _ value: String) async throws {
        let server = try await Self.server()

        let answer = try await server.getWithoutToken(.get, Self.target, headers: [.named(name): value])

        #expect(answer.status == 200)
        #expect(Self.answer(server) == nil)
    }

    @Test func whatIsKeptDoesNotKeepTheObject() async throws {
        let server = try await Self.server()
        weak let held = try await Self.open(server).cached
        Self.remember(try await Self.open(server), in: server)
        #expect(held != nil)

        server.storage.cache.apply(.object(Self.address))

        #expect(held == nil)
        #expect(Self.answer(server) == nil)
    }

    @Test func answersStayBelowTheirPartOfTheCache() async throws {
        let server = try await Self.server()
        let delivered = try await Self.open(server)
        let tag = String(repeating: "t", count: 16 << 10)

        for number in 0..<2000 { Self.remember(delivered, at: "/\(number)", in: server, tag) }

        #expect(server.hotReads.cost > 0)
        #expect(server.hotReads.cost <= server.storage.cache.answerCapacity)
    }

    @Test func headersOfAnObjectThatChangedMeanwhileAreNotKept() async throws {
        let server = try await Self.server()
        let before = try await Self.open(server)
        var record = before.object.record
        record.metadata = ObjectMetadata(eTag: "\"new\"", size: 5, mimetype: "text/html", cacheControl: "no-store").json
        // As plain SQL does: another row of the same version.
        server.metadata.adopt(record)
        server.storage.cache.apply(.object(Self.address))
        _ = try await Self.open(server)

        Self.remember(before, in: server)

        #expect(Self.answer(server) == nil)
    }

    // MARK: - Images

    private static let imageTarget = "/render/image/public/b/a.txt?width=10"

    private static func image(_ server: SupabaseFixture, _ text: String, varies: Bool, cached: Bool = true) async throws
        -> (DeliveredVariant, CachedVariant)
    {
        let delivered = try await open(server)
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
