// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// What the responder tells the connection about the response that it is about to write.
struct ResponseAnnouncement: Sendable {
    let record: AccessRecord
    /// The response's body, when the kernel shall send it. The response itself is then written without one.
    let file: FilePart?
}

/// Follows each response to its last byte, for the access log, and puts files in the place of bodies.
///
/// A file is named by a typed event of this process, not by a header field, so no client and no backend can name one. While one
/// is sent, whatever else goes out waits for its turn: the next response is written as soon as this one's end has been.
final class ResponseTracker: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// What came while a file was being sent.
    private enum Held {
        case announcement(ResponseAnnouncement)
        case part(HTTPResponsePart, EventLoopPromise<Void>?)
        case flush
        case close(CloseMode, EventLoopPromise<Void>?)
    }

    /// Writes into the pipeline in front of the codec, which takes no files. Nil where the connection is not plain HTTP/1.
    private let codec: ChannelHandlerContext?
    private var announced: ResponseAnnouncement?
    private var status = 0
    private var bytesOut: Int64 = 0
    /// Body bytes of the requests that are not answered, in their order.
    private var bytesIn = CircularBuffer<Int64>(initialCapacity: 2)
    private var sender: FileSender?
    private var held = CircularBuffer<Held>(initialCapacity: 4)

    init(codec: ChannelHandlerContext?) { self.codec = codec }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head: bytesIn.append(0)
        case .body(let part):
            if !bytesIn.isEmpty { bytesIn[bytesIn.index(before: bytesIn.endIndex)] += Int64(part.readableBytes) }
        case .end: break
        }
        context.fireChannelRead(data)
    }

    // MARK: In order

    private var isHolding: Bool { sender != nil || !held.isEmpty }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard let event = event as? ResponseAnnouncement else {
            return context.triggerUserOutboundEvent(event, promise: promise)
        }
        if isHolding { held.append(.announcement(event)) } else { announced = event }
        promise?.succeed(())
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = unwrapOutboundIn(data)
        if isHolding { held.append(.part(part, promise)) } else { pass(context, part, promise) }
    }

    func flush(context: ChannelHandlerContext) {
        if isHolding { held.append(.flush) } else { context.flush() }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if isHolding, mode != .input, context.channel.isActive {
            held.append(.close(mode, promise))
        } else {
            context.close(mode: mode, promise: promise)
        }
    }

    /// Lets go what waited, up to the next response that is a file.
    private func release(_ context: ChannelHandlerContext) {
        while sender == nil, let next = held.popFirst() {
            switch next {
            case .announcement(let announcement): announced = announcement
            case .part(let part, let promise): pass(context, part, promise)
            case .flush: context.flush()
            case .close(let mode, let promise): context.close(mode: mode, promise: promise)
            }
        }
    }

    // MARK: Following

    private func pass(_ context: ChannelHandlerContext, _ part: HTTPResponsePart, _ promise: EventLoopPromise<Void>?) {
        switch part {
        case .head(let head) where head.status.code < 200: break
        case .head(let head):
            status = head.status.code
            bytesOut = 0
        case .body(let part):
            bytesOut += Int64(part.readableBytes)
            announced?.record.note(bytesIn: bytesIn.first ?? 0, bytesOut: bytesOut)
        case .end: return end(context, part, promise)
        }
        context.write(wrapOutboundOut(part), promise: promise)
    }

    private func end(_ context: ChannelHandlerContext, _ part: HTTPResponsePart, _ promise: EventLoopPromise<Void>?) {
        let received = bytesIn.popFirst() ?? 0
        guard let announced else { return context.write(wrapOutboundOut(part), promise: promise) }
        self.announced = nil
        let sent = promise ?? context.eventLoop.makePromise(of: Void.self)
        guard let file = announced.file, let codec else {
            return finish(context, part, sent, announced.record, received)
        }
        let sender = FileSender(file, on: codec) { event in
            switch event {
            case .sent(let count):
                self.bytesOut = count
                announced.record.note(bytesIn: received, bytesOut: count)
            case .finished:
                self.sender = nil
                self.finish(context, part, sent, announced.record, received)
                context.flush()
                self.release(context)
            case .failed(let error):
                self.sender = nil
                sent.fail(error)
                self.abandon(context, announced.record, error)
            }
        }
        self.sender = sender
        sender.start()
    }

    private func finish(
        _ context: ChannelHandlerContext, _ part: HTTPResponsePart, _ sent: EventLoopPromise<Void>, _ record: AccessRecord,
        _ received: Int64
    ) {
        let (status, bytesOut) = (status, bytesOut)
        // Where sending fails the record dies unreported, which reports it as aborted.
        sent.futureResult.whenSuccess { record.finish(status: status, bytesIn: received, bytesOut: bytesOut) }
        context.write(wrapOutboundOut(part), promise: sent)
    }

    /// Less than was announced has been sent, and no more will be: the client can only learn that from the connection's end.
    private func abandon(_ context: ChannelHandlerContext, _ record: AccessRecord, _ error: any Error) {
        if let error = error as? StorageError { record.failBody(error) }
        codec?.triggerUserOutboundEvent(ConnectionAbort(), promise: nil)
        // On a closed connection each of these fails.
        release(context)
    }
}
