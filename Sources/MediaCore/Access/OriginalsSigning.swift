// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import WireFormats

/// Secrets of buckets whose originals are only given for a signature.
public struct OriginalsSigning: Sendable {
    private let metadata: any MetadataStore
    private let cache: ReadCache
    private let seal: SecretSeal

    init(metadata: any MetadataStore, cache: ReadCache, masterKey: [UInt8]) {
        self.metadata = metadata
        self.cache = cache
        self.seal = SecretSeal(masterKey: masterKey)
    }

    /// Has a bucket's originals signed for from now on, with a new secret. URLs that were signed with an older one no longer work.
    /// - Returns: the secret, 32 bytes in lower-case hex. It is shown this once.
    /// - Throws: what `ImageSettingsStore.setOriginalsSecret` throws.
    public func enable(for id: BucketID, as caller: Caller) async throws -> String {
        let secret = SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
        try await change(id, to: Array(try seal.seal(secret, of: Self.owner(id))), as: caller)
        return Hexadecimal.encode(secret)
    }

    /// Originals are given as the bucket's visibility says.
    /// - Throws: what `ImageSettingsStore.setOriginalsSecret` throws.
    public func disable(for id: BucketID, as caller: Caller) async throws { try await change(id, to: nil, as: caller) }

    /// The secret that signs URLs of a bucket's originals. Nil when it has none.
    /// - Throws: `StorageError` with `.notConfigured` when it was sealed under another master key.
    public func secret(of id: BucketID, facts: RequestFacts) async throws -> [UInt8]? {
        guard let sealed = try await metadata.originalsSecret(of: id, facts: facts) else { return nil }
        do {
            return Array(try seal.open(Data(sealed), of: Self.owner(id)))
        } catch {
            throw StorageError(
                .notConfigured, "The secret of the originals can't be used: it was made under another master key",
                resource: id.rawValue)
        }
    }

    private func change(_ id: BucketID, to sealed: [UInt8]?, as caller: Caller) async throws {
        defer { cache.invalidate(id) }
        try await runToEnd { try await metadata.setOriginalsSecret(sealed, in: id, as: caller) }
    }

    /// No access key is called so.
    private static func owner(_ id: BucketID) -> String { "originals/\(id.rawValue)" }
}
