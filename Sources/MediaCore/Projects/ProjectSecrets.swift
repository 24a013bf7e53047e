// SPDX-License-Identifier: Apache-2.0

import Crypto
import WireFormats

/// The secrets of a project, which are shown once: only their digests are kept.
public struct ProjectSecrets: Hashable, Sendable, CustomStringConvertible {
    /// The public half of the pair: `px_cl_…`.
    public var clientID: String
    /// `pk_…`. It is also the key of clients that send a single one.
    public var clientSecret: String
    /// For pages and apps, which everybody can look into: `pk_…`.
    public var publishableKey: String
    /// For the servers behind them: `sk_…`.
    public var secretKey: String

    /// New ones.
    static func generate() -> ProjectSecrets {
        ProjectSecrets(
            clientID: newClientID(), clientSecret: newSecret(), publishableKey: "pk_" + random(32), secretKey: "sk_" + random(32))
    }

    static func newClientID() -> String { "px_cl_" + random(12) }

    static func newSecret() -> String { "pk_" + random(32) }

    /// The keys as they are stored.
    func keys(of project: BucketID, at time: Timestamp) -> [ProjectKey] {
        let pair = ProjectKey(
            kind: .pair, clientID: clientID, digest: SecretDigest(of: clientSecret), projects: [project],
            description: Self.firstDescription, createdAt: time)
        return [pair] + Self.keys(publishable: publishableKey, secret: secretKey, of: project, at: time)
    }

    /// A publishable key and its secret, as they are stored.
    static func keys(publishable: String, secret: String, of project: BucketID, at time: Timestamp) -> [ProjectKey] {
        [(ProjectKey.Kind.publishable, publishable), (.secret, secret)].map { kind, text in
            ProjectKey(
                kind: kind, digest: SecretDigest(of: text), projects: [project], description: firstDescription, createdAt: time)
        }
    }

    private static let firstDescription = "made with the project"

    public var description: String { "secrets of \(clientID)" }

    /// So many random bytes in hex.
    private static func random(_ count: Int) -> String {
        Hexadecimal.encode(SymmetricKey(size: SymmetricKeySize(bitCount: count * 8)).withUnsafeBytes { Array($0) })
    }
}
