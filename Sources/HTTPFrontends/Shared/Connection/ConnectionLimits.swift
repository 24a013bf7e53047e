// SPDX-License-Identifier: Apache-2.0

public import HummingbirdCore
public import NIOCore

/// What one connection may cost: how large heads may be and how long it may keep us waiting.
public struct ConnectionLimits: Sendable {
    /// All header fields of a request together, in bytes. Beyond: 431.
    public var headerBytes = 64 << 10
    /// The request target, in bytes. Beyond: 414.
    public var targetBytes = 16 << 10
    /// From the first byte of a head to its last.
    public var headerTimeout: TimeAmount = .seconds(20)
    /// Without a request under way.
    public var idleTimeout: TimeAmount = .seconds(75)
    /// While a body is wanted and nothing of it comes.
    public var bodyIdleTimeout: TimeAmount = .seconds(60)
    /// How long a body may arrive more slowly than `minimumBodyRate`, counting only the time spent waiting for it.
    public var bodyGracePeriod: TimeAmount = .seconds(30)
    /// In bytes per second, on average.
    public var minimumBodyRate: Int64 = 512
    /// While a response waits to be taken and nothing of it goes.
    public var sendTimeout: TimeAmount = .seconds(120)
    /// How much of a body nobody wants is read to keep the connection, in bytes. With more to come it is closed.
    public var drainBytes: Int64 = 256 << 10
    /// How long a closing connection is kept for its client to read the answer.
    public var lingerTime: TimeAmount = .seconds(2)

    public init() {}

    /// The same for the decoder. A target has to fit a field there; `targetBytes` is checked once it is known.
    public var decoder: HTTP1Channel.Configuration.DecoderConfiguration {
        .init(
            maxHeaderFieldSize: max(headerBytes, targetBytes), maxHeaderListSize: headerBytes + targetBytes,
            maxHeaderFieldCount: 256)
    }

    /// How often a connection looks at its clocks.
    var tick: TimeAmount {
        let shortest = [headerTimeout, idleTimeout, bodyIdleTimeout, bodyGracePeriod, sendTimeout].min() ?? .seconds(5)
        return min(max(.nanoseconds(shortest.nanoseconds / 4), .milliseconds(10)), .seconds(5))
    }
}
