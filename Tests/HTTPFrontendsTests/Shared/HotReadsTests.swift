// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import MediaTesting
import NIOCore
import NIOHTTP1
import Testing

@testable import HTTPFrontends

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

    @Test func anAnswerGoesWhenOriginalsAreToBeSignedForAndDoesNotComeBack() async throws {
        let server = try await Self.server()
        #expect(try await server.getWithoutToken(.get, Self.target).body == "hello")
        #expect(Self.answer(server) != nil)

        let service = Caller(
            principal: Principal(role: "service_role", subject: nil, claims: .emptyObject, token: ""),
            facts: RequestFacts(operation: Operation("test")))
        try await server.metadata.setOriginalsSecret([1], in: Self.address.bucket, as: service)
        server.storage.cache.apply(.bucket(Self.address.bucket))

        #expect(Self.answer(server) == nil)
        // Somebody with a right brings it back into memory.
        _ = try await server.storage.delivery.open(Self.address, access: .policy(service))
        #expect(try await server.getWithoutToken(.get, Self.target).body != "hello")
        #expect(Self.answer(server) == nil)
    }
}
