// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore
import NIOPosix
import Testing

@testable import EventSinks

/// A webhook at sockets that misbehave.
@Suite(.timeLimit(.minutes(1))) struct WebhookDeliveryTests {
    private let event = StorageEvent(
        id: EventID(1), uuid: "u1", type: .createdByPost,
        address: ObjectAddress(bucket: BucketID(stored: "b"), key: ObjectKey(stored: "k")), date: Timestamp(seconds: 0))

    /// Delivers to a socket of the loopback interface that sends `answer` to whatever comes, and ends the connection or not.
    private func deliver(
        to answer: String, repeating: Bool = false, closes: Bool = true, timeout: Duration = .milliseconds(300)
    ) async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let listener = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        Answering(answer: answer, repeats: repeating, closes: closes))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = listener.localAddress?.port ?? 0
        let result: Result<Void, any Error>
        do {
            try await Webhook.with(
                Webhook.Configuration(url: "http://127.0.0.1:\(port)/secret", region: "r", host: "h", timeout: timeout)
            ) { try await $0.deliver(event) }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        try await listener.close()
        try result.get()
    }

    @Test(arguments: ["200 OK", "204 No Content", "299 Whatever"])
    func anySuccessConfirms(_ status: String) async throws {
        try await deliver(to: "HTTP/1.1 \(status)\r\nConnection: close\r\n\r\n")
    }

    @Test(arguments: [(301, "Moved"), (307, "Temporary"), (400, "Bad"), (500, "Broken")])
    func anythingElseRefuses(_ code: Int, _ words: String) async throws {
        await #expect(throws: EventRefused("the receiver answered \(code)")) {
            try await deliver(
                to: "HTTP/1.1 \(code) \(words)\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
        }
    }

    @Test func anAnswerThatNeverEndsStillConfirms() async throws {
        try await deliver(to: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", closes: false)
    }

    @Test func anAnswerWithoutBoundIsNotReadToItsEnd() async throws {
        try await deliver(to: "HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "x", count: 1 << 16), repeating: true, closes: false)
    }

    @Test func silenceRefusesWhenTheTimeIsUp() async throws {
        await #expect(throws: EventRefused.self) { try await deliver(to: "", closes: false) }
    }

    @Test(arguments: ["", "nonsense\r\n\r\n", "HTTP/1.1 2", "HTTP/9.9 200 OK\r\n\r\n"])
    func noAnswerRefuses(_ answer: String) async throws {
        await #expect(throws: EventRefused.self) { try await deliver(to: answer) }
    }

    @Test func nobodyThereRefusesWithoutTheURL() async throws {
        let socket = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: 0)
            .get()
        let port = socket.localAddress?.port ?? 0
        try await socket.close()

        let error = await #expect(throws: EventRefused.self) {
            try await Webhook.with(
                Webhook.Configuration(url: "http://127.0.0.1:\(port)/secret", region: "r", host: "h")
            ) { try await $0.deliver(event) }
        }
        let reason = try #require(error).description
        #expect(reason.contains("refused") && !reason.contains("secret"))
    }
}

/// Answers the first bytes of a connection.
private final class Answering: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let answer: String
    private let repeats: Bool
    private let closes: Bool
    private var hasAnswered = false

    init(answer: String, repeats: Bool, closes: Bool) {
        self.answer = answer
        self.repeats = repeats
        self.closes = closes
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !hasAnswered else { return }
        hasAnswered = true
        send(context)
    }

    private func send(_ context: ChannelHandlerContext) {
        let (channel, closes, repeats) = (context.channel, closes, repeats)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        channel.writeAndFlush(ByteBuffer(string: answer)).whenSuccess {
            if closes { channel.close(promise: nil) }
            if repeats { bound.value.0.send(bound.value.1) }
        }
    }
}
