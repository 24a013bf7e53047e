// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import NIOCore
import Testing

@testable import HTTPFrontends

/// What a connection does with clients that are wrong, slow or greedy.
@Suite struct ConnectionGuardTests {
    private static func text(_ text: String, _ status: HTTPResponse.Status = .ok) -> Response {
        Response(status: status, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    private static let ok = LiveServer { _, _ in text("fine") }

    private func exchange(_ request: String, with server: LiveServer = ok) async throws -> RawConnection.Received {
        try await server.run { running in
            try await RawConnection.with(port: running.port) { connection in
                try await connection.send(request)
                return try await connection.receiveToEnd()
            }
        }
    }

    @Test func oversizedHeaderFieldsAreAnsweredAndTheConnectionCloses() async throws {
        var server = Self.ok
        server.limits.headerBytes = 4096
        let received = try await exchange(
            "GET / HTTP/1.1\r\nHost: a\r\nX-Big: \(String(repeating: "x", count: 20_000))\r\n\r\n", with: server)

        #expect(received.statuses == [431])
        #expect(received.text.contains("connection: close"))
        #expect(received.text.contains(#""message":"The header fields of the request are too large""#))
    }

    @Test func manySmallFieldsAreTooLargeTogether() async throws {
        var server = Self.ok
        server.limits.headerBytes = 4096
        let fields = (0..<200).map { "X-\($0): \(String(repeating: "y", count: 40))\r\n" }.joined()

        #expect(try await exchange("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n", with: server).statuses == [431])
    }

    @Test(arguments: [2000, 100_000])
    func aTargetThatIsTooLongIsNamedAsThat(_ length: Int) async throws {
        var server = Self.ok
        server.limits.targetBytes = 1000
        server.limits.headerBytes = 8192
        let received = try await exchange(
            "GET /\(String(repeating: "k", count: length)) HTTP/1.1\r\nHost: a\r\n\r\n", with: server)

        #expect(received.statuses == [414])
    }

    @Test(arguments: [
        "NONSENSE\r\n\r\n",
        "GET / HTTP/1.1\r\nHost a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n: empty\r\n\r\n",
        "GET / HTTP/1.1\r\nHo st: a\r\n\r\n",
        "GET  /  HTTP/1.1\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\r\n\r\n",
    ])
    func whatIsNotARequestIsAnswered400(_ request: String) async throws {
        let received = try await exchange(request)
        #expect(received.statuses == [400], "\(received)")
        #expect(received.isEnd)
    }

    @Test(arguments: [
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        "Content-Length: 3\r\nContent-Length: 4\r\n",
        "Content-Length: 3\r\nContent-Length: 3\r\n",
        "Content-Length: 3, 3\r\n",
        "Content-Length: +3\r\n",
        "Content-Length: -3\r\n",
        "Content-Length: 0x3\r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
    ])
    func aBodyWhoseLengthIsAmbiguousIsRefused(_ fields: String) async throws {
        let reached = Shared(false)
        let server = LiveServer { _, _ in
            reached.update { $0 = true }
            return Self.text("fine")
        }
        let received = try await exchange("POST / HTTP/1.1\r\nHost: a\r\n\(fields)\r\nabc", with: server)

        #expect(received.statuses.count == 1)
        #expect([400, 501].contains(received.statuses.first), "\(received)")
        #expect(!reached.value)
    }

    @Test(arguments: ["", "Host: a\r\nHost: b\r\n"])
    func aRequestNamesExactlyOneHost(_ hosts: String) async throws {
        #expect(try await exchange("GET / HTTP/1.1\r\n\(hosts)\r\n").statuses == [400])
    }

    @Test func anOldClientIsAnsweredInItsVersionAndTheConnectionCloses() async throws {
        let server = LiveServer { _, _ in
            Response(
                status: .ok,
                body: ResponseBody { writer in
                    try await writer.write(ByteBuffer(string: "unframed"))
                    try await writer.finish(nil)
                })
        }
        let received = try await exchange("GET / HTTP/1.0\r\n\r\n", with: server)

        #expect(received.text.hasPrefix("HTTP/1.0 200"))
        #expect(received.text.hasSuffix("\r\n\r\nunframed"))
        #expect(received.isEnd)
    }

    @Test func aHeadInPiecesIsUnderstood() async throws {
        let received = try await Self.ok.run { running in
            try await RawConnection.with(port: running.port) { connection in
                for piece in ["GE", "T / HT", "TP/1.1\r\nHo", "st: a\r", "\nConnection: close\r\n", "\r", "\n"] {
                    try await connection.send(piece)
                    await Task.yield()
                }
                return try await connection.receiveToEnd()
            }
        }
        #expect(received.statuses == [200])
    }

    @Test func aHeadThatNeverEndsIsAnswered408() async throws {
        var server = Self.ok
        server.limits.headerTimeout = .milliseconds(100)
        let received = try await exchange("GET / HTTP/1.1\r\nHost:", with: server)

        #expect(received.statuses == [408])
        #expect(received.isEnd)
    }

    @Test func anIdleConnectionIsClosedWithoutAWord() async throws {
        var server = Self.ok
        server.limits.idleTimeout = .seconds(4)
        let received = try await server.run { running in
            try await RawConnection.with(port: running.port) { connection in
                try await connection.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                return try await connection.receiveToEnd()
            }
        }
        #expect(received.statuses == [200])
        #expect(received.isEnd)
    }

    @Test func aBodyThatStopsComingFailsTheRequest() async throws {
        var server = LiveServer { request, context in
            do {
                return Self.text("\(try await request.collect(upTo: 1 << 20, context).readableBytes)")
            } catch {
                return Self.text("\((error as? StorageError)?.message ?? "\(error)")", .badRequest)
            }
        }
        server.limits.bodyIdleTimeout = .milliseconds(100)
        let received = try await exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc", with: server)

        #expect(received.statuses == [400])
        #expect(received.text.contains("did not arrive in time"))
        #expect(received.isEnd)
    }

    @Test func aBodyThatDripsIsTooSlow() async throws {
        var server = LiveServer { request, context in
            do {
                return Self.text("\(try await request.collect(upTo: 1 << 20, context).readableBytes)")
            } catch {
                return Self.text("slow", .badRequest)
            }
        }
        server.limits.bodyGracePeriod = .milliseconds(200)
        server.limits.minimumBodyRate = 100_000
        let received = try await server.run { running in
            try await RawConnection.with(port: running.port) { connection in
                try await connection.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
                let outbound = connection.outbound
                let drip = Task {
                    while !Task.isCancelled {
                        try await outbound.write(ByteBuffer(string: "x"))
                        try await Task.sleep(for: .milliseconds(20))
                    }
                }
                defer { drip.cancel() }
                return try await connection.receive { $0.contains("slow") }
            }
        }
        #expect(received.statuses == [400])
    }

    @Test func aSlowServerIsNotTheClientsFault() async throws {
        var server = LiveServer { request, context in
            var count = 0
            do {
                for try await part in request.byteStream(context).chunks {
                    count += part.readableBytes
                    try await Task.sleep(for: .milliseconds(150))
                }
            } catch {
                return Self.text("failed", .badRequest)
            }
            return Self.text("\(count)")
        }
        server.limits.bodyIdleTimeout = .milliseconds(400)
        server.limits.bodyGracePeriod = .seconds(10)
        let received = try await exchange(
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 300000\r\n\r\n"
                + String(repeating: "b", count: 300_000),
            with: server)
        #expect(received.text.hasSuffix("300000"), "\(received)")
    }

    @Test func continueIsSentWhenTheBodyIsFirstAskedFor() async throws {
        let server = LiveServer { request, context in
            do {
                return Self.text("\(try await request.collect(upTo: 1 << 20, context).readableBytes)")
            } catch {
                return Self.text("failed", .badRequest)
            }
        }
        let received = try await server.run { running in
            try await RawConnection.with(port: running.port) { connection in
                try await connection.send(
                    "PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
                let interim = try await connection.receive { $0.contains("\r\n\r\n") }
                #expect(interim.text == "HTTP/1.1 100 Continue\r\n\r\n")
                try await connection.send("hello")
                return try await connection.receiveToEnd()
            }
        }
        #expect(received.statuses == [200])
        #expect(received.text.hasSuffix("5"))
    }

    @Test func aRefusedUploadIsNeverInvitedAndTheConnectionCloses() async throws {
        let received = try await exchange(
            "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
            with: LiveServer { _, _ in Self.text("no", .forbidden) })

        #expect(received.statuses == [403])
        #expect(received.text.contains("connection: close"))
        #expect(received.isEnd)
    }

    @Test func aLargeUploadThatIsRefusedIsNotReadToItsEndAndItsClientSeesTheAnswer() async throws {
        let server = LiveServer { _, _ in Self.text("too large", .contentTooLarge) }
        let sent = Shared(0)
        let received = try await server.run { running in
            try await RawConnection.with(port: running.port) { connection in
                try await connection.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000000\r\n\r\n")
                let channel = connection.channel
                let upload = Task {
                    let chunk = ByteBuffer(repeating: 0, count: 1 << 20)
                    while !Task.isCancelled {
                        try await channel.writeAndFlush(chunk).get()
                        sent.update { $0 += chunk.readableBytes }
                    }
                }
                defer { upload.cancel() }
                return try await connection.receiveToEnd()
            }
        }

        #expect(received.statuses == [413])
        #expect(received.text.hasSuffix("too large"))
        // What the sockets' buffers hold, and no more.
        #expect(sent.value < 64 << 20)
    }

    @Test func aSmallBodyNobodyReadsKeepsTheConnection() async throws {
        let received = try await exchange(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(received.statuses == [200, 200])
    }

    @Test func whatIsMalformedBehindAGoodRequestIsRefusedAfterItsAnswer() async throws {
        let server = LiveServer { _, _ in
            await Task.yield()
            return Self.text("first")
        }
        let received = try await exchange("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET / NONSENSE\r\n\r\n", with: server)
        #expect(received.statuses == [200, 400])
    }

    @Test func aMalformedChunkFailsTheBody() async throws {
        let server = LiveServer { request, context in
            do {
                return Self.text("\(try await request.collect(upTo: 1 << 20, context).readableBytes)")
            } catch {
                return Self.text("\((error as? StorageError)?.code ?? .internal)", .badRequest)
            }
        }
        let received = try await exchange(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nZZ\r\n", with: server)
        #expect(received.statuses == [400])
        #expect(received.text.hasSuffix("invalidRequest"), "\(received)")
    }

    @Test func headWithoutALengthHasNoBodyOnTheWire() async throws {
        let server = LiveServer { request, _ in
            Response(
                status: .ok,
                body: ResponseBody { writer in
                    try await writer.write(ByteBuffer(string: "unsized"))
                    try await writer.finish(nil)
                })
        }
        let received = try await exchange(
            "HEAD / HTTP/1.1\r\nHost: a\r\n\r\nHEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", with: server)
        #expect(received.statuses == [200, 200])
        #expect(received.text.hasSuffix("\r\n\r\n"))
        #expect(!received.text.contains("\r\n0\r\n"))
    }

    @Test(arguments: ["close", "Close", "keep-alive, close"])
    func aClientThatWantsToCloseIsObeyed(_ value: String) async throws {
        let received = try await exchange("GET / HTTP/1.1\r\nHost: a\r\nConnection: \(value)\r\n\r\n")
        #expect(received.statuses == [200])
        #expect(received.isEnd)
    }

    @Test func anUploadWhoseClientLeavesFailsAsDisconnected() async throws {
        let seen = Shared<StorageError.Code?>(nil)
        let server = LiveServer { request, context in
            do {
                for try await _ in request.byteStream(context).chunks {}
                return Self.text("complete")
            } catch {
                seen.update { $0 = (error as? StorageError)?.code }
                return Self.text("failed", .badRequest)
            }
        }
        let lines = try await server.run { running in
            try await RawConnection.with(port: running.port) { connection in
                try await connection.send("POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
            }
            return try await running.log.lines(count: 1)
        }
        #expect(seen.value == .clientDisconnected)
        #expect(lines.count == 1)
    }
}
