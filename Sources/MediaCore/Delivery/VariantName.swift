// SPDX-License-Identifier: Apache-2.0

import Crypto
import WireFormats

/// What a variant is called: the version it is made of, and what makes it of that. Equal names have equal bytes.
public struct VariantName: Hashable, Sendable {
    public let version: ObjectVersion
    /// What `Transform.fingerprint(revision:)` gives: 64 lower-case hex digits.
    public let fingerprint: String

    public init(version: ObjectVersion, fingerprint: String) {
        self.version = version
        self.fingerprint = fingerprint
    }

    /// The strong validator of the variant's bytes, with its quotes: known before they are.
    public var entityTag: String {
        var hash = SHA256()
        hash.update(data: Array(version.rawValue.utf8))
        hash.update(data: [0])
        hash.update(data: Array(fingerprint.utf8))
        return "\"\(Hexadecimal.encode(hash.finalize().prefix(16)))\""
    }
}
