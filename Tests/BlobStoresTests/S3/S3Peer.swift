// SPDX-License-Identifier: Apache-2.0

import BlobStores
import Dispatch
import Foundation
import Logging
import MediaCore
import WireFormats

/// S3 services of others that the tests run against: one process of each, which ends with the test process.
enum S3Peer: String, CaseIterable, Sendable {
    case seaweedfs, rclone, moto

    private static let credentials = RequestSigner.Credentials(
        accessKeyID: "AKIDEXAMPLEPEER00001", secretAccessKey: "peerSecretKey0123456789abcdefghijklmnopq")

    private static let started: [S3Peer: Task<URLAndInput, any Error>] = Dictionary(
        uniqueKeysWithValues: allCases.map { peer in (peer, Task { try await peer.start() }) })

    /// Where it listens, and what ends it when it is closed, at the latest with this process.
    private struct URLAndInput: Sendable {
        let url: String
        let input: Pipe
    }

    struct NotStarted: Error, CustomStringConvertible {
        let description: String
    }

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
            throw NotStarted(description: "\(rawValue) has no URL")
        }
        var configuration = S3Configuration(
            endpoint: endpoint, region: "us-east-1", bucket: "magpie-tests", credentials: Self.credentials,
            prefix: "\(UUID().uuidString)/", limits: RemoteLimits(inlineReadBytes: 1024))
        change(&configuration)
        return configuration
    }

    private func start() async throws -> URLAndInput {
        let process = Process()
        let (input, output) = (Pipe(), Pipe())
        let support = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Support")
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("magpie-peer-\(UUID().uuidString)")
        process.executableURL = support.appendingPathComponent("s3-peer")
        process.arguments = [rawValue, directory.path]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let line: String = await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(returning: String(decoding: output.fileHandleForReading.availableData, as: UTF8.self))
            }
        }
        let url = line.trimmingCharacters(in: .whitespacesAndNewlines)
        guard url.hasPrefix("http") else {
            throw NotStarted(description: "\(rawValue) did not start; its programs are installed by: scripts/bootstrap tests")
        }
        return URLAndInput(url: url, input: input)
    }
}
