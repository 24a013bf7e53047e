// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Testing

@testable import HTTPFrontends

/// Reads that never leave the event loop, between requests that do.
@Suite struct HotReadTests {
    private static func server(_ cors: CORSPolicy = CORSPolicy()) -> LiveServer {
        let answer = HotAnswer(
            head: HTTPResponse(status: .ok, headerFields: [.contentType: "text/plain", .eTag: "\"v1\""]),
            body: ByteBuffer(string: "hot body"), frontend: "test", operation: "test.hot")
        let large = HotAnswer(
            head: HTTPResponse(status: .ok), body: ByteBuffer(repeating: UInt8(ascii: "~"), count: 100_000), frontend: "test",
            operation: "test.large")
        var server = LiveServer { request, context in
            context.trace.operation = "test.cold"
            // Give what is behind this request every chance to overtake it.
            for _ in 0..<50 { await Task.yield() }
            let body = try? await request.collect(upTo: 1 << 20, context)
            return Response(
                status: .ok,
                body: ResponseBody(byteBuffer: ByteBuffer(string: "cold \(request.uri.path) \(body?.readableBytes ?? -1)")))
        }
        server.cors = cors
        server.hot = { request in
            if request.target.hasPrefix("/hot/") {
                return HotAnswer(
                    head: HTTPResponse(status: .ok), body: ByteBuffer(string: "hot \(request.target) 0"), frontend: "test",
                    operation: "test.hot")
            }
            if request.target.hasPrefix("/hot") { return answer }
            return request.target == "/large" ? large : nil
        }
        return server
    }

    private func exchange(_ request: String, with server: LiveServer = server()) async throws -> (
        RawConnection.Received, [String]
    ) {
        try await server.run { running in
            let received = try await RawConnection.with(port: running.port) { connection in
                try await connection.send(request)
                return try await connection.receiveToEnd()
            }
            return (received, running.log.lines())
        }
    }

    private static let last = "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

    @Test func aHotReadIsAnsweredInFull() async throws {
        let (received, lines) = try await exchange(
            "GET /hot?token=secret HTTP/1.1\r\nHost: a\r\nX-Request-ID: abc-1\r\n\r\n" + Self.last)

        let first = received.text.components(separatedBy: "hot body")[0]
        #expect(first.hasPrefix("HTTP/1.1 200 OK\r\n"))
        for field in [
            "Content-Type: text/plain", "content-length: 8", "ETag: \"v1\"", "x-request-id: abc-1",
            "access-control-allow-origin: *",
        ] {
            #expect(first.lowercased().contains("\r\n\(field.lowercased())\r\n"), "\(field)")
        }
        #expect(first.contains("\r\ndate: "))
        #expect(
            lines.first?.contains(#""request_id":"abc-1","method":"GET","path":"/hot","status":200,"operation":"test.hot""#)
                == true)
        #expect(lines.first?.contains(#""bytes_in":0,"bytes_out":8}"#) == true)
    }

    @Test func headHasTheLengthAndNoBody() async throws {
        let (received, _) = try await exchange("HEAD /hot HTTP/1.1\r\nHost: a\r\n\r\n" + Self.last)
        #expect(received.text.contains("content-length: 8\r\n"))
        #expect(!received.text.contains("hot body"))
    }

    @Test func aLargeBodyArrivesWhole() async throws {
        let (received, _) = try await exchange("GET /large HTTP/1.1\r\nHost: a\r\n\r\n" + Self.last)
        #expect(received.text.count { $0 == "~" } == 100_000)
        #expect(received.statuses == [200, 200])
    }

    @Test func answersKeepTheOrderOfRequestsWhateverServesThem() async throws {
        let paths = "hcchhchccchh".enumerated().map { index, kind in kind == "h" ? "/hot/\(index)" : "/\(index)" }
        let requests = paths.map { path in
            path.hasPrefix("/hot")
                ? "GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n" : "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
        }
        // At once, and one by one while the ones before are being served.
        for pieces in [[requests.joined() + Self.last], requests + [Self.last]] {
            let received = try await Self.server().run { running in
                try await RawConnection.with(port: running.port) { connection in
                    for piece in pieces { try await connection.send(piece) }
                    return try await connection.receiveToEnd()
                }
            }
            let bodies = received.text.components(separatedBy: "\r\n\r\n").dropFirst().map {
                $0.components(separatedBy: "HTTP/1.1")[0]
            }
            #expect(bodies.map { $0.split(separator: " ")[1].description } == paths + ["/last"])
        }
    }

    @Test(arguments: [
        "Content-Length: 3\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ])
    func aReadWithABodyIsNotHot(_ rest: String) async throws {
        let (received, _) = try await exchange("GET /hot HTTP/1.1\r\nHost: a\r\n\(rest)" + Self.last)
        #expect(received.text.contains("cold /hot 3"))
        #expect(received.statuses == [200, 200])
    }

    @Test(arguments: ["POST /hot HTTP/1.1\r\nHost: a\r\nContent-Length: 0", "GET /hot HTTP/1.1\r\nHost: a\r\nUpgrade: h2c"])
    func onlyPlainReadsAreHot(_ head: String) async throws {
        let (received, _) = try await exchange("\(head)\r\n\r\n" + Self.last)
        #expect(received.text.contains("cold /hot"))
    }

    @Test func aConnectionToBeClosedGoesTheSlowWayAndIsClosed() async throws {
        let (received, _) = try await exchange("GET /hot HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(received.isEnd)
        #expect(received.text.contains("cold /hot"))
    }

    @Test func aRequestInPiecesIsHotToo() async throws {
        let received = try await Self.server().run { running in
            try await RawConnection.with(port: running.port) { connection in
                for piece in ["GET /h", "ot HTTP/1.1\r\nHo", "st: a\r\n\r", "\n"] {
                    try await connection.send(piece)
                    await Task.yield()
                }
                return try await connection.receive { $0.hasSuffix("hot body") }
            }
        }
        #expect(received.statuses == [200])
    }

    @Test func knownOriginsAreEchoedAndOthersAreNot() async throws {
        let server = Self.server(CORSPolicy(origins: .only(["https://a.example"])))
        let (known, _) = try await exchange(
            "GET /hot HTTP/1.1\r\nHost: a\r\nOrigin: https://a.example\r\n\r\n" + Self.last, with: server)
        let (other, _) = try await exchange(
            "GET /hot HTTP/1.1\r\nHost: a\r\nOrigin: https://b.example\r\n\r\n" + Self.last, with: server)

        #expect(known.text.contains("access-control-allow-origin: https://a.example\r\n"))
        #expect(!other.text.contains("access-control-allow-origin"))
        #expect(other.text.contains("vary: Origin"))
    }

    @Test func aClientThatReadsNothingStopsTheHotPath() async throws {
        // 2000 answers of 100 kB to a client that reads none until it has sent all requests: held back, not piled up.
        let (received, lines) = try await exchange(
            String(repeating: "GET /large HTTP/1.1\r\nHost: a\r\n\r\n", count: 300) + Self.last)
        #expect(received.statuses.count == 301)
        #expect(lines.contains { $0.contains("test.large") })
    }

    @Test func hotReadsAreCounted() async throws {
        let text = try await Self.server().run { running in
            _ = try await RawConnection.with(port: running.port) { connection in
                try await connection.send("GET /hot HTTP/1.1\r\nHost: a\r\n\r\n" + Self.last)
                return try await connection.receiveToEnd()
            }
            _ = try await running.log.lines(count: 2)
            return running.registry.render()
        }
        #expect(text.contains(#"magpie_http_requests_total{frontend="test",operation="test.hot",method="GET",status="2xx"} 1"#))
        #expect(
            text.contains(
                #"magpie_http_request_duration_seconds_count{frontend="test",operation="test.cold",method="GET",status="2xx"} 1"#)
        )
    }
}
