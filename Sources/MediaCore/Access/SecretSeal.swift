// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation

/// Seals secrets under the server's master key, so that without it the database opens nothing.
struct SecretSeal: Sendable {
    private let key: SymmetricKey

    /// - Parameter masterKey: 32 bytes.
    init(masterKey: [UInt8]) { self.key = SymmetricKey(data: masterKey) }

    // AES-GCM (NIST SP 800-38D) under a random nonce of 96 bits; the owner is authenticated, so that no secret opens as another's.

    /// - Parameter owner: whose secret it is: the same text opens it.
    func seal(_ secret: some DataProtocol, of owner: String) throws -> Data {
        let box = try AES.GCM.seal(secret, using: key, authenticating: Data(owner.utf8))
        guard let combined = box.combined else { throw StorageError(.internal, "Internal Server Error") }
        return combined
    }

    /// - Throws: `CryptoKitError` for a secret that was sealed under another key or for another owner.
    func open(_ sealed: Data, of owner: String) throws -> Data {
        try AES.GCM.open(AES.GCM.SealedBox(combined: sealed), using: key, authenticating: Data(owner.utf8))
    }
}
