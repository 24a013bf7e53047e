// SPDX-License-Identifier: Apache-2.0

import BlobStores
import Foundation
import Logging
import MediaCore
import MediaTesting

/// The stores that every behaviour of the contract is checked on.
enum BackendUnderTest: String, CaseIterable, Sendable {
    case memory, localDurable, localFast, seaweedfs, rclone, moto, swift, azure, azureSignature, gcs

    /// How often a race is run: far away it takes longer.
    var rounds: Int { S3Peer(rawValue: rawValue) == nil && CloudPeer(rawValue: rawValue) == nil ? 300 : 20 }

    /// A fresh store, and where it keeps its files if it does.
    func withStore(_ body: (any BlobStore, URL?) async throws -> Void) async throws {
        guard self != .memory else { return try await body(InMemoryBlobStore(), nil) }
        if let peer = S3Peer(rawValue: rawValue) {
            return try await peer.withStore { try await body($0, nil) }
        }
        if let peer = CloudPeer(rawValue: rawValue) {
            return try await peer.withStore { try await body($0, nil) }
        }
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("magpie-blobs-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        let store = try await Self.open(directory, durability: self == .localDurable ? .fsync : .none)
        try await body(store, directory)
        try await store.close()
    }

    static func open(_ directory: URL, durability: LocalBlobStore.Durability = .none, create: Bool = true) async throws
        -> LocalBlobStore
    {
        try await LocalBlobStore.open(
            at: directory.path, create: create, options: .init(durability: durability, batchBytes: 4096, inlineReadBytes: 1024),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }
}

/// The files below a directory that hold blobs, parts or unfinished writes.
func contentFiles(in directory: URL) -> [String] {
    let all =
        FileManager.default.enumerator(at: directory, includingPropertiesForKeys: [.isRegularFileKey])?.allObjects as? [URL] ?? []
    return all.filter { url in
        (try? url.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile) == true && url.lastPathComponent != "store.json"
    }.map(\.lastPathComponent)
}

func freshKey() -> BlobKey { BlobKey(ObjectVersion().rawValue) }

/// The code of the error that `body` throws, or nil.
func errorCode(_ body: () async throws -> Void) async -> StorageError.Code? {
    do {
        try await body()
        return nil
    } catch {
        return (error as? StorageError)?.code
    }
}
