// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Keeps one stream of an HTTP/2 connection within its limits: what `ConnectionGuard` is to HTTP/1.
///
/// Nothing behind it can tell a body that is complete from one whose stream was lost, so it is here that a body without an end
/// becomes an error. RFC 9113 §8.1.
final class StreamGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// What of the request has come.
    private enum Inbound {
        case nothing
        case head
        case all
        /// No more of it is passed on, and whoever reads it has been told.
        case failed
    }

    /// Bodies are written in pieces of this size, the usual size of a frame: only that a piece is gone shows that a client takes
    /// what it is sent.
    private static let pieceSize = 16 << 10

    /// What a front-end says about an HTTP/1 connection is an error here, which would end the connection with all its streams.
    /// RFC 9113 §8.2.2.
    private static let connectionFields: [HTTPField.Name] = [.connection, .transferEncoding, .upgrade]

    private let limits: ConnectionLimits
    private let connection: TLSGuard?
    private let refused: (RequestRefusal) -> Void
    private var inbound = Inbound.nothing
    private var body = BodyClock()
    /// Bytes of a body that nobody wants any more.
    private var discarded: Int64 = 0
    private var isAnswered = false
    /// Writes that are not with the kernel.
    private var unsent = 0
    private var lastProgress = NIODeadline.now()
    /// Asked for while something was unsent.
    private var closing: EventLoopPromise<Void>?
    private var clock: Scheduled<Void>?
    private var linger: Scheduled<Void>?

    /// - Parameters:
    ///   - connection: is told how many streams are open. Nil in tests of this class alone.
    ///   - refused: is told of each request that is turned away here.
    init(limits: ConnectionLimits, connection: TLSGuard?, refused: @escaping (RequestRefusal) -> Void) {
        self.limits = limits
        self.connection = connection
        self.refused = refused
    }

    func handlerAdded(context: ChannelHandlerContext) {
        connection?.streamOpened()
        startClock(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        connection?.streamClosed()
        clock?.cancel()
        linger?.cancel()
    }

    // MARK: What the client sends

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if case .failed = inbound { discard(part) } else { receive(context, part) }
    }

    private func receive(_ context: ChannelHandlerContext, _ part: HTTPRequestPart) {
        switch part {
        case .head(let head):
            if let refusal = RequestRefusal(checking: head, limits: limits) { return refuse(context, refusal) }
            inbound = .head
            body.isExpectedByClient = head.headerFields[.expect]?.lowercased() != "100-continue"
        case .body(let bytes):
            body.received(bytes.readableBytes)
            if isAnswered { return discard(part) }
        case .end: inbound = .all
        }
        context.fireChannelRead(wrapInboundOut(part))
    }

    /// A body that nobody waits for is read up to a limit, so that its client gets to read the answer.
    private func discard(_ part: HTTPRequestPart) {
        if case .body(let bytes) = part { discarded += Int64(bytes.readableBytes) }
    }

    func read(context: ChannelHandlerContext) {
        // Without reads the client's window closes.
        if discarded > limits.drainBytes { return }
        if case .head = inbound, !isAnswered { body.wanted() }
        context.read()
    }

    func channelInactive(context: ChannelHandlerContext) {
        failBody(context, .uploadInterrupted(nil))
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed { failBody(context, .uploadInterrupted(nil)) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if case .head = inbound { return failBody(context, .uploadInterrupted(error)) }
        context.fireErrorCaught(error)
    }

    /// The rest of the body will not come: whoever reads it is told.
    private func failBody(_ context: ChannelHandlerContext, _ error: StorageError) {
        guard case .head = inbound else { return }
        inbound = .failed
        context.fireErrorCaught(error)
    }

    private func refuse(_ context: ChannelHandlerContext, _ refusal: RequestRefusal) {
        inbound = .failed
        let bytes = refusal.body
        let fields: HTTPFields = [
            .date: Timestamp.now().httpDate, .contentType: "application/json; charset=utf-8",
            .contentLength: String(bytes.readableBytes), .xRequestID: RequestID.next(), .accessControlAllowOrigin: "*",
        ]
        let head = HTTPResponse(status: .init(code: Int(refusal.status.code)), headerFields: fields)
        write(context, .head(head), nil)
        write(context, .body(bytes), nil)
        write(context, .end(nil), nil)
        context.flush()
        refused(refusal)
    }

    // MARK: What the server answers

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = unwrapOutboundIn(data)
        switch part {
        case .head(let head) where head.status.code == 100: continueRequest(context, part, promise)
        case .head(var head):
            for name in Self.connectionFields { head.headerFields[name] = nil }
            write(context, .head(head), promise)
        case .body(var bytes):
            while bytes.readableBytes > Self.pieceSize, let piece = bytes.readSlice(length: Self.pieceSize) {
                write(context, .body(piece), nil)
            }
            write(context, .body(bytes), promise)
        case .end: write(context, part, promise)
        }
    }

    private func continueRequest(_ context: ChannelHandlerContext, _ part: HTTPResponsePart, _ promise: EventLoopPromise<Void>?) {
        // A client that did not ask, or sends already, needs no invitation. RFC 9110 §10.1.1.
        guard !body.isExpectedByClient, !body.hasBegun, case .head = inbound else { return promise?.succeed(()) ?? () }
        body.isExpectedByClient = true
        body.wanted()
        write(context, part, promise)
    }

    private func write(_ context: ChannelHandlerContext, _ part: HTTPResponsePart, _ promise: EventLoopPromise<Void>?) {
        if unsent == 0 { lastProgress = .now() }
        unsent += 1
        if case .end = part { isAnswered = true }
        let sent = promise ?? context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenComplete { _ in self.wrote(context) }
        context.write(wrapOutboundOut(part), promise: sent)
    }

    private func wrote(_ context: ChannelHandlerContext) {
        unsent -= 1
        lastProgress = .now()
        guard unsent == 0 else { return }
        if let closing {
            self.closing = nil
            context.close(mode: .all, promise: closing)
        } else if isAnswered, context.channel.isActive {
            startLinger(context)
        }
    }

    // MARK: Closing

    /// A client that has its answer and does not finish its request, which nobody reads, is given a moment.
    private func startLinger(_ context: ChannelHandlerContext) {
        if case .all = inbound { return }
        guard linger == nil else { return }
        linger = context.eventLoop.assumeIsolated().scheduleTask(in: limits.lingerTime) {
            context.close(mode: .all, promise: nil)
        }
    }

    /// Closing resets the stream and would throw away what its client has no window for yet, so it waits for that.
    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .all, unsent > 0, context.channel.isActive else { return context.close(mode: mode, promise: promise) }
        let asked = promise ?? context.eventLoop.makePromise(of: Void.self)
        if let closing { closing.futureResult.cascade(to: asked) } else { closing = asked }
    }

    // MARK: Clocks

    private func startClock(_ context: ChannelHandlerContext) {
        clock = context.eventLoop.assumeIsolated().scheduleTask(in: limits.tick) { self.look(context) }
    }

    private func look(_ context: ChannelHandlerContext) {
        let now = NIODeadline.now()
        if unsent > 0, now - lastProgress > limits.sendTimeout { return context.close(mode: .all, promise: nil) }
        if case .head = inbound, !isAnswered, body.isTooSlow(now, limits) {
            failBody(context, StorageError(.invalidRequest, "The request body did not arrive in time"))
        }
        startClock(context)
    }
}
