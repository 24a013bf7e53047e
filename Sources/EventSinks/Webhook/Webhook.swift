// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
public import MediaCore
import NIOCore
import NIOHTTP1
import NIOPosix

/// Sends events to one URL by POST.
///
/// An answer from 200 to 299 confirms; anything else, redirects included, does not. Receivers tell repetitions by `X-Magpie-Event-Id`, and
/// the order of one object's events by `X-Magpie-Event-Sequence`.
public struct Webhook: EventSink {
    /// Where to, and as whom.
    public struct Configuration: Sendable {
        /// `http` or `https`. May hold a secret of the receiver's: never logged.
        public var url: String
        /// Sent as a bearer token.
        public var apiKey: String?
        /// Signs what is sent.
        public var secret: String?
        public var region: String
        /// The host by which clients know this server.
        public var host: String
        public var connectTimeout: Duration
        /// From the start to the head of the answer.
        public var timeout: Duration

        public init(
            url: String, apiKey: String? = nil, secret: String? = nil, region: String, host: String,
            connectTimeout: Duration = .seconds(2), timeout: Duration = .seconds(4)
        ) {
            self.url = url
            self.apiKey = apiKey
            self.secret = secret
            self.region = region
            self.host = host
            self.connectTimeout = connectTimeout
            self.timeout = timeout
        }
    }

    /// There is one tenant, and Supabase's events name one.
    private static let tenant = "default"
    /// In bytes: an answer up to this length is read, so that its connection can be used again.
    private static let longestAnswer = 16 << 10

    private let configuration: Configuration
    private let body: WebhookBody
    private let signature: WebhookSignature?
    private let client: HTTPClient
    private let now: @Sendable () -> Timestamp

    /// Runs `body` with a webhook, whose connections are closed at its end.
    public static func with<Value: Sendable>(
        _ configuration: Configuration, now: @escaping @Sendable () -> Timestamp = Timestamp.now,
        _ body: (Webhook) async throws -> Value
    ) async throws -> Value {
        let webhook = Webhook(configuration, now: now)
        let value: Value
        do {
            value = try await body(webhook)
        } catch {
            try await webhook.client.shutdown()
            throw error
        }
        try await webhook.client.shutdown()
        return value
    }

    private init(_ configuration: Configuration, now: @escaping @Sendable () -> Timestamp) {
        self.configuration = configuration
        self.body = WebhookBody(region: configuration.region, tenant: (Self.tenant, configuration.host))
        self.signature = configuration.secret.map(WebhookSignature.init)
        self.now = now
        var settings = HTTPClient.Configuration()
        settings.redirectConfiguration = .disallow
        settings.timeout.connect = TimeAmount(configuration.connectTimeout)
        settings.timeout.read = TimeAmount(configuration.timeout)
        self.client = HTTPClient(configuration: settings)
    }

    public func deliver(_ event: StorageEvent) async throws {
        let response: HTTPClientResponse
        do {
            response = try await client.execute(request(for: event), timeout: TimeAmount(configuration.timeout))
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            if Task.isCancelled { throw CancellationError() }
            throw EventRefused(Self.reason(error))
        }
        guard (200...299).contains(response.status.code) else {
            throw EventRefused("the receiver answered \(response.status.code)")
        }
        await drain(response)
    }

    private func request(for event: StorageEvent) -> HTTPClientRequest {
        let date = now()
        let text = body.text(of: event, sentAt: date)
        var request = HTTPClientRequest(url: configuration.url)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.headers.add(name: "User-Agent", value: "Magpie")
        request.headers.add(name: "X-Magpie-Event-Id", value: event.uuid)
        request.headers.add(name: "X-Magpie-Event-Sequence", value: event.id.description)
        if let apiKey = configuration.apiKey { request.headers.add(name: "Authorization", value: "Bearer \(apiKey)") }
        if let signature { request.headers.add(name: "X-Magpie-Signature", value: signature.value(of: text, at: date)) }
        request.body = .bytes(ByteBuffer(string: text))
        return request
    }

    /// Reads a short answer to its end. The event is delivered whatever comes of that; a long or slow answer costs its connection.
    private func drain(_ response: HTTPClientResponse) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    _ = try await response.body.collect(upTo: Self.longestAnswer)
                } catch {
                    return  // The connection is closed.
                }
            }
            group.addTask {
                do { try await Task.sleep(for: configuration.timeout) } catch { return }
            }
            await group.next()
            group.cancelAll()
        }
    }

    /// Without the URL, which may hold a secret.
    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as HTTPClientError: error.shortDescription
        case let error as IOError: error.description
        case is NIOConnectionError: "no connection"
        default: "\(type(of: error))"
        }
    }
}

/// Says nothing of what is in it: whoever logs a value that holds one, as the service group does, logs no secret.
extension Webhook.Configuration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "Webhook.Configuration" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension TimeAmount {
    fileprivate init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
