// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import MediaCore
import Metrics
import NIOCore
import Testing

@testable import HTTPFrontends

@Suite struct OperationsFrontendTests {
    /// Asks the front-end and nothing else; what it leaves to others is a 404.
    private struct OperationsResponder: HTTPResponder {
        let frontend: OperationsFrontend

        func respond(to request: Request, context: MagpieRequestContext) async throws -> Response {
            await frontend.respond(to: request, context: context) ?? Response(status: .notFound)
        }
    }

    private let registry = PrometheusRegistry()
    private let working = ReadinessCheck("database") {}

    private func ask(
        _ path: String, _ method: HTTPRequest.Method = .get, checks: [ReadinessCheck] = [], timeout: Duration = .seconds(60)
    ) async throws -> TestResponse {
        let frontend = OperationsFrontend(checks: checks, registry: registry, checkTimeout: timeout)
        let application = Application(
            responder: OperationsResponder(frontend: frontend),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        return try await application.test(.router) { client in
            try await client.execute(uri: path, method: method) { $0 }
        }
    }

    @Test func healthSaysThatTheProcessLivesWhateverIsWrong() async throws {
        let broken = ReadinessCheck("database") { throw StorageError(.databaseFailure, "gone") }
        let response = try await ask("/healthz", checks: [broken])
        #expect(response.status == .ok)
        #expect(String(buffer: response.body) == "ok\n")
    }

    @Test func readyWhenEveryCheckPasses() async throws {
        let response = try await ask("/readyz", checks: [working, ReadinessCheck("blobs") {}])
        #expect(response.status == .ok)
        #expect(String(buffer: response.body) == #"{"ready":true,"checks":{"database":"ok","blobs":"ok"}}"#)
    }

    @Test func notReadyNamesWhatFailedAndWhy() async throws {
        let broken = ReadinessCheck("blobs") { throw StorageError(.backendUnavailable, "The blob store can't be written to") }
        let response = try await ask("/readyz", checks: [working, broken])
        #expect(response.status == .serviceUnavailable)
        #expect(
            String(buffer: response.body)
                == #"{"ready":false,"checks":{"database":"ok","blobs":"The blob store can't be written to"}}"#)
    }

    @Test func whatIsNotMeantForEveryoneIsNotShown() async throws {
        struct Inner: Error { let path = "/srv/secret" }
        let response = try await ask("/readyz", checks: [ReadinessCheck("database") { throw Inner() }])
        #expect(String(buffer: response.body) == #"{"ready":false,"checks":{"database":"failed"}}"#)
    }

    @Test func aCheckThatDoesNotAnswerCountsAsFailed() async throws {
        let hanging = ReadinessCheck("database") { try await Task.sleep(for: .seconds(3600)) }
        let response = try await ask("/readyz", checks: [hanging], timeout: .milliseconds(1))
        #expect(response.status == .serviceUnavailable)
        #expect(String(buffer: response.body).contains("no answer in time"))
    }

    @Test func metricsAreTextForPrometheus() async throws {
        Counter(label: "seen_total", factory: registry).increment()
        let response = try await ask("/metrics")
        #expect(response.status == .ok)
        #expect(response.headers[.contentType] == "text/plain; version=0.0.4; charset=utf-8")
        #expect(String(buffer: response.body).contains("# TYPE seen_total counter\nseen_total 1\n"))
    }

    @Test(arguments: ["/healthz", "/readyz", "/metrics"])
    func answersAreNeverCached(path: String) async throws {
        #expect(try await ask(path).headers[.cacheControl] == "no-store")
    }

    @Test func otherMethodsAreRefused() async throws {
        let response = try await ask("/metrics", .post)
        #expect(response.status == .methodNotAllowed)
        #expect(response.headers[.allow] == "GET, HEAD")
    }

    @Test(arguments: ["/", "/healthz/", "/metrics/x", "/object/readyz"])
    func otherPathsAreLeftToOthers(path: String) async throws { #expect(try await ask(path).status == .notFound) }
}
