// SPDX-License-Identifier: Apache-2.0

import CoreMetrics
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import MediaCore
import Testing

@testable import HTTPFrontends

/// What operators ask the server.
@Suite struct OperationsFrontendTests {
    private struct Broken: Error {}

    private func get(
        _ path: String, _ method: HTTPRequest.Method = .get, checks: [ReadinessCheck] = [], registry: PrometheusRegistry = .init()
    ) async throws -> TestResponse {
        let frontend = OperationsFrontend(checks: checks, registry: registry, checkTimeout: .milliseconds(50))
        return try await LiveServer { await frontend.respond(to: $0, context: $1) }.run { running in
            try await running.client.execute(uri: path, method: method)
        }
    }

    @Test func theProcessSaysThatItLives() async throws {
        let response = try await get("/healthz", checks: [ReadinessCheck("database") { throw Broken() }])
        #expect(response.status == .ok)
        #expect(String(buffer: response.body) == "ok\n")
    }

    @Test func itIsReadyWhenEveryCheckPasses() async throws {
        let response = try await get("/readyz", checks: [ReadinessCheck("database") {}, ReadinessCheck("blobs") {}])
        #expect(response.status == .ok)
        #expect(String(buffer: response.body) == #"{"ready":true,"checks":{"database":"ok","blobs":"ok"}}"#)
    }

    @Test func itSaysWhatIsNotReadyAndNothingMore() async throws {
        let response = try await get(
            "/readyz",
            checks: [
                ReadinessCheck("database") {
                    throw StorageError(.databaseFailure, "The database can't be reached", cause: Broken())
                },
                ReadinessCheck("blobs") { throw Broken() }, ReadinessCheck("other") {},
            ])
        #expect(response.status == .serviceUnavailable)
        #expect(
            String(buffer: response.body)
                == #"{"ready":false,"checks":{"database":"The database can't be reached","blobs":"failed","other":"ok"}}"#)
        #expect(response.headers[.cacheControl] == "no-store")
    }

    @Test func aCheckThatHangsFails() async throws {
        let response = try await get("/readyz", checks: [ReadinessCheck("slow") { try await Task.sleep(for: .seconds(60)) }])
        #expect(response.status == .serviceUnavailable)
        #expect(String(buffer: response.body).contains(#""slow":"no answer in time""#))
    }

    @Test func aCheckThatCannotBeCancelledIsNotWaitedForAndNotRunTwice() async throws {
        let runs = Shared(0)
        let (disk, comesBack) = AsyncStream<Void>.makeStream()
        let check = ReadinessCheck("disk") {
            runs.update { $0 += 1 }
            // What a thread does that waits for a dead disk: nothing ends it but the disk.
            await Task.detached { for await _ in disk {} }.value
        }
        let frontend = OperationsFrontend(checks: [check], registry: .init(), checkTimeout: .milliseconds(50))
        try await LiveServer { await frontend.respond(to: $0, context: $1) }.run { running in
            for _ in 1...3 {
                let response = try await running.client.execute(uri: "/readyz", method: .get)
                #expect(response.status == .serviceUnavailable)
                #expect(String(buffer: response.body).contains(#""disk":"no answer in time""#))
            }
            #expect(runs.value == 1)

            comesBack.finish()
            let deadline = ContinuousClock.now + .seconds(10)
            var status = HTTPResponse.Status.serviceUnavailable
            while status != .ok, ContinuousClock.now < deadline {
                status = try await running.client.execute(uri: "/readyz", method: .get).status
            }
            #expect(status == .ok)
        }
    }

    @Test func metricsAreShown() async throws {
        let registry = PrometheusRegistry()
        Counter(label: "things", factory: registry).increment(by: 7)
        let response = try await get("/metrics", registry: registry)
        #expect(response.headers[.contentType] == "text/plain; version=0.0.4; charset=utf-8")
        #expect(String(buffer: response.body).contains("# TYPE things counter\nthings 7\n"))
    }

    @Test func otherMethodsAndPathsAreNotItsOwn() async throws {
        #expect(try await get("/healthz", .post).status == .methodNotAllowed)
        #expect(try await get("/healthz/x").status == .notFound)
        #expect(try await get("/metricsx").status == .notFound)
    }
}
