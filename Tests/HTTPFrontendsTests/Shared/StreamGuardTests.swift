// SPDX-License-Identifier: Apache-2.0

import Glibc
import HTTPTypes
import MediaCore
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import Testing

@testable import HTTPFrontends

/// What one stream of HTTP/2 does with clients that break off, wait or ask too much.
@Suite struct StreamGuardTests {
    /// Keeps what passes in front of the guard, as a window that is closed would, and what arrives behind it.
    private final class Line {
        let channel: EmbeddedChannel
        let window = Window()
        let seen = Seen()
        var refusals: [RequestRefusal] = []

        init(_ limits: ConnectionLimits = ConnectionLimits(), connection: TLSGuard? = nil) throws {
            channel = EmbeddedChannel()
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
            let streamGuard = StreamGuard(limits: limits, connection: connection) { [unowned self] in refusals.append($0) }
            try channel.pipeline.syncOperations.addHandlers([window, streamGuard, seen])
        }

        func receive(_ parts: HTTPRequestPart...) {
            for part in parts { channel.pipeline.fireChannelRead(part) }
        }

        /// Lets all the clocks look once.
        func tick() { channel.embeddedEventLoop.advanceTime(by: .seconds(5)) }
    }

    private final class Window: ChannelOutboundHandler {
        typealias OutboundIn = HTTPResponsePart
        var isOpen = true
        var closes = 0
        var written: [HTTPResponsePart] = []
        private var waiting: [EventLoopPromise<Void>] = []

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            written.append(unwrapOutboundIn(data))
            guard !isOpen else { return promise?.succeed() ?? () }
            if let promise { waiting.append(promise) }
        }

        func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
            closes += 1
            for promise in waiting { promise.fail(ChannelError.ioOnClosedChannel) }
            waiting = []
            context.close(mode: mode, promise: promise)
        }

        func take() {
            guard !waiting.isEmpty else { return }
            waiting.removeFirst().succeed()
        }
    }

    private final class Seen: ChannelInboundHandler {
        typealias InboundIn = HTTPRequestPart
        var parts: [HTTPRequestPart] = []
        var errors: [any Error] = []
        var isInactive = false

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { parts.append(unwrapInboundIn(data)) }
        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            #expect(!isInactive, "too late: whoever reads the body was told that it is complete")
            errors.append(error)
        }
        func channelInactive(context: ChannelHandlerContext) { isInactive = true }
    }

    private static func head(_ path: String = "/o", _ fields: HTTPFields = [:]) -> HTTPRequestPart {
        .head(HTTPRequest(method: .post, scheme: "https", authority: "a", path: path, headerFields: fields))
    }

    private static let answer: [HTTPResponsePart] = [
        .head(HTTPResponse(status: .ok)), .body(ByteBuffer(string: "hi")), .end(nil),
    ]

    @Test(arguments: [true, false])
    func aBodyWhoseStreamIsLostIsAnError(byHalves: Bool) throws {
        let line = try Line()
        line.receive(Self.head(), .body(ByteBuffer(string: "half of i")))
        if byHalves {
            line.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        } else {
            line.channel.close(promise: nil)
        }
        #expect(line.seen.errors.map { ($0 as? StorageError)?.code } == [.clientDisconnected])
    }

    @Test func aBodyThatIsCompleteIsNone() throws {
        let line = try Line()
        line.receive(Self.head(), .body(ByteBuffer(string: "all of it")), .end(nil))
        line.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        line.channel.close(promise: nil)
        #expect(line.seen.errors.isEmpty)
        #expect(line.seen.parts.count == 3)
    }

    @Test(
        arguments: [
            ("/" + String(repeating: "k", count: 100), [:], .targetTooLong),
            ("/o", [.userAgent: String(repeating: "v", count: 200)], .headersTooLarge),
        ] as [(String, HTTPFields, RequestRefusal)])
    func aHeadThatIsTooLargeIsRefused(path: String, fields: HTTPFields, refusal: RequestRefusal) throws {
        var limits = ConnectionLimits()
        limits.targetBytes = 50
        limits.headerBytes = 100
        let line = try Line(limits)
        line.receive(Self.head(path, fields), .body(ByteBuffer(string: "x")), .end(nil))

        #expect(line.seen.parts.isEmpty)
        #expect(line.refusals == [refusal])
        guard case .head(let head) = line.window.written.first, case .end = line.window.written.last else {
            Issue.record("\(line.window.written)")
            return
        }
        #expect(head.status == (refusal == .targetTooLong ? .uriTooLong : .requestHeaderFieldsTooLarge))
    }

    @Test func aBodyThatStopsComingFailsTheRequest() throws {
        var limits = ConnectionLimits()
        limits.bodyIdleTimeout = .zero
        let line = try Line(limits)
        line.receive(Self.head(), .body(ByteBuffer(string: "a")))
        line.channel.read()
        line.tick()
        #expect(line.seen.errors.map { ($0 as? StorageError)?.code } == [.invalidRequest])
    }

    @Test func aBodyThatNobodyAskedForYetIsWaitedFor() throws {
        var limits = ConnectionLimits()
        limits.bodyIdleTimeout = .zero
        let line = try Line(limits)
        line.receive(Self.head("/o", [.expect: "100-continue"]))
        line.channel.read()
        line.tick()
        #expect(line.seen.errors.isEmpty)
        line.channel.writeAndFlush(HTTPResponsePart.head(HTTPResponse(status: .continue)), promise: nil)
        line.tick()
        #expect(line.seen.errors.map { ($0 as? StorageError)?.code } == [.invalidRequest])
    }

    @Test func aClientThatTakesNothingIsCut() throws {
        var limits = ConnectionLimits()
        limits.sendTimeout = .zero
        let line = try Line(limits)
        line.window.isOpen = false
        line.receive(Self.head(), .end(nil))
        for part in Self.answer { line.channel.write(part, promise: nil) }
        #expect(line.window.closes == 0)
        line.tick()
        #expect(line.window.closes == 1)
    }

    @Test func aClientThatTakesPieceAfterPieceIsNotCut() throws {
        var limits = ConnectionLimits()
        limits.sendTimeout = .milliseconds(300)
        let line = try Line(limits)
        line.window.isOpen = false
        line.receive(Self.head(), .end(nil))
        line.channel.write(HTTPResponsePart.head(HTTPResponse(status: .ok)), promise: nil)
        line.channel.write(HTTPResponsePart.body(ByteBuffer(repeating: 1, count: 100_000)), promise: nil)
        #expect(line.window.written.count == 8)
        // Longer than the timeout in all, and each shorter.
        for _ in 0..<7 {
            usleep(60_000)
            line.tick()
            line.window.take()
        }
        #expect(line.window.closes == 0)
    }

    @Test func closingWaitsForWhatTheClientHasNoWindowFor() throws {
        let line = try Line()
        line.window.isOpen = false
        line.receive(Self.head(), .end(nil))
        for part in Self.answer { line.channel.write(part, promise: nil) }
        line.channel.close(promise: nil)
        #expect(line.window.closes == 0)
        for _ in Self.answer { line.window.take() }
        #expect(line.window.closes == 1)
    }

    @Test func anAnswerToARequestThatGoesOnEndsTheStreamInAMoment() throws {
        var limits = ConnectionLimits()
        limits.drainBytes = 10
        let line = try Line(limits)
        line.receive(Self.head(), .body(ByteBuffer(string: "a")))
        for part in Self.answer { line.channel.write(part, promise: nil) }
        line.receive(.body(ByteBuffer(repeating: 0, count: 1000)))
        #expect(line.seen.parts.count == 2)
        #expect(line.window.closes == 0)
        line.tick()
        #expect(line.window.closes == 1)
    }

    @Test func whatIsSaidAboutAConnectionIsNotSaidOnAStream() throws {
        let line = try Line()
        line.receive(Self.head(), .end(nil))
        let fields: HTTPFields = [.connection: "close", .transferEncoding: "chunked", .contentType: "text/plain"]
        line.channel.write(HTTPResponsePart.head(HTTPResponse(status: .badRequest, headerFields: fields)), promise: nil)
        guard case .head(let head) = line.window.written.first else {
            Issue.record("\(line.window.written)")
            return
        }
        #expect(head.headerFields == [.contentType: "text/plain"])
    }
}
