// SPDX-License-Identifier: Apache-2.0

import BlobStores
import Foundation
import Logging
import MediaCore
import WireFormats

/// S3 services of others that the tests run against: one process of each, which ends with the test process.
enum S3Peer: String, CaseIterable, Sendable {
    case seaweedfs, rclone, moto, swift

    private var credentials: RequestSigner.Credentials {
        .init(
            accessKeyID: self == .swift ? "test:tester" : "AKIDEXAMPLEPEER00001",
            secretAccessKey: "peerSecretKey0123456789abcdefghijklmnopq")
    }

    private static let started: [S3Peer: Task<PeerProcess, any Error>] = Dictionary(
        uniqueKeysWithValues: allCases.map { peer in
            (peer, Task { try await PeerProcess.start(peer == .swift ? "cloud-peer" : "s3-peer", peer.rawValue) })
        })

    /// Runs `body` with a store of its own below a fresh prefix.
    func withStore(
        _ change: (inout S3Configuration) -> Void = { _ in }, _ body: (RemoteBlobStore) async throws -> Void
    ) async throws {
        let store = try await RemoteBlobStore.open(
            configuration(change), create: true, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        do {
            try await body(store)
        } catch {
            try await store.close()
            throw error
        }
        try await store.close()
    }

    func configuration(_ change: (inout S3Configuration) -> Void = { _ in }) async throws -> S3Configuration {
        guard let task = Self.started[self], let endpoint = ServiceEndpoint(try await task.value.url) else {
            throw PeerProcess.NotStarted(description: "\(rawValue) has no URL")
        }
        var configuration = S3Configuration(
            endpoint: endpoint, region: "us-east-1", bucket: "magpie-tests", credentials: credentials,
            prefix: "\(UUID().uuidString)/", limits: RemoteLimits(inlineReadBytes: 1024))
        change(&configuration)
        return configuration
    }
}
