// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import NIOCore
import Testing

@testable import HTTPFrontends

/// Large files that the kernel sends: what arrives, in which order, and who is waited for.
@Suite(.timeLimit(.minutes(1))) struct FileSendingTests {
    private static let size = 20_000_003
    private static let bytes = TestFile.bytes(size)

    /// `/file` is the whole file, `/file?a-b` a range of it, anything else a short text.
    private static func server(_ file: TestFile) -> LiveServer {
        let count = Int64(bytes.count)
        return LiveServer { request, context in
            guard request.uri.path == "/file" else {
                return Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(string: "<\(request.uri.path)>")))
            }
            let bounds = (request.uri.query ?? "").split(separator: "-").compactMap { Int64($0) }
            let range = bounds.count == 2 ? bounds[0]..<bounds[1] : 0..<count
            do {
                return try await Response.delivering(
                    BlobContent(source: .file(file), size: count, range: range), status: .ok, headers: [:], to: request, context)
            } catch {
                context.trace.error = "\(error)"
                return Response(status: .internalServerError)
            }
        }
    }

    private static func request(_ target: String, _ method: String = "GET", closes: Bool = false) -> String {
        "\(method) \(target) HTTP/1.1\r\nHost: a\r\n\(closes ? "Connection: close\r\n" : "")\r\n"
    }

    /// The body behind the head of the next response, which must say how long it is.
    private func body(in bytes: inout ByteBuffer) throws -> ByteBuffer {
        let head = try #require(bytes.readableBytesView.firstRange(of: Array("\r\n\r\n".utf8)))
        let length = head.upperBound - bytes.readerIndex
        let start = bytes.readString(length: length)
        let text = try #require(start)
        let field = try #require(text.lowercased().split(separator: "\r\n").first { $0.hasPrefix("content-length: ") })
        let count = try #require(Int(field.dropFirst("content-length: ".count)))
        let body = bytes.readSlice(length: count)
        return try #require(body)
    }

    @Test(arguments: [false, true])
    func aLargeFileArrivesByteForByte(isOnDisk: Bool) async throws {
        let file = try TestFile(Self.bytes)
        if isOnDisk { try file.evict() }
        let (received, lines) = try await Self.server(file).run { running in
            try await RawConnection.with(port: running.port) { connection in
                try await connection.send(Self.request("/file", closes: true))
                return (try await connection.receive(count: .max), try await running.log.lines(count: 1))
            }
        }
        var all = received
        #expect(try body(in: &all) == ByteBuffer(bytes: Self.bytes))
        #expect(all.readableBytes == 0)
        #expect(lines.first?.contains(#""bytes_out":\#(Self.size)}"#) == true, "\(lines)")
    }

    @Test(arguments: [0..<65_537, 1_048_575..<3_145_729, 7..<8_000_000, 12_345_678..<20_000_003] as [Range<Int>], [false, true])
    func aRangeOfALargeFileArrivesByteForByte(range: Range<Int>, isOnDisk: Bool) async throws {
        let file = try TestFile(Self.bytes)
        if isOnDisk { try file.evict() }
        var received = try await Self.server(file).run { running in
            try await RawConnection.with(port: running.port) { connection in
                try await connection.send(Self.request("/file?\(range.lowerBound)-\(range.upperBound)", closes: true))
                return try await connection.receive(count: .max)
            }
        }
        #expect(try body(in: &received) == ByteBuffer(bytes: Self.bytes[range]))
        #expect(received.readableBytes == 0)
    }

    @Test(arguments: [false, true])
    func whatIsPipelinedBehindAFileWaitsForItsTurn(isOnDisk: Bool) async throws {
        let file = try TestFile(Self.bytes)
        if isOnDisk { try file.evict() }
        let (received, lines) = try await Self.server(file).run { running in
            try await RawConnection.with(port: running.port) { connection in
                try await connection.send(
                    ["/1", "/file", "/2", "/3", "/file?5-2000005", "/file?0-300000", "/4"].map { Self.request($0) }.joined()
                        + Self.request("/5", closes: true))
                return (try await connection.receive(count: .max), try await running.log.lines(count: 8))
            }
        }
        var all = received
        #expect(String(buffer: try body(in: &all)) == "</1>")
        #expect(try body(in: &all) == ByteBuffer(bytes: Self.bytes))
        #expect(String(buffer: try body(in: &all)) == "</2>")
        #expect(String(buffer: try body(in: &all)) == "</3>")
        #expect(try body(in: &all) == ByteBuffer(bytes: Self.bytes[5..<2_000_005]))
        #expect(try body(in: &all) == ByteBuffer(bytes: Self.bytes[..<300_000]))
        #expect(String(buffer: try body(in: &all)) == "</4>")
        #expect(String(buffer: try body(in: &all)) == "</5>")
        #expect(all.readableBytes == 0)
        #expect(lines.allSatisfy { $0.contains(#""status":200"#) }, "\(lines)")
    }

    @Test func aClientThatSendsNoMoreStillGetsItsFile() async throws {
        let file = try TestFile(Self.bytes)
        var received = try await Self.server(file).run { running in
            try await RawConnection.with(port: running.port) { connection in
                try await connection.send(Self.request("/file"))
                connection.outbound.finish()
                return try await connection.receive(count: .max)
            }
        }
        #expect(try body(in: &received) == ByteBuffer(bytes: Self.bytes))
    }

    @Test func headOfALargeFileHasItsLengthAndNoBody() async throws {
        let file = try TestFile(Self.bytes)
        let received = try await Self.server(file).run { running in
            try await RawConnection.with(port: running.port) { connection in
                try await connection.send(Self.request("/file", "HEAD") + Self.request("/next", closes: true))
                return try await connection.receiveToEnd()
            }
        }
        #expect(received.statuses == [200, 200])
        #expect(received.text.lowercased().contains("content-length: \(Self.size)\r\n"))
        #expect(received.text.hasSuffix("</next>"))
    }

    @Test func aClientThatStopsReadingIsCut() async throws {
        let file = try TestFile(Self.bytes)
        var server = Self.server(file)
        server.limits.sendTimeout = .milliseconds(400)
        let began = ContinuousClock.now
        let lines = try await server.run { running in
            try await RawConnection.with(port: running.port, receiveBuffer: 64 << 10) { connection in
                try await connection.send(Self.request("/file"))
                _ = try await connection.next()
                return try await running.log.lines(count: 1)
            }
        }
        #expect(ContinuousClock.now - began > .milliseconds(400))
        #expect(lines.first?.contains(#""status":499"#) == true, "\(lines)")
    }

    @Test func aClientThatReadsSlowlyButSteadilyIsNotCut() async throws {
        let file = try TestFile(Self.bytes)
        var server = Self.server(file)
        server.limits.sendTimeout = .milliseconds(500)
        var received = try await server.run { running in
            try await RawConnection.with(port: running.port, receiveBuffer: 64 << 10) { connection in
                try await connection.send(Self.request("/file?0-6000000", closes: true))
                let began = ContinuousClock.now
                var all = ByteBuffer()
                while let part = try await connection.next() {
                    all.writeImmutableBuffer(part)
                    // 1.25 MB a second: one region alone takes longer than the timeout.
                    try await Task.sleep(until: began + .microseconds(all.readableBytes * 4 / 5), clock: .continuous)
                }
                return all
            }
        }
        #expect(try body(in: &received) == ByteBuffer(bytes: Self.bytes[..<6_000_000]))
    }

    @Test(arguments: [0, 9_000_000])
    func aFileThatIsTruncatedWhileItIsSentEndsTheConnectionSoon(rest: Int) async throws {
        let file = try TestFile(Self.bytes)
        let lines = try await Self.server(file).run { running in
            try await RawConnection.with(port: running.port, receiveBuffer: 64 << 10) { connection in
                try await connection.send(Self.request("/file"))
                let first = try await connection.receive(count: 100_000)
                try file.truncate(to: rest)
                let began = ContinuousClock.now
                let all = first.readableBytes + (try await connection.receive(count: .max)).readableBytes
                #expect(all < Self.size)
                #expect(ContinuousClock.now - began < .seconds(5))
                return try await running.log.lines(count: 1)
            }
        }
        #expect(lines.first?.contains(#""status":500"#) == true, "\(lines)")
        #expect(lines.first?.contains("blobMissing") == true, "\(lines)")
    }
}
