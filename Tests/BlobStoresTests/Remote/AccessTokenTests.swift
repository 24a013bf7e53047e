// SPDX-License-Identifier: Apache-2.0

import BlobStores
import MediaCore
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

/// How tokens of a service account are kept.
struct AccessTokenTests {
    private static let object = #"{"name":"k","size":"3","updated":"2026-01-01T00:00:00.000Z"}"#

    /// A service whose tokens are good for so many seconds, and count up.
    private static func withStore(
        seconds: Int,
        _ answer: @escaping @Sendable (ScriptedService.Request) -> ScriptedService.Action = { _ in .answer(.ok, [], Self.object)
        },
        _ body: (CustomerBlobStore, ScriptedService) async throws -> Void
    ) async throws {
        let made = Mutex(0)
        try await ScriptedService.with { request in
            guard request.target == "/token" else { return answer(request) }
            let number = made.withLock { made in
                made += 1
                return made
            }
            return .answer(.ok, [], #"{"access_token":"token-\#(number)","expires_in":\#(seconds)}"#)
        } _: { service in
            let store = try ServiceKind.gcs.store(at: try service.endpoint)
            do {
                try await body(store, service)
            } catch {
                try await store.close()
                throw error
            }
            try await store.close()
        }
    }

    private static func asked(_ service: ScriptedService) -> Int { service.requests.count { $0.target == "/token" } }

    @Test func aTokenServesManyRequests() async throws {
        try await Self.withStore(seconds: 3599) { store, service in
            for _ in 0..<5 { _ = try await store.info(BlobKey("k")) }
            #expect(Self.asked(service) == 1)
            #expect(service.requests.last?.headers.first(name: "authorization") == "Bearer token-1")
        }
    }

    @Test func manyRequestsAtOnceAskForOneToken() async throws {
        try await Self.withStore(seconds: 3599) { store, service in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<20 { group.addTask { _ = try await store.info(BlobKey("k")) } }
                try await group.waitForAll()
            }
            #expect(Self.asked(service) == 1)
        }
    }

    @Test func aTokenThatIsAboutToEndIsNotUsed() async throws {
        try await Self.withStore(seconds: 20) { store, service in
            for _ in 0..<3 { _ = try await store.info(BlobKey("k")) }
            #expect(Self.asked(service) == 3)
        }
    }

    @Test func aTokenThatEndsSoonServesWhileTheNextOneIsAskedFor() async throws {
        try await Self.withStore(seconds: 200) { store, service in
            _ = try await store.info(BlobKey("k"))
            _ = try await store.info(BlobKey("k"))
            #expect(
                service.requests.filter { $0.target != "/token" }.last?.headers.first(name: "authorization") == "Bearer token-1")
        }
    }

    @Test func aTokenThatIsNotTakenIsReplacedOnce() async throws {
        try await Self.withStore(seconds: 3599) { request in
            request.headers.first(name: "authorization") == "Bearer token-2"
                ? .answer(.ok, [], Self.object) : .answer(.unauthorized, [], #"{"error":{"errors":[{"reason":"authError"}]}}"#)
        } _: { store, service in
            let size = try await store.info(BlobKey("k")).size
            #expect(size == 3)
            #expect(Self.asked(service) == 2)
        }
    }

    @Test func credentialsThatAreNeverTakenAreNoMissingObject() async throws {
        try await ScriptedService.with { _ in
            .answer(.notFound)
        } _: { service in
            let store = try ServiceKind.gcs.store(at: try service.endpoint)
            #expect(await errorCode { _ = try await store.info(BlobKey("k")) } == .backendUnavailable)
            try await store.close()
        }
    }
}
