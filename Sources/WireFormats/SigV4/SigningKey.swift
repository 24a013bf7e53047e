// SPDX-License-Identifier: Apache-2.0

import Crypto

/// The key that signs in one scope, derived from a secret access key. It may be kept as long as its day is in use: deriving
/// it takes four HMACs.
public struct SigningKey: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    public let scope: CredentialScope
    private let key: SymmetricKey

    public init(secretAccessKey: String, scope: CredentialScope) {
        self.scope = scope
        let start = SymmetricKey(data: Array("AWS4\(secretAccessKey)".utf8))
        key = [scope.day, scope.region, scope.service, CredentialScope.terminator].reduce(start) { key, part in
            SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Array(part.utf8), using: key))
        }
    }

    /// The signature of a text.
    func sign(_ text: String) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key))
    }

    /// Whether a signature is that of a text. Takes as long for a wrong one.
    func isValid(_ signature: [UInt8], of text: String) -> Bool {
        HMAC<SHA256>.isValidAuthenticationCode(signature, authenticating: Array(text.utf8), using: key)
    }

    public static func == (one: SigningKey, other: SigningKey) -> Bool { one.scope == other.scope && one.key == other.key }

    public func hash(into hasher: inout Hasher) { hasher.combine(scope) }

    /// Never the key itself.
    public var description: String { "SigningKey(\(scope))" }
    public var debugDescription: String { description }
}
