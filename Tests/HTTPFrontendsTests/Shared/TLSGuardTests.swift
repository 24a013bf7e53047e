// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOEmbedded
import NIOTLS
import Testing

@testable import HTTPFrontends

/// How long a TLS connection may stay without a request.
@Suite struct TLSGuardTests {
    private func channel(_ tlsGuard: TLSGuard) throws -> EmbeddedChannel {
        let channel = EmbeddedChannel(handler: tlsGuard)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return channel
    }

    private func limits(header: TimeAmount = .hours(1), idle: TimeAmount = .hours(1)) -> ConnectionLimits {
        var limits = ConnectionLimits()
        limits.headerTimeout = header
        limits.idleTimeout = idle
        limits.lingerTime = .zero
        return limits
    }

    private func tick(_ channel: EmbeddedChannel) { channel.embeddedEventLoop.advanceTime(by: .seconds(5)) }

    private func agree(on version: String?, _ channel: EmbeddedChannel) {
        channel.pipeline.fireUserInboundEventTriggered(TLSUserEvent.handshakeCompleted(negotiatedProtocol: version))
    }

    @Test func aHandshakeThatNeverEndsIsCut() throws {
        let patient = try channel(TLSGuard(limits: limits()))
        tick(patient)
        #expect(patient.isActive)

        let channel = try channel(TLSGuard(limits: limits(header: .zero)))
        tick(channel)
        #expect(!channel.isActive)
    }

    @Test func silenceAfterTheHandshakeIsCut() throws {
        let channel = try channel(TLSGuard(limits: limits(header: .zero)))
        agree(on: "h2", channel)
        tick(channel)
        #expect(!channel.isActive)
    }

    @Test func aConnectionWithAStreamIsLeftToIt() throws {
        let tlsGuard = TLSGuard(limits: limits(header: .zero, idle: .zero))
        let channel = try channel(tlsGuard)
        agree(on: "h2", channel)
        channel.pipeline.fireChannelRead(ByteBuffer(string: "PRI"))
        tlsGuard.streamOpened()
        tick(channel)
        #expect(channel.isActive)

        tlsGuard.streamClosed()
        tick(channel)
        #expect(!channel.isActive)
    }

    @Test(arguments: ["http/1.1", nil])
    func http1IsLeftToItsOwnGuard(version: String?) throws {
        let channel = try channel(TLSGuard(limits: limits(header: .zero, idle: .zero)))
        agree(on: version, channel)
        channel.embeddedEventLoop.run()
        #expect(throws: ChannelPipelineError.self) { try channel.pipeline.syncOperations.handler(type: TLSGuard.self) }
        tick(channel)
        #expect(channel.isActive)
    }

    @Test func aHandshakeDoesNotHoldUpTheEnd() throws {
        let channel = try channel(TLSGuard(limits: limits()))
        channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        #expect(!channel.isActive)
    }
}
