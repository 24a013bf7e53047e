// SPDX-License-Identifier: Apache-2.0

import Logging
public import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1

/// Makes the channel handlers that go into every connection, in front of Hummingbird's bridge to async code.
///
/// They are handed to Hummingbird as additional handlers. Where it decodes HTTP/1 (plain, or over TLS) the guard and the hot
/// read path then take their places around the decoder; a stream of HTTP/2 gets a guard of its own kind.
public struct ConnectionHandlers: Sendable {
    private let limits: ConnectionLimits
    private let cors: CORSPolicy
    private let observer: RequestObserver
    private let hot: HotLookup?
    private let sendsFiles: Bool

    /// - Parameters:
    ///   - hot: finds reads that can be answered from memory. Nil for none.
    ///   - sendsFiles: whether the listener is plain HTTP/1. It must be what `FrontendResponder` is told.
    public init(limits: ConnectionLimits, cors: CORSPolicy, observer: RequestObserver, hot: HotLookup?, sendsFiles: Bool) {
        self.limits = limits
        self.cors = cors
        self.observer = observer
        self.hot = hot
        self.sendsFiles = sendsFiles
    }

    /// For one connection, or one stream of HTTP/2.
    public func make() -> [any RemovableChannelHandler] { [Installer(self)] }

    /// Stands in the pipeline just long enough to put the others in their places.
    private final class Installer: ChannelInboundHandler, RemovableChannelHandler {
        typealias InboundIn = NIOAny

        private let handlers: ConnectionHandlers

        init(_ handlers: ConnectionHandlers) { self.handlers = handlers }

        func handlerAdded(context: ChannelHandlerContext) {
            do {
                try handlers.install(context)
                context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
            } catch {
                // Without its guard the connection must not be served.
                context.fireErrorCaught(error)
                context.close(promise: nil)
            }
        }
    }

    private func install(_ context: ChannelHandlerContext) throws {
        let pipeline = context.pipeline.syncOperations
        var codec: ChannelHandlerContext?
        // NIO throws for a handler that is not there: HTTP/2 has another codec.
        if let found = try? pipeline.context(handlerType: HTTP1ToHTTPServerCodec.self) {
            codec = found
            try installGuard(pipeline, before: found)
            readMuchAtATime(context.channel)
        }
        try pipeline.addHandler(ResponseTracker(codec: sendsFiles ? codec : nil), position: .after(context.handler))
        if codec == nil {
            // Without TLS there is none.
            let connection = try? context.channel.parent?.pipeline.syncOperations.handler(type: TLSGuard.self)
            let streamGuard = StreamGuard(limits: limits, connection: connection, refused: report)
            try pipeline.addHandler(streamGuard, position: .after(context.handler))
        }
    }

    /// Every read of a large body is handed from thread to thread. A connection keeps as much memory for reading as NIO
    /// would have it keep, in one piece instead of four.
    private func readMuchAtATime(_ channel: any Channel) {
        let allocator = AdaptiveRecvByteBufferAllocator(minimum: 64, initial: 2048, maximum: 256 << 10)
        // Fails where the connection is gone already, which its handlers learn by themselves.
        _ = channel.setOption(.recvAllocator, value: allocator).and(channel.setOption(.maxMessagesPerRead, value: 1))
    }

    private func installGuard(_ pipeline: ChannelPipeline.SynchronousOperations, before codec: ChannelHandlerContext) throws {
        let encoder = try pipeline.context(handlerType: HTTPResponseEncoder.self)
        let state = ConnectionState()
        try pipeline.addHandler(HeadWatch(state), position: .before(encoder.handler))
        if let hot {
            let handler = HotReadHandler(state, lookup: hot, cors: cors, observer: observer, encoder: encoder)
            try pipeline.addHandler(handler, position: .before(codec.handler))
        }
        let connectionGuard = ConnectionGuard(state, limits: limits, refused: report)
        try pipeline.addHandler(connectionGuard, position: .before(codec.handler))
    }

    private func report(_ refusal: RequestRefusal) {
        observer.report(
            AnsweredRequest(
                id: RequestID.next(), frontend: "server", operation: "refused", method: "other", target: "",
                status: Int(refusal.status.code), nanoseconds: 0, bytesIn: 0, bytesOut: Int64(refusal.body.readableBytes),
                error: refusal.message))
    }
}
