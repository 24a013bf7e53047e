// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore
import NIOHTTP1

/// Keeps one HTTP/1 connection within its limits, between the decoder and everything that answers.
///
/// It refuses what is malformed or too large with an answer instead of silence, ends connections that keep the server
/// waiting, and closes so that the client can read the answer: after the response output is shut first, and what still comes
/// is read and thrown away for a moment, but never a large body to its end. RFC 9112 §9.6.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// A request that was passed on.
    private struct Passed {
        var isHEAD: Bool
        var isOldVersion: Bool
        var keepsAlive: Bool
        /// Nil for a chunked body.
        var length: Int64?
        var awaitsContinue: Bool
    }

    private let state: ConnectionState
    private let limits: ConnectionLimits
    private let refused: (RequestRefusal) -> Void
    private var passed = CircularBuffer<Passed>(initialCapacity: 2)
    private var response = ResponseInProgress()
    /// To be sent when the answers before it are complete.
    private var refusal: RequestRefusal?
    private var body = BodyClock()
    private var bodyFailed = false
    private var lingering: Int64?
    private var sending = SendClock()
    private var clock: Scheduled<Void>?
    private var linger: Scheduled<Void>?

    /// The response that is being written, to the request that is first in line.
    private struct ResponseInProgress {
        var closes = false
        var dropsBody = false
    }

    /// - Parameter refused: is told of each request that is turned away here.
    init(_ state: ConnectionState, limits: ConnectionLimits, refused: @escaping (RequestRefusal) -> Void) {
        self.state = state
        self.limits = limits
        self.refused = refused
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { startClock(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        clock?.cancel()
        linger?.cancel()
    }

    func channelActive(context: ChannelHandlerContext) {
        startClock(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        clock?.cancel()
        linger?.cancel()
        if case .body = state.inbound { failBody(context, .uploadInterrupted(nil)) }
        context.fireChannelInactive()
    }

    // MARK: What the client sends

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !state.isClosing, refusal == nil, !bodyFailed else { return discard(context, unwrapInboundIn(data)) }
        switch unwrapInboundIn(data) {
        case .head(let head):
            if let refusal = RequestRefusal(checking: head, limits: limits) { return refuse(context, refusal) }
            state.inbound = .body
            pass(head)
        case .body(let part): body.received(part.readableBytes)
        case .end: state.inbound = .nothing
        }
        context.fireChannelRead(data)
    }

    private func pass(_ head: HTTPRequestHead) {
        let isOld = head.version.minor == 0
        let length = head.headers.first(name: "content-length").flatMap(Int64.init)
        let isChunked = head.headers.contains(name: "transfer-encoding")
        let awaits = !isOld && head.headers.first(name: "expect")?.lowercased() == "100-continue"
        passed.append(
            Passed(
                isHEAD: head.method == .HEAD, isOldVersion: isOld, keepsAlive: head.isKeepAlive,
                length: isChunked ? nil : length ?? 0, awaitsContinue: awaits))
        state.outstanding = passed.count
        body = BodyClock()
        body.isExpectedByClient = !awaits
    }

    /// Bytes that nobody wants any more: counted while the connection lingers.
    private func discard(_ context: ChannelHandlerContext, _ part: HTTPServerRequestPart) {
        guard let budget = lingering else { return }
        switch part {
        case .body(let part): lingering = budget - Int64(part.readableBytes)
        case .head: break
        case .end: context.close(mode: .all, promise: nil)
        }
    }

    func read(context: ChannelHandlerContext) {
        if let budget = lingering, budget <= 0 { return }
        if case .body = state.inbound { body.wanted() }
        context.read()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        if let budget = lingering, budget > 0 { context.read() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if lingering != nil, let event = event as? ChannelEvent, event == .inputClosed {
            return context.close(mode: .all, promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let isParsing = error is HTTPParserError || error is ByteToMessageDecoderError
        if lingering != nil || refusal != nil || bodyFailed {
            if !isParsing { context.close(mode: .all, promise: nil) }
            return
        }
        if case .body = state.inbound {
            let malformed = isParsing && error as? HTTPParserError != .invalidEOFState
            return failBody(
                context,
                malformed
                    ? StorageError(.invalidRequest, "The request body is malformed", cause: error) : .uploadInterrupted(error))
        }
        guard isParsing, error as? HTTPParserError != .invalidEOFState else { return context.fireErrorCaught(error) }
        refuse(context, RequestRefusal(error, hasRequestLine: state.hasRequestLine))
    }

    /// The rest of the body will not come: whoever reads it is told, and the connection ends after the answer.
    private func failBody(_ context: ChannelHandlerContext, _ error: StorageError) {
        guard !bodyFailed else { return }
        bodyFailed = true
        context.fireErrorCaught(error)
    }

    // MARK: What the server answers

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head) where head.status.code == 100: continueRequest(context, head, promise)
        case .head(let head) where head.status.code < 200:
            // RFC 9110 §15.2: a client of HTTP/1.0 knows no informational answers.
            guard let request = passed.first, !request.isOldVersion else { return promise?.succeed(()) ?? () }
            context.write(data, promise: promise)
        case .head(var head):
            if let request = passed.first { frame(&head, for: request) }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .body:
            guard !response.dropsBody else { return promise?.succeed(()) ?? () }
            context.write(data, promise: promise)
        case .end: complete(context, data, promise)
        }
    }

    private func continueRequest(_ context: ChannelHandlerContext, _ head: HTTPResponseHead, _ promise: EventLoopPromise<Void>?) {
        // A client that did not ask, or sends already, needs no invitation. RFC 9110 §10.1.1.
        guard let request = passed.first, request.awaitsContinue, !body.hasBegun else { return promise?.succeed(()) ?? () }
        passed[passed.startIndex].awaitsContinue = false
        body.isExpectedByClient = true
        body.wanted()
        context.write(wrapOutboundOut(.head(head)), promise: promise)
    }

    private func frame(_ head: inout HTTPResponseHead, for request: Passed) {
        let isBare = request.isHEAD || !head.status.mayHaveResponseBody
        response = ResponseInProgress(
            closes: !mayStay(request) || head.headers[canonicalForm: "connection"].contains("close"), dropsBody: isBare)
        if request.isOldVersion {
            head.version = .http1_0
            let isFramed = isBare || head.headers.contains(name: "content-length")
            if !isFramed { response.closes = true }
            if !response.closes { head.headers.replaceOrAdd(name: "connection", value: "keep-alive") }
        }
        if response.closes { head.headers.replaceOrAdd(name: "connection", value: "close") }
    }

    /// Whether the connection can serve another request after this one's answer.
    private func mayStay(_ request: Passed) -> Bool {
        guard request.keepsAlive, !bodyFailed else { return false }
        guard passed.count == 1, case .body = state.inbound else { return true }
        guard !request.awaitsContinue, let length = request.length else { return false }
        return length - body.count <= limits.drainBytes
    }

    private func complete(_ context: ChannelHandlerContext, _ data: NIOAny, _ promise: EventLoopPromise<Void>?) {
        // An encoder that believes in a chunked body would end it on the wire, where HEAD has none.
        if response.dropsBody, passed.first?.isHEAD == true {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer()))), promise: promise)
        } else {
            context.write(data, promise: promise)
        }
        if !passed.isEmpty { passed.removeFirst() }
        state.outstanding = passed.count
        state.lastActivity = .now()
        if response.closes {
            finishOutput(context)
        } else if let refusal, passed.isEmpty {
            send(context, refusal)
        }
        response = ResponseInProgress()
    }

    // MARK: Refusing

    private func refuse(_ context: ChannelHandlerContext, _ refusal: RequestRefusal) {
        guard self.refusal == nil else { return }
        self.refusal = refusal
        if passed.isEmpty { send(context, refusal) }
    }

    private func send(_ context: ChannelHandlerContext, _ refusal: RequestRefusal) {
        let body = refusal.body
        let headers: HTTPHeaders = [
            "date": Timestamp.now().httpDate, "content-type": "application/json; charset=utf-8",
            "content-length": String(body.readableBytes), "connection": "close", "x-request-id": RequestID.next(),
            "access-control-allow-origin": "*",
        ]
        context.write(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: refusal.status, headers: headers))), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        context.write(wrapOutboundOut(.end(nil)), promise: nil)
        refused(refusal)
        finishOutput(context)
    }

    // MARK: Closing

    /// Sends what is written, shuts the output, and gives the client a moment to read it.
    private func finishOutput(_ context: ChannelHandlerContext) {
        guard !state.isClosing else { return }
        state.isClosing = true
        context.flush()
        let isReadToItsEnd = if case .nothing = state.inbound { refusal == nil } else { false }
        let shut = context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        shut.futureResult.whenComplete { _ in
            let (handler, context) = bound.value
            if isReadToItsEnd {
                context.close(mode: .all, promise: nil)
            } else {
                handler.beginLingering(context)
            }
        }
        context.close(mode: .output, promise: shut)
    }

    private func beginLingering(_ context: ChannelHandlerContext) {
        guard context.channel.isActive, lingering == nil else { return }
        lingering = limits.drainBytes
        linger = context.eventLoop.assumeIsolated().scheduleTask(in: limits.lingerTime) {
            context.close(mode: .all, promise: nil)
        }
        context.read()
    }

    /// Closing would throw away what is written and not yet sent, so it waits for that: as long as a client may take to read.
    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .all, context.channel.isActive, !state.isClosing else {
            return context.close(mode: mode, promise: promise)
        }
        state.isClosing = true
        let sent = context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        sent.futureResult.whenComplete { _ in bound.value.close(mode: .all, promise: promise) }
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer()))), promise: sent)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is ConnectionAbort else { return context.triggerUserOutboundEvent(event, promise: promise) }
        state.isClosing = true
        context.close(mode: .all, promise: promise)
    }

    // MARK: Clocks

    private func startClock(_ context: ChannelHandlerContext) {
        state.lastActivity = .now()
        clock = context.eventLoop.assumeIsolated().scheduleTask(in: limits.tick) { self.look(context) }
    }

    private func look(_ context: ChannelHandlerContext) {
        let now = NIODeadline.now()
        sending.look(now, at: context.channel)
        if sending.hasStalled(now, limits) { return context.close(mode: .all, promise: nil) }
        switch state.inbound {
        case .nothing:
            // While the client still takes the last answer from the kernel it is not idle.
            let idleSince = max(state.lastActivity, sending.lastTaken)
            if passed.isEmpty, !sending.isWaiting, now - idleSince > limits.idleTimeout {
                return context.close(mode: .all, promise: nil)
            }
        case .head(let since):
            if now - since > limits.headerTimeout { refuse(context, .headTimeout) }
        case .body:
            if body.isTooSlow(now, limits) {
                failBody(context, StorageError(.invalidRequest, "The request body did not arrive in time"))
            }
        }
        clock = context.eventLoop.assumeIsolated().scheduleTask(in: limits.tick) { self.look(context) }
    }
}
