// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import MediaCore
import NIOCore
import Testing

@testable import HTTPFrontends

/// Blobs on their way out: from buffers, files and streams, whole and in ranges, by the kernel and in chunks.
@Suite struct DeliveryTests {
    /// Serves `content()` at every path.
    private static func server(
        sendsFiles: Bool = true, _ content: @escaping @Sendable () throws -> BlobContent
    ) -> LiveServer {
        var server = LiveServer { request, context in
            do {
                return try await Response.delivering(
                    try content(), status: .ok, headers: [.contentType: "application/octet-stream"], to: request, context)
            } catch {
                context.trace.error = "\(error)"
                return Response(status: .internalServerError)
            }
        }
        server.sendsFiles = sendsFiles
        return server
    }

    private static func file(_ bytes: [UInt8], _ range: Range<Int64>? = nil, isOpen: Shared<Bool> = Shared(false)) throws
        -> BlobContent
    {
        BlobContent(
            source: .file(try TestFile(bytes, isOpen: isOpen)), size: Int64(bytes.count), range: range ?? 0..<Int64(bytes.count))
    }

    private func get(_ server: LiveServer, _ method: HTTPRequest.Method = .get) async throws -> (TestResponse, [String]) {
        try await server.run { running in
            let response = try await running.client.execute(uri: "/o?token=no", method: method)
            return (response, try await running.log.lines(count: 1))
        }
    }

    @Test(arguments: [0, 1, 1000, 65_536, 65_537, 262_144, 1_048_576, 3_000_001], [true, false])
    func aFileArrivesWhole(_ size: Int, _ sendsFiles: Bool) async throws {
        let expected = TestFile.bytes(size)
        let (response, lines) = try await get(Self.server(sendsFiles: sendsFiles) { try Self.file(expected) })

        #expect(response.status == .ok)
        #expect(response.headers[.contentLength] == String(size))
        #expect(Array(response.body.readableBytesView) == expected)
        #expect(lines.first?.contains(#""bytes_out":\#(size)}"#) == true)
    }

    @Test(arguments: [0..<1, 999..<100_000, 70_000..<2_000_001, 2_000_000..<2_000_001] as [Range<Int64>], [true, false])
    func aRangeOfAFileArrives(_ range: Range<Int64>, _ sendsFiles: Bool) async throws {
        let whole = TestFile.bytes(2_000_001)
        let (response, _) = try await get(Self.server(sendsFiles: sendsFiles) { try Self.file(whole, range) })

        #expect(Array(response.body.readableBytesView) == Array(whole[Int(range.lowerBound)..<Int(range.upperBound)]))
    }

    @Test(arguments: [100, 500_000], [true, false])
    func headSendsNoBody(_ size: Int, _ sendsFiles: Bool) async throws {
        let bytes = TestFile.bytes(size)
        let (response, lines) = try await get(Self.server(sendsFiles: sendsFiles) { try Self.file(bytes) }, .head)

        #expect(response.headers[.contentLength] == String(size))
        #expect(response.body.readableBytes == 0)
        #expect(lines.first?.contains(#""bytes_out":0}"#) == true)
    }

    @Test func severalFilesFollowEachOtherOnOneConnection() async throws {
        let bytes = TestFile.bytes(300_000)
        let received = try await Self.server { try Self.file(bytes) }.run { running in
            try await RawConnection.with(port: running.port) { connection in
                try await connection.send(
                    String(repeating: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", count: 5)
                        + "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                return try await connection.countToEnd()
            }
        }
        #expect((6 * 300_000..<6 * 301_000).contains(received))
    }

    @Test(arguments: [true, false])
    func anAbortedDownloadClosesTheFileAndIsLogged(_ sendsFiles: Bool) async throws {
        let isOpen = Shared(false)
        let bytes = TestFile.bytes(30 << 20)
        let lines = try await Self.server(sendsFiles: sendsFiles) { try Self.file(bytes, isOpen: isOpen) }.run { running in
            try await RawConnection.with(port: running.port) { connection in
                try await connection.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
                _ = try await connection.receive { $0.utf8.count > 1000 }
            }
            return try await running.log.lines(count: 1)
        }
        #expect(lines.first?.contains(#""path":"/big","status":499"#) == true, "\(lines)")
        let deadline = ContinuousClock.now + .seconds(5)
        while isOpen.value, ContinuousClock.now < deadline { await Task.yield() }
        #expect(!isOpen.value)
    }

    @Test(arguments: [true, false])
    func aFinishedDownloadClosesTheFile(_ sendsFiles: Bool) async throws {
        let isOpen = Shared(false)
        _ = try await get(Self.server(sendsFiles: sendsFiles) { try Self.file(TestFile.bytes(500_000), isOpen: isOpen) })
        let deadline = ContinuousClock.now + .seconds(5)
        while isOpen.value, ContinuousClock.now < deadline { await Task.yield() }
        #expect(!isOpen.value)
    }

    @Test(arguments: [1000, 400_000])
    func aFileThatIsShorterThanItsRecordIsAnError(_ size: Int) async throws {
        let (response, lines) = try await get(
            Self.server {
                BlobContent(
                    source: .file(try TestFile(TestFile.bytes(size), isOpen: Shared(false))), size: Int64(size) + 1,
                    range: 0..<Int64(size) + 1)
            })
        #expect(response.status == .internalServerError)
        #expect(lines.first?.contains("blobMissing") == true, "\(lines)")
    }

    @Test func aFileThatShrinksWhileItIsSentCutsTheConnection() async throws {
        let count = 40 << 20
        let lines = try await Self.server(sendsFiles: false) {
            let file = try TestFile(TestFile.bytes(count), isOpen: Shared(false))
            return BlobContent(source: .file(Shrinking(file)), size: Int64(count), range: 0..<Int64(count))
        }.run { running in
            let received = try await RawConnection.with(port: running.port) { connection in
                try await connection.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                return try await connection.countToEnd()
            }
            #expect(received < count)
            return try await running.log.lines(count: 1)
        }
        #expect(lines.first?.contains(#""status":500"#) == true, "\(lines)")
        #expect(lines.first?.contains("blobMissing") == true, "\(lines)")
    }

    /// Loses its second half the third time that someone asks for its descriptor: after its size was checked.
    private final class Shrinking: BlobFile {
        private let file: TestFile
        private let uses = Shared(0)
        init(_ file: TestFile) { self.file = file }
        var descriptor: CInt {
            uses.update { $0 += 1 }
            if uses.value == 3 { ftruncate(file.descriptor, 20 << 20) }
            return file.descriptor
        }
        func stream(_ range: Range<Int64>) -> ByteStream { file.stream(range) }
    }

    @Test(arguments: [[3, 3, 4], [10], [4, 7], [3, 3]])
    func aStreamMustKeepItsWord(_ chunks: [Int]) async throws {
        let stream = AsyncStream<ByteBuffer> { continuation in
            for count in chunks { continuation.yield(ByteBuffer(repeating: 0x61, count: count)) }
            continuation.finish()
        }
        let keepsIt = chunks.reduce(0, +) == 10
        let (text, lines) = try await Self.server {
            BlobContent(source: .stream(ByteStream(length: 10, chunks: Throwing(base: stream))), size: 10, range: 0..<10)
        }.run { running in
            let received = try await RawConnection.with(port: running.port) { connection in
                try await connection.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                return try await connection.receiveToEnd()
            }
            return (received.text, try await running.log.lines(count: 1))
        }
        #expect(text.hasSuffix("\r\n\r\naaaaaaaaaa") == keepsIt)
        #expect(lines.first?.contains(keepsIt ? #""status":200"# : #""status":500"#) == true, "\(lines)")
    }

    @Test func aBufferIsSentAsItIs() async throws {
        let (response, _) = try await get(
            Self.server { BlobContent(source: .buffer(ByteBuffer(string: "in memory")), size: 100, range: 5..<14) })
        #expect(String(buffer: response.body) == "in memory")
    }
}

/// A stream that can't fail, where one is wanted that may.
private struct Throwing<Base: AsyncSequence & Sendable>: AsyncSequence, Sendable where Base.Element: Sendable {
    typealias Failure = any Error
    let base: Base
    struct AsyncIterator: AsyncIteratorProtocol {
        var base: Base.AsyncIterator
        mutating func next() async throws -> Base.Element? { try await base.next() }
    }
    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: base.makeAsyncIterator()) }
}
