// SPDX-License-Identifier: Apache-2.0

import CryptoExtras
import Foundation

/// A service account whose key was made for this run.
enum TestServiceAccount {
    private static let pem = Result { try _RSA.Signing.PrivateKey(keySize: .bits2048).pemRepresentation }

    /// The key file.
    static func json(tokenURL: String) throws -> String {
        let fields = [
            "type": "service_account", "client_email": "magpie@tests.iam.gserviceaccount.com", "private_key_id": "1",
            "private_key": try pem.get(), "token_uri": tokenURL,
        ]
        return String(decoding: try JSONEncoder().encode(fields), as: UTF8.self)
    }
}
