// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore
import NIOHTTP1

/// Answers reads that are in memory on the event loop, in front of everything that would cost a change of threads.
///
/// It only answers while nothing else is under way on the connection, so answers keep the order of requests, and while the
/// client takes what it is sent. Everything that is not the plainest of requests goes on to the handlers behind it.
final class HotReadHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    private struct Pending {
        var answer: HotAnswer
        var head: HTTPRequestHead
    }

    /// Bodies up to this size are copied behind their head: one buffer costs less to send than two.
    private static let copiedBody = 4 << 10

    private let state: ConnectionState
    private let lookup: HotLookup
    private let cors: CORSPolicy
    private let observer: RequestObserver
    /// Behind it there is nothing but bytes: the encoder is passed by.
    private let encoder: ChannelHandlerContext
    private var pending: Pending?
    private var hasWritten = false
    private var date = DateLine()

    init(
        _ state: ConnectionState, lookup: @escaping HotLookup, cors: CORSPolicy, observer: RequestObserver,
        encoder: ChannelHandlerContext
    ) {
        self.state = state
        self.lookup = lookup
        self.cors = cors
        self.observer = observer
        self.encoder = encoder
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            guard isPlain(head), state.outstanding == 0, !state.isClosing, context.channel.isWritable,
                let answer = lookup(HotRequest(head))
            else { return context.fireChannelRead(data) }
            pending = Pending(answer: answer, head: head)
        case .body:
            // A plain request has no body: this belongs to one that was passed on.
            context.fireChannelRead(data)
        case .end:
            guard let pending else { return context.fireChannelRead(data) }
            self.pending = nil
            state.inbound = .nothing
            send(pending)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if hasWritten {
            hasWritten = false
            encoder.flush()
        }
        context.fireChannelReadComplete()
    }

    /// A GET or HEAD of HTTP/1.1 with one Host, no body, no expectation, and nothing about the connection.
    private func isPlain(_ head: HTTPRequestHead) -> Bool {
        guard head.method == .GET || head.method == .HEAD, head.version == .http1_1 else { return false }
        var hosts = 0
        for (name, value) in head.headers {
            switch name.utf8.count {
            case 4 where name.lowercased() == "host": hosts += 1
            case 6 where name.lowercased() == "expect": return false
            case 7 where name.lowercased() == "upgrade": return false
            case 10 where name.lowercased() == "connection":
                guard value.lowercased() == "keep-alive" else { return false }
            case 14 where name.lowercased() == "content-length": return false
            case 17 where name.lowercased() == "transfer-encoding": return false
            default: break
            }
        }
        return hosts == 1
    }

    private func send(_ pending: Pending) {
        let answer = pending.answer
        let id = RequestID.accepting(pending.head.headers.first(name: "x-request-id"))
        let sendsBody = pending.head.method == .GET && answer.body.readableBytes > 0
        let copies = sendsBody && answer.body.readableBytes <= Self.copiedBody
        var bytes = encoder.channel.allocator.buffer(
            capacity: answer.head.readableBytes + 1024 + (copies ? answer.body.readableBytes : 0))
        bytes.writeImmutableBuffer(answer.head)
        bytes.writeBytes(date.line())
        bytes.writeString(cors.lines(origin: pending.head.headers.first(name: "origin")))
        bytes.writeStaticString("x-request-id: ")
        bytes.writeString(id)
        if let field = answer.requestIDField { bytes.writeString("\r\n\(field): \(id)") }
        bytes.writeStaticString("\r\n\r\n")
        if copies { bytes.writeImmutableBuffer(answer.body) }
        encoder.write(NIOAny(IOData.byteBuffer(bytes)), promise: nil)
        if sendsBody, !copies { encoder.write(NIOAny(IOData.byteBuffer(answer.body)), promise: nil) }
        hasWritten = true
        observer.report(
            AnsweredRequest(
                id: id, frontend: answer.frontend, operation: answer.operation, bucket: answer.bucket,
                method: pending.head.method == .GET ? "GET" : "HEAD",
                target: pending.head.uri, status: answer.status,
                nanoseconds: (NIODeadline.now() - state.lastActivity).nanoseconds,
                bytesIn: 0, bytesOut: sendsBody ? Int64(answer.body.readableBytes) : 0, error: nil))
    }
}

/// The Date field, put together once a second.
private struct DateLine {
    private var second: Int64 = .min
    private var bytes: [UInt8] = []

    mutating func line() -> [UInt8] {
        let now = Timestamp.now()
        if now.seconds != second {
            second = now.seconds
            bytes = Array("date: \(now.httpDate)\r\n".utf8)
        }
        return bytes
    }
}
