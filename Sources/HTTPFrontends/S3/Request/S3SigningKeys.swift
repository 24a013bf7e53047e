// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Synchronization
import WireFormats

/// Signing keys derived lately: a client signs a whole day with one of them.
final class S3SigningKeys: Sendable {
    private struct Entry {
        let secret: String
        let key: SigningKey
    }

    private static let capacity = 256
    private let entries = Mutex<[Credential: Entry]>([:])

    /// The key of `secret` for a credential that was named with it.
    func key(for credential: Credential, secret: String) -> SigningKey {
        // A session's access key is any text, and a pair may be made again under its name: the secret tells.
        if let entry = entries.withLock({ $0[credential] }), entry.secret == secret { return entry.key }
        let key = SigningKey(secretAccessKey: secret, scope: credential.scope)
        entries.withLock { entries in
            if entries.count >= Self.capacity { entries.removeAll(keepingCapacity: true) }
            entries[credential] = Entry(secret: secret, key: key)
        }
        return key
    }
}
