// SPDX-License-Identifier: Apache-2.0

import Crypto

/// The static key that some clients send as their bearer token. Only its digest is kept.
public struct ComputeKey: Sendable {
    private let digest: SHA256Digest

    public init(_ key: String) { digest = Self.digest(key) }

    /// Compares in constant time: what is compared are digests, and those of Swift Crypto compare so.
    func matches(_ token: String) -> Bool { Self.digest(token) == digest }

    private static func digest(_ text: String) -> SHA256Digest { SHA256.hash(data: Array(text.utf8)) }
}
