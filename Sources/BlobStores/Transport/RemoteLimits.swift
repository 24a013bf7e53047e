// SPDX-License-Identifier: Apache-2.0

/// How much of everything a store far away may take: memory, connections and time.
public struct RemoteLimits: Sendable {
    /// How much of a body is in memory at a time for each of its parts under way, in bytes. At least `leastPartBytes`.
    public var partBytes: Int {
        didSet { partBytes = max(partBytes, Self.leastPartBytes) }
    }
    /// How many parts of one body are under way at a time.
    public var concurrentParts: Int
    /// Blobs, or ranges of them, up to this size are read whole, in bytes.
    public var inlineReadBytes: Int
    /// The most connections at a time.
    public var connections: Int
    public var connectTimeout: Duration
    /// How long an answer may take to begin once the request was sent, and how long a document may take to come whole.
    public var answerTimeout: Duration
    /// How fast a body has to be sent, at the least: slower is a connection that is as good as broken.
    public var leastBytesPerSecond: Int
    /// How long an answer may pause.
    public var idleTimeout: Duration
    /// How many bytes have to come within `idleTimeout` of waiting: fewer is a connection that is as good as broken.
    public var leastBytesPerPause: Int
    public var retries: RetryPolicy
    /// Where hosts are reached, by their names, instead of where the name service says: whoever checked an address has it used.
    public var addresses: [String: String]

    /// Five MiB: the least that S3 takes of a part that is not the last.
    public static let leastPartBytes = 5 << 20

    public init(
        partBytes: Int = 8 << 20, concurrentParts: Int = 3, inlineReadBytes: Int = 256 << 10, connections: Int = 128,
        connectTimeout: Duration = .seconds(5), answerTimeout: Duration = .seconds(60), leastBytesPerSecond: Int = 64 << 10,
        idleTimeout: Duration = .seconds(30),
        leastBytesPerPause: Int = 16 << 10, retries: RetryPolicy = RetryPolicy(), addresses: [String: String] = [:]
    ) {
        self.partBytes = max(partBytes, Self.leastPartBytes)
        self.concurrentParts = max(concurrentParts, 1)
        self.inlineReadBytes = inlineReadBytes
        self.connections = connections
        self.connectTimeout = connectTimeout
        self.answerTimeout = answerTimeout
        self.leastBytesPerSecond = max(leastBytesPerSecond, 1)
        self.idleTimeout = idleTimeout
        self.leastBytesPerPause = leastBytesPerPause
        self.retries = retries
        self.addresses = addresses
    }

    /// How long an attempt may take until its answer begins.
    func timeout(sending bytes: Int) -> Duration { answerTimeout + .seconds(bytes / leastBytesPerSecond) }
}
