// SPDX-License-Identifier: Apache-2.0

import BlobStores
import Foundation
import Logging
import MediaCore
import WireFormats

/// Services of Azure's and Google's kind that the tests run against. `azureSignature` is Azure, spoken to with a shared access signature.
enum CloudPeer: String, CaseIterable, Sendable {
    case azure, azureSignature, gcs

    /// The fake's account, which it knows too.
    static let account = "magpietests"
    static let accountKey = Data("a key that is good for tests and for nothing else, 64 bytes long".utf8).base64EncodedString()
    static let bucket = "magpie-tests"

    private static let azureProcess = Task { try await PeerProcess.start("cloud-peer", "azure") }
    private static let gcsProcess = Task { try await PeerProcess.start("cloud-peer", "gcs") }

    var process: PeerProcess {
        get async throws { try await (self == .gcs ? Self.gcsProcess : Self.azureProcess).value }
    }

    /// Runs `body` with a store of its own below a fresh prefix.
    func withStore(
        _ change: (inout RemoteLimits) -> Void = { _ in }, _ body: (RemoteBlobStore) async throws -> Void
    ) async throws {
        let store = try await open(prefix: "\(UUID().uuidString)/", create: true, change)
        do {
            try await body(store)
        } catch {
            try await store.close()
            throw error
        }
        try await store.close()
    }

    func open(
        prefix: String, create: Bool, bucket: String = CloudPeer.bucket, _ change: (inout RemoteLimits) -> Void = { _ in }
    ) async throws -> RemoteBlobStore {
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        var limits = RemoteLimits(inlineReadBytes: 1024)
        change(&limits)
        switch self {
        case .azure, .azureSignature:
            var configuration = try await azure(bucket: bucket, limits: limits)
            configuration.prefix = prefix
            return try await RemoteBlobStore.open(configuration, create: create, logger: logger)
        case .gcs:
            var configuration = try await gcs(bucket: bucket, limits: limits)
            configuration.prefix = prefix
            return try await RemoteBlobStore.open(configuration, create: create, logger: logger)
        }
    }

    func azure(bucket: String = CloudPeer.bucket, limits: RemoteLimits) async throws -> AzureConfiguration {
        let process = try await process
        var settings = "BlobEndpoint=\(process.url);"
        if self == .azureSignature {
            let signature = try String(contentsOf: process.directory.appendingPathComponent("signature"), encoding: .utf8)
            settings += "SharedAccessSignature=\(signature)"
        } else {
            settings += "AccountName=\(Self.account);AccountKey=\(Self.accountKey)"
        }
        var configuration = try AzureConfiguration(connectionString: settings, container: bucket, limits: limits)
        // So that a few megabytes are several pieces.
        configuration.copyBytes = 4 << 20
        return configuration
    }

    func gcs(bucket: String = CloudPeer.bucket, limits: RemoteLimits) async throws -> GCSConfiguration {
        let process = try await process
        guard let endpoint = ServiceEndpoint(process.url) else { throw PeerProcess.NotStarted(description: process.url) }
        let key = try String(contentsOf: process.directory.appendingPathComponent("key.json"), encoding: .utf8)
        return GCSConfiguration(endpoint: endpoint, bucket: bucket, key: try ServiceAccountKey(json: key), limits: limits)
    }
}
