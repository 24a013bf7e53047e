// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
import MediaCore
import NIOCore
import NIOHTTP1
import WireFormats

/// Sends requests to an S3 service, again where that may help.
struct S3Service: Sendable {
    /// An answer that was read whole.
    struct Answer: Sendable {
        var headers: HTTPHeaders
        var body: ByteBuffer
    }

    /// The longest document that is read, in bytes.
    private static let longestDocument = 8 << 20
    /// The longest error document that is read, in bytes.
    private static let longestError = 64 << 10

    let configuration: S3Configuration
    private let http: HTTPClient

    init(_ configuration: S3Configuration) {
        self.configuration = configuration
        var settings = HTTPClient.Configuration()
        settings.redirectConfiguration = .disallow
        settings.httpVersion = .http1Only
        settings.timeout.connect = TimeAmount(configuration.connectTimeout)
        settings.timeout.read = TimeAmount(configuration.idleTimeout)
        settings.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = configuration.connections
        // Services close connections that idle for long, and a request that meets the end of one has to be sent again.
        settings.connectionPool.idleTimeout = .seconds(15)
        http = HTTPClient(configuration: settings)
    }

    /// Closes the connections. Nothing may be sent afterwards.
    func close() async throws { try await http.shutdown() }

    /// The answer to a request, read whole.
    /// - Throws: `S3Failure`; `CancellationError`.
    func send(_ request: S3Request) async throws -> Answer {
        try await retrying {
            let response = try await attempt(request)
            let body = try await collect(response, upTo: Self.longestDocument)
            // Copies and completions may fail behind a head that says 200.
            if body.readableBytes > 0, let code = S3Document.errorCode(body) {
                throw S3Failure(.refused(status: UInt(response.status.code), code: code))
            }
            return Answer(headers: response.headers, body: body)
        }
    }

    /// The answer to a request, whose body is still to be read.
    /// - Throws: `S3Failure`; `CancellationError`.
    func open(_ request: S3Request) async throws -> HTTPClientResponse {
        try await retrying { try await attempt(request) }
    }

    /// A body that was opened, read whole; opened again where it breaks off.
    func read(_ request: S3Request, atMost limit: Int) async throws -> Answer {
        try await retrying {
            let response = try await attempt(request)
            return Answer(headers: response.headers, body: try await collect(response, upTo: limit))
        }
    }

    private func retrying<Value: Sendable>(_ attempt: () async throws -> Value) async throws -> Value {
        let policy = configuration.retries
        let end = ContinuousClock.now + policy.deadline
        var failures = 0
        while true {
            do {
                return try await attempt()
            } catch let failure as S3Failure where failure.isTransient {
                failures += 1
                let pause = policy.pause(after: failures)
                guard failures < policy.attempts, ContinuousClock.now + pause < end else { throw failure }
                try await Task.sleep(for: pause)
            }
        }
    }

    /// One attempt: the answer where it is good.
    private func attempt(_ request: S3Request) async throws -> HTTPClientResponse {
        let signed = try request.signed(configuration, at: SigningTime(secondsSince1970: Timestamp.now().seconds))
        let response = try await transport {
            try await http.execute(signed, timeout: TimeAmount(configuration.answerTimeout))
        }
        guard (200...299).contains(response.status.code) else {
            let code = try await collectError(response).flatMap(S3Document.errorCode)
            throw S3Failure(.refused(status: UInt(response.status.code), code: code))
        }
        return response
    }

    private func collect(_ response: HTTPClientResponse, upTo limit: Int) async throws -> ByteBuffer {
        try await transport { try await response.body.collect(upTo: limit) }
    }

    /// Nil where the document can't be had: the status says enough.
    private func collectError(_ response: HTTPClientResponse) async throws -> ByteBuffer? {
        do {
            return try await collect(response, upTo: Self.longestError)
        } catch is S3Failure {
            return nil
        }
    }

    private func transport<Value>(_ work: () async throws -> Value) async throws -> Value {
        do {
            return try await work()
        } catch {
            if Task.isCancelled { throw CancellationError() }
            throw S3Failure(transport: error)
        }
    }
}

extension TimeAmount {
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
