// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import HummingbirdTesting
import MediaCore
import MediaTesting
import NIOCore
import Testing

@testable import HTTPFrontends

/// What every front-end gets from the responder.
@Suite struct FrontendResponderTests {
    private static let server = LiveServer { request, context in
        switch request.uri.path {
        case "/unknown": return nil
        case "/fails":
            context.trace.operation = "test.fail"
            context.trace.error = "accessDenied: no\nsecond line"
            return Response(status: .forbidden, headers: [.accessControlAllowOrigin: "https://its.own"])
        case "/echo":
            do {
                return Response(status: .ok, body: ResponseBody(byteBuffer: try await request.collect(upTo: 10, context)))
            } catch {
                return Response(status: .contentTooLarge)
            }
        default: return Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(string: "fine")))
        }
    }

    private func execute(
        _ uri: String, _ method: HTTPRequest.Method = .get, _ headers: HTTPFields = [:], body: String? = nil,
        on server: LiveServer = server
    ) async throws -> (response: TestResponse, line: String) {
        try await server.run { running in
            let response = try await running.client.execute(
                uri: uri, method: method, headers: headers, body: body.map { ByteBuffer(string: $0) })
            return (response, try await running.log.lines(count: 1)[0])
        }
    }

    @Test func aPathThatNoFrontendKnowsIs404() async throws {
        let (response, line) = try await execute("/unknown?x=1")
        #expect(response.status == .notFound)
        #expect(
            String(buffer: response.body)
                == #"{"statusCode":"404","error":"Not Found","message":"Route GET:/unknown?x=1 not found","code":"InvalidRequest"}"#
        )
        #expect(line.contains(#""operation":"unrouted""#))
    }

    @Test func aPlainRequestIDIsKeptAndAnyOtherReplaced() async throws {
        let kept = try await execute("/", .get, [.xRequestID: "proxy-1.a_B"])
        #expect(kept.response.headers[.xRequestID] == "proxy-1.a_B")
        #expect(kept.line.contains(#""request_id":"proxy-1.a_B""#))

        for bad in ["has space", "quote\"", String(repeating: "x", count: 65), "ü"] {
            let replaced = try await execute("/", .get, [.xRequestID: bad])
            let id = try #require(replaced.response.headers[.xRequestID])
            #expect(id != bad && id.utf8.count == 15)
            #expect(replaced.line.contains(#""request_id":"\#(id)""#))
        }
    }

    @Test func freshRequestIDsDiffer() {
        #expect(Set((0..<10_000).map { _ in RequestID.next() }).count == 10_000)
    }

    @Test func aLogLineHasNoQueryAndNoTokens() async throws {
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.c2lnbmF0dXJl"
        let (_, line) = try await execute("/a/\(jwt)/b?token=\(jwt)&x=secret", .get, [.authorization: "Bearer \(jwt)"])
        #expect(line.contains(#""path":"/a/[redacted]/b""#))
        #expect(!line.contains("eyJ") && !line.contains("secret"))
    }

    @Test func aLogLineTellsOfTheError() async throws {
        let (_, line) = try await execute("/fails")
        #expect(line.contains(#""status":403,"operation":"test.fail""#))
        #expect(line.hasSuffix(#","error":"accessDenied: no\nsecond line"}"#))
    }

    @Test func bytesOfTheBodyAreCounted() async throws {
        let (response, line) = try await execute("/echo", .post, body: "0123456789")
        #expect(String(buffer: response.body) == "0123456789")
        #expect(line.contains(#""bytes_in":10,"bytes_out":10}"#))
    }

    @Test func aCollectedBodyIsBounded() async throws {
        #expect(try await execute("/echo", .post, body: "0123456789x").response.status == .contentTooLarge)
        let chunked = try await Self.server.run { running in
            try await RawConnection.with(port: running.port) { connection in
                try await connection.send(
                    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n01234567\r\n8\r\n01234567\r\n0\r\n\r\n"
                )
                return try await connection.receive { $0.contains("\r\n\r\n") }
            }
        }
        #expect(chunked.statuses == [413])
    }

    @Test func headIsAnsweredLikeGetWithoutTheBody() async throws {
        let (response, _) = try await execute("/", .head)
        #expect(response.headers[.contentLength] == "4")
        #expect(response.body.readableBytes == 0)
    }

    @Test func aPreflightIsAnsweredForAnyOriginAndWhateverHeaders() async throws {
        let (response, line) = try await execute(
            "/object/x", .options,
            [
                .origin: "https://app.example", .accessControlRequestMethod: "PATCH",
                .accessControlRequestHeaders: "x-own,  upload-offset",
            ])
        #expect(response.status == .noContent)
        #expect(response.headers[.accessControlAllowOrigin] == "*")
        #expect(response.headers[.accessControlAllowMethods]?.contains("PATCH") == true)
        #expect(response.headers[.accessControlAllowHeaders] == "x-own, upload-offset")
        #expect(line.contains("cors.preflight"))
    }

    @Test func aPreflightThatAsksForNonsenseGetsTheKnownList() async throws {
        let (response, _) = try await execute(
            "/", .options, [.origin: "https://a", .accessControlRequestMethod: "GET", .accessControlRequestHeaders: "a b, {}"])
        #expect(response.headers[.accessControlAllowHeaders]?.contains("x-upsert") == true)
        #expect(response.headers[.accessControlAllowHeaders]?.contains("{") == false)
    }

    @Test func otherOptionsRequestsReachTheFrontends() async throws {
        #expect(try await execute("/", .options).response.status == .ok)
    }

    @Test func answersCanBeReadByPages() async throws {
        let (response, _) = try await execute("/")
        #expect(response.headers[.accessControlAllowOrigin] == "*")
        let exposed = try #require(response.headers[.accessControlExposeHeaders])
        for name in ["content-range", "etag", "location", "upload-offset", "tus-resumable", "x-request-id"] {
            #expect(exposed.contains(name))
        }
        #expect(try await execute("/fails").response.headers[.accessControlAllowOrigin] == "https://its.own")
    }

    @Test func onlyConfiguredOriginsAreAllowed() async throws {
        var server = Self.server
        server.cors = CORSPolicy(origins: .only(["https://app.example"]))
        let known = try await execute("/", .get, [.origin: "https://app.example"], on: server).response.headers
        let other = try await execute("/", .get, [.origin: "https://evil.example"], on: server).response.headers
        #expect(known[.accessControlAllowOrigin] == "https://app.example")
        #expect(other[.accessControlAllowOrigin] == nil && other[.accessControlExposeHeaders] == nil)
        #expect(other[.vary] == "Origin")
    }

    @Test func randomBytesNeverTakeTheServerDown() async throws {
        try await Self.server.run { running in
            var random = SeededGenerator(seed: 7)
            let words = [
                "GET ", "POST ", "/", " HTTP/1.1", "\r\n", "\r\n\r\n", "Host: a", "Content-Length: ",
                "Transfer-Encoding: chunked", "5", "\u{0}",
                "ffffffffffffffff\r\n", ":", " ", "\n", "Expect: 100-continue", "0\r\n\r\n", "Connection: close",
                "Range: bytes=0-",
            ]
            for _ in 0..<150 {
                var bytes = ByteBuffer()
                for _ in 0..<Int.random(in: 1...12, using: &random) {
                    if Bool.random(using: &random), let word = words.randomElement(using: &random) {
                        bytes.writeString(word)
                    } else {
                        for _ in 0..<Int.random(in: 0...8, using: &random) {
                            bytes.writeInteger(UInt8.random(in: 0...255, using: &random))
                        }
                    }
                }
                try await RawConnection.with(port: running.port) { connection in try await connection.send(bytes) }
            }
            #expect(try await running.client.execute(uri: "/", method: .get).status == .ok)
        }
    }
}
