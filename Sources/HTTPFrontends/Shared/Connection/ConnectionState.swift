// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Where one HTTP/1 connection stands. Its handlers share it; all of them run on the connection's event loop.
final class ConnectionState {
    /// What of the client's bytes is expected next.
    enum Inbound {
        /// The first byte of a request.
        case nothing
        /// The rest of a head whose first byte came at `since`.
        case head(since: NIODeadline)
        case body
    }

    var inbound = Inbound.nothing
    /// The line feed of the request line has come: what is too long now is a header field.
    var hasRequestLine = false
    /// Requests that were passed on and whose answers are not complete.
    var outstanding = 0
    /// No further request is taken.
    var isClosing = false
    /// When bytes last came, or an answer was last completed.
    var lastActivity = NIODeadline.now()
}

/// Asks for the connection to be closed at once, whatever is still to be sent: it can't be.
struct ConnectionAbort {}

/// Sees the bytes before the decoder does, which tells nobody about a head until it is complete.
final class HeadWatch: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let state: ConnectionState

    init(_ state: ConnectionState) { self.state = state }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        state.lastActivity = .now()
        if case .nothing = state.inbound {
            state.inbound = .head(since: state.lastActivity)
            state.hasRequestLine = false
        }
        if case .head = state.inbound, !state.hasRequestLine {
            state.hasRequestLine = unwrapInboundIn(data).readableBytesView.contains(UInt8(ascii: "\n"))
        }
        context.fireChannelRead(data)
    }
}
