// SPDX-License-Identifier: Apache-2.0

import Crypto

/// The SHA-256 of a secret that is random and long, which is all that is kept of it.
public struct SecretDigest: Hashable, Sendable, CustomStringConvertible {
    /// 32 bytes.
    public let bytes: [UInt8]

    /// The digest of a secret.
    public init(of secret: String) { self.bytes = Array(SHA256.hash(data: Array(secret.utf8))) }

    /// A digest read from the database. Nil unless it has 32 bytes.
    public init?(stored bytes: [UInt8]) {
        guard bytes.count == SHA256.byteCount else { return nil }
        self.bytes = bytes
    }

    /// In constant time.
    public static func == (a: SecretDigest, b: SecretDigest) -> Bool {
        var difference: UInt8 = a.bytes.count == b.bytes.count ? 0 : 1
        for (x, y) in zip(a.bytes, b.bytes) { difference |= x ^ y }
        return difference == 0
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(bytes) }

    /// Not the digest: logs need none.
    public var description: String { "digest" }
}
