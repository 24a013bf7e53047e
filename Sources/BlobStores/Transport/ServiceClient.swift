// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import MediaCore
import NIOCore
import NIOHTTP1

/// How requests to one kind of service are written, and its refusals read.
protocol ServiceDialect: Sendable {
    associatedtype Request: Sendable

    /// The request as it goes over the wire, signed for now. Asked anew for every attempt.
    /// - Throws: `ServiceFailure`; `CancellationError`.
    func prepared(_ request: Request) async throws -> HTTPClientRequest

    /// How much a request sends, in bytes.
    func bodyBytes(_ request: Request) -> Int

    /// Whether a status that is none of success is an answer to this request all the same.
    func accepts(_ status: HTTPResponseStatus, for request: Request) -> Bool

    /// The service's word for what went wrong. Nil where it did not say.
    func errorCode(_ headers: HTTPHeaders, _ document: ByteBuffer) -> String?

    /// The same where the status said that all is well. Nil where it is.
    func hiddenErrorCode(_ document: ByteBuffer) -> String?

    /// Called once a request was refused; whether what refused it has been put right, so that another attempt makes sense.
    func recovers(from failure: ServiceFailure) async -> Bool
}

extension ServiceDialect {
    func bodyBytes(_ request: Request) -> Int { 0 }
    func accepts(_ status: HTTPResponseStatus, for request: Request) -> Bool { false }
    func hiddenErrorCode(_ document: ByteBuffer) -> String? { nil }
    func recovers(from failure: ServiceFailure) async -> Bool { false }
}

/// An answer that was read whole.
struct ServiceAnswer: Sendable {
    var status: HTTPResponseStatus
    var headers: HTTPHeaders
    var body: ByteBuffer
}

/// Sends requests to a service, again where that may help.
struct ServiceClient<Dialect: ServiceDialect>: Sendable {
    let dialect: Dialect
    let limits: RemoteLimits
    private let http: HTTPClient

    /// The longest document that is read, in bytes.
    private static var longestDocument: Int { 8 << 20 }
    /// The longest error document that is read, in bytes.
    private static var longestError: Int { 64 << 10 }

    init(_ dialect: Dialect, limits: RemoteLimits) {
        self.dialect = dialect
        self.limits = limits
        http = HTTPClient(configuration: HTTPClient.Configuration(limits))
    }

    /// Closes the connections. Nothing may be sent afterwards.
    func close() async throws { try await http.shutdown() }

    /// The answer to a request, read whole.
    /// - Throws: `ServiceFailure`; `CancellationError`.
    func send(_ request: Dialect.Request) async throws -> ServiceAnswer {
        try await retrying {
            let answer = try await whole(request, atMost: Self.longestDocument)
            // Copies and completions may fail behind a head that says 200.
            if answer.body.readableBytes > 0, let code = dialect.hiddenErrorCode(answer.body) {
                throw ServiceFailure(.refused(status: UInt(answer.status.code), code: code))
            }
            return answer
        }
    }

    /// The answer to a request, whose body is still to be read.
    /// - Throws: `ServiceFailure`; `CancellationError`.
    func open(_ request: Dialect.Request) async throws -> HTTPClientResponse {
        try await retrying { try await attempt(request) }
    }

    /// Any body, read whole; opened again where it breaks off.
    /// - Throws: `ServiceFailure`; `CancellationError`.
    func read(_ request: Dialect.Request, atMost limit: Int) async throws -> ServiceAnswer {
        try await retrying { try await whole(request, atMost: limit) }
    }

    /// The answer to a single attempt, read whole.
    /// - Throws: `ServiceFailure`; `CancellationError`.
    func sendOnce(_ request: Dialect.Request) async throws -> ServiceAnswer {
        try await whole(request, atMost: Self.longestDocument)
    }

    private func retrying<Value: Sendable>(_ attempt: () async throws -> Value) async throws -> Value {
        let policy = limits.retries
        let end = ContinuousClock.now + policy.deadline
        var failures = 0
        while true {
            do {
                return try await attempt()
            } catch let failure as ServiceFailure {
                failures += 1
                if failures == 1, await dialect.recovers(from: failure) { continue }
                guard failure.isTransient else { throw failure }
                let pause = policy.pause(after: failures)
                guard failures < policy.attempts, ContinuousClock.now + pause < end else { throw failure }
                try await Task.sleep(for: pause)
            }
        }
    }

    /// One attempt: the answer where it is good.
    private func attempt(_ request: Dialect.Request) async throws -> HTTPClientResponse {
        let prepared = try await dialect.prepared(request)
        let response = try await transport {
            try await http.execute(prepared, timeout: TimeAmount(limits.timeout(sending: dialect.bodyBytes(request))))
        }
        guard (200...299).contains(response.status.code) || dialect.accepts(response.status, for: request) else {
            let document = try await collectError(response) ?? ByteBuffer()
            throw ServiceFailure(
                .refused(status: UInt(response.status.code), code: dialect.errorCode(response.headers, document)))
        }
        return response
    }

    private func whole(_ request: Dialect.Request, atMost limit: Int) async throws -> ServiceAnswer {
        let response = try await attempt(request)
        return ServiceAnswer(
            status: response.status, headers: response.headers, body: try await collect(response, upTo: limit))
    }

    private func collect(_ response: HTTPClientResponse, upTo limit: Int) async throws -> ByteBuffer {
        try await transport {
            try await within(limits.answerTimeout) { try await response.body.collect(upTo: limit) }
        }
    }

    /// Nil where the document can't be had: the status says enough.
    private func collectError(_ response: HTTPClientResponse) async throws -> ByteBuffer? {
        do {
            return try await collect(response, upTo: Self.longestError)
        } catch is ServiceFailure {
            return nil
        }
    }

    private func transport<Value>(_ work: () async throws -> Value) async throws -> Value {
        do {
            return try await work()
        } catch {
            if Task.isCancelled { throw CancellationError() }
            throw ServiceFailure(transport: error)
        }
    }
}

/// Runs `body`, and cancels it when it takes longer.
/// - Throws: what `body` throws; `ServiceFailure` that says `.late`.
func within<Value: Sendable>(_ limit: Duration, _ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: limit)
            return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let value = first else {
            throw ServiceFailure(.late("its answer did not end"))
        }
        return value
    }
}

extension HTTPClient.Configuration {
    /// No redirects: a request is signed for one host, and goes to no other.
    init(_ limits: RemoteLimits) {
        self.init()
        redirectConfiguration = .disallow
        httpVersion = .http1Only
        timeout.connect = TimeAmount(limits.connectTimeout)
        timeout.read = TimeAmount(limits.idleTimeout)
        connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = limits.connections
        // Services close connections that idle for long, and a request that meets the end of one has to be sent again.
        connectionPool.idleTimeout = .seconds(15)
        dnsOverride = limits.addresses
        // Every read of a large object is handed from thread to thread, so it had better be large; with one buffer for each connection to
        // read into. There is no other way to its channel.
        http1_1ConnectionDebugInitializer = { channel in
            let allocator = AdaptiveRecvByteBufferAllocator(minimum: 4 << 10, initial: 64 << 10, maximum: 512 << 10)
            return channel.setOption(.recvAllocator, value: allocator).flatMap {
                channel.setOption(.maxMessagesPerRead, value: 1)
            }
        }
    }
}

extension TimeAmount {
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
