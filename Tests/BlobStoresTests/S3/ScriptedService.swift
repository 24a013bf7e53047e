// SPDX-License-Identifier: Apache-2.0

import BlobStores
import Logging
import MediaCore
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import WireFormats

/// A service that keeps objects in memory and fails as it is told to.
final class ScriptedService: Sendable {
    /// A request as it came.
    struct Request: Sendable {
        var method: HTTPMethod
        /// Path and query.
        var target: String
        var headers: HTTPHeaders
        var body: ByteBuffer
        /// How many requests came before it.
        var number: Int
    }

    /// What becomes of a request.
    enum Action: Sendable {
        case answer(HTTPResponseStatus, [(String, String)] = [], String = "")
        case bytes(HTTPResponseStatus, [(String, String)], ByteBuffer)
        /// Announces all of the bytes, sends so many of them, and closes.
        case breakOff(HTTPResponseStatus, [(String, String)], ByteBuffer, after: Int)
        /// Closes without a word.
        case close
        /// Says nothing.
        case silence
    }

    private let channel: any Channel
    private let seen = Mutex<[Request]>([])
    private let script: @Sendable (Request) -> Action

    /// What came so far.
    var requests: [Request] { seen.withLock { $0 } }

    /// Runs `body` with a service on a port of its own.
    static func with<Value>(
        _ script: @escaping @Sendable (Request) -> Action, _ body: (ScriptedService) async throws -> Value
    ) async throws -> Value {
        let box = Box()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.pipeline.configureHTTPServerPipeline().flatMapThrowing {
                    try channel.pipeline.syncOperations.addHandler(Handler(box: box))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let service = ScriptedService(channel, script)
        box.service.withLock { $0 = service }
        do {
            let value = try await body(service)
            try await channel.close()
            return value
        } catch {
            try await channel.close()
            throw error
        }
    }

    private init(_ channel: any Channel, _ script: @escaping @Sendable (Request) -> Action) {
        self.channel = channel
        self.script = script
    }

    func configuration(_ change: (inout S3Configuration) -> Void = { _ in }) throws -> S3Configuration {
        guard let port = channel.localAddress?.port, let endpoint = ServiceEndpoint("http://127.0.0.1:\(port)") else {
            throw StorageError(.internal, "no port")
        }
        var configuration = S3Configuration(
            endpoint: endpoint, bucket: "b", credentials: .init(accessKeyID: "id", secretAccessKey: "a-secret-of-the-test"),
            limits: RemoteLimits(
                inlineReadBytes: 16, connectTimeout: .seconds(1), answerTimeout: .milliseconds(400),
                idleTimeout: .milliseconds(400),
                retries: .init(attempts: 4, firstPause: .milliseconds(1), longestPause: .milliseconds(5), deadline: .seconds(60)))
        )
        change(&configuration)
        return configuration
    }

    fileprivate func action(_ request: Request) -> Action {
        let numbered = seen.withLock { seen in
            var request = request
            request.number = seen.count
            seen.append(request)
            return request
        }
        return script(numbered)
    }

    private final class Box: Sendable {
        let service = Mutex<ScriptedService?>(nil)
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let box: Box
        private var head: HTTPRequestHead?
        private var body = ByteBuffer()

        init(box: Box) { self.box = box }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                self.head = head
                body.clear()
            case .body(var bytes): body.writeBuffer(&bytes)
            case .end:
                guard let head, let service = box.service.withLock({ $0 }) else { return }
                let request = Request(method: head.method, target: head.uri, headers: head.headers, body: body, number: 0)
                perform(service.action(request), head, context)
            }
        }

        private func perform(_ action: Action, _ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
            switch action {
            case .answer(let status, let fields, let text):
                send(status, fields, ByteBuffer(string: text), head, context, upTo: .max)
            case .bytes(let status, let fields, let bytes): send(status, fields, bytes, head, context, upTo: .max)
            case .breakOff(let status, let fields, let bytes, let count):
                send(status, fields, bytes, head, context, upTo: count)
            case .close: context.close(promise: nil)
            case .silence: break
            }
        }

        private func send(
            _ status: HTTPResponseStatus, _ fields: [(String, String)], _ bytes: ByteBuffer, _ head: HTTPRequestHead,
            _ context: ChannelHandlerContext, upTo count: Int
        ) {
            var headers = HTTPHeaders(fields)
            if headers["content-length"].isEmpty { headers.add(name: "content-length", value: String(bytes.readableBytes)) }
            context.write(wrapOutboundOut(.head(.init(version: .http1_1, status: status, headers: headers))), promise: nil)
            if head.method != .HEAD, let part = bytes.getSlice(at: bytes.readerIndex, length: min(count, bytes.readableBytes)) {
                context.write(wrapOutboundOut(.body(.byteBuffer(part))), promise: nil)
            }
            if count < bytes.readableBytes {
                let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
                context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer())))).whenComplete { _ in
                    bound.value.close(promise: nil)
                }
            } else {
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }
}
