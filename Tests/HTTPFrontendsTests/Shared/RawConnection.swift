// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix

/// A socket that sends and receives exactly the bytes a test says: what no HTTP client would do.
final class RawConnection {
    struct Received: CustomStringConvertible {
        var text: String
        var isEnd: Bool
        var description: String { text }
        /// Of each response in the text, in order.
        var statuses: [Int] {
            text.split(separator: "HTTP/1.").dropFirst(text.hasPrefix("HTTP/1.") ? 0 : 1).compactMap { part in
                let words = part.split(separator: " ")
                return words.count > 1 ? Int(words[1]) : nil
            }
        }
    }

    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>

    let channel: any Channel

    private init(
        _ channel: any Channel, _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>,
        _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
        self.channel = channel
        self.inbound = inbound.makeAsyncIterator()
        self.outbound = outbound
    }

    /// Runs `body` with a connection to a port of this machine, closed afterwards.
    /// - Parameter receiveBuffer: how much the kernel takes that nobody reads, in bytes. Nil for what it likes.
    static func with<Value>(
        port: Int, receiveBuffer: CInt? = nil, _ body: (RawConnection) async throws -> Value
    ) async throws -> Value {
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
        if let receiveBuffer {
            bootstrap =
                bootstrap
                .channelOption(.socketOption(.so_rcvbuf), value: SocketOptionValue(receiveBuffer))
                .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 16 << 10))
        }
        let channel =
            try await bootstrap
            .connect(host: "localhost", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await body(RawConnection(channel.channel, inbound, outbound))
        }
    }

    func send(_ text: String) async throws { try await outbound.write(ByteBuffer(string: text)) }
    func send(_ bytes: ByteBuffer) async throws { try await outbound.write(bytes) }

    /// Everything until `isEnough`, or the end. A reset counts as the end.
    func receive(until isEnough: (String) -> Bool) async throws -> Received {
        var text = ""
        if isEnough(text) { return Received(text: text, isEnd: false) }
        do {
            while let part = try await inbound.next() {
                text += String(buffer: part)
                if isEnough(text) { return Received(text: text, isEnd: false) }
            }
        } catch is IOError {
            return Received(text: text, isEnd: true)
        }
        return Received(text: text, isEnd: true)
    }

    func receiveToEnd() async throws -> Received { try await receive { _ in false } }

    /// The next bytes. Nil at the end, and a reset counts as one.
    func next() async throws -> ByteBuffer? {
        do {
            return try await inbound.next()
        } catch is IOError {
            return nil
        }
    }

    /// All bytes until there are `count`, or the end.
    func receive(count: Int) async throws -> ByteBuffer {
        var bytes = ByteBuffer()
        while bytes.readableBytes < count, let part = try await next() { bytes.writeImmutableBuffer(part) }
        return bytes
    }

    /// How many bytes come until the server closes.
    func countToEnd() async throws -> Int {
        var count = 0
        while let part = try await inbound.next() { count += part.readableBytes }
        return count
    }
}
