// SPDX-License-Identifier: Apache-2.0

import BlobStores
import Foundation
import MediaCore
import NIOCore
import NIOPosix
import Testing

/// Every kind of service, failing in every way, asked for everything.
struct OutageMatrixTests {
    /// Three attempts of at most 400 ms to connect and 400 ms to answer, with room for a machine that does much else.
    private static let patience = Duration.seconds(20)

    @Test(arguments: ServiceKind.allCases, Outage.allCases)
    func everyCallEndsInTimeWithTheRightError(kind: ServiceKind, outage: Outage) async throws {
        for call in StoreCall.allCases {
            try await Self.withEndpoint(kind, outage) { endpoint, service in
                let store = try kind.store(at: endpoint)
                let start = ContinuousClock.now

                let error = await Self.error { try await call.perform(on: store) }

                let name: Comment = "\(kind) \(outage) \(call): \(String(describing: error))"
                #expect(ContinuousClock.now - start < Self.patience, name)
                #expect((error as? StorageError)?.code == .backendUnavailable, name)
                #expect((error as? StorageError)?.isRetryable == outage.passes, name)
                #expect(!"\(String(describing: error))".contains("a-secret-of-the-test"), name)
                #expect(!"\(String(describing: error))".contains("127.0.0.1"), name)
                if let service {
                    #expect(service.openConnections <= 4, name)
                    if outage.passes { #expect(service.requests.count(where: { $0.target != "/token" }) >= 3, name) }
                }
                try await store.close()
                try await service?.drained()
            }
        }
    }

    private static func error(_ body: () async throws -> Void) async -> (any Error)? {
        do {
            try await body()
            return nil
        } catch {
            return error
        }
    }

    private static func withEndpoint(
        _ kind: ServiceKind, _ outage: Outage, _ body: (ServiceEndpoint, ScriptedService?) async throws -> Void
    ) async throws {
        switch outage {
        case .refusedConnection:
            let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .bind(host: "127.0.0.1", port: 0).get()
            let port = try #require(channel.localAddress?.port)
            try await channel.close()
            try await body(try #require(ServiceEndpoint("http://127.0.0.1:\(port)")), nil)
        case .blackHole:
            let hole = try BlackHole()
            defer { hole.close() }
            try await body(try #require(ServiceEndpoint("http://127.0.0.1:\(hole.port)")), nil)
        default:
            try await ScriptedService.with {
                outage.action($0, kind)
            } _: { service in
                try await body(try service.endpoint, service)
            }
        }
    }
}
