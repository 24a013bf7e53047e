// SPDX-License-Identifier: Apache-2.0

public import NIOCore
import NIOTLS

/// Keeps a TLS connection within its limits where no request is there yet to be guarded: until the handshake is done, and
/// while an HTTP/2 connection has no stream.
///
/// It stands behind the TLS handler and in front of what negotiates the protocol. A connection that speaks HTTP/1 is left to
/// `ConnectionGuard` as soon as that is known.
public final class TLSGuard: ChannelInboundHandler, RemovableChannelHandler {
    public typealias InboundIn = ByteBuffer
    public typealias InboundOut = ByteBuffer

    private enum Stage {
        case handshake
        /// The handshake is done, and HTTP/2 was agreed on, but not a byte of it came.
        case silence
        case serving
    }

    private let limits: ConnectionLimits
    private var stage = Stage.handshake
    /// When the stage began, or the last stream ended.
    private var since = NIODeadline.now()
    private var streams = 0
    private var sending = SendClock()
    private var clock: Scheduled<Void>?

    public init(limits: ConnectionLimits) { self.limits = limits }

    public func handlerAdded(context: ChannelHandlerContext) { startClock(context) }

    public func handlerRemoved(context: ChannelHandlerContext) { clock?.cancel() }

    public func channelInactive(context: ChannelHandlerContext) {
        clock?.cancel()
        context.fireChannelInactive()
    }

    public func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted(let negotiated):
            stage = .silence
            since = .now()
            context.fireUserInboundEventTriggered(event)
            if negotiated != "h2" { context.pipeline.syncOperations.removeHandler(context: context, promise: nil) }
        case is ChannelShouldQuiesceEvent where isShakingHands: context.close(mode: .all, promise: nil)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .silence = stage {
            stage = .serving
            since = .now()
        }
        context.fireChannelRead(data)
    }

    private var isShakingHands: Bool {
        if case .handshake = stage { true } else { false }
    }

    func streamOpened() { streams += 1 }

    func streamClosed() {
        streams -= 1
        since = .now()
    }

    // MARK: Clocks

    private func startClock(_ context: ChannelHandlerContext) {
        clock = context.eventLoop.assumeIsolated().scheduleTask(in: limits.tick) { self.look(context) }
    }

    private func look(_ context: ChannelHandlerContext) {
        let now = NIODeadline.now()
        sending.look(now, at: context.channel)
        if sending.hasStalled(now, limits) || hasWaitedTooLong(now) { return context.close(mode: .all, promise: nil) }
        startClock(context)
    }

    private func hasWaitedTooLong(_ now: NIODeadline) -> Bool {
        switch stage {
        case .handshake, .silence: return now - since > limits.headerTimeout
        case .serving:
            // At the timeout itself the client is told to go away, and leaves; one that does not hear it is shown out.
            return streams == 0 && now - since > limits.idleTimeout + limits.lingerTime
        }
    }
}
