// SPDX-License-Identifier: Apache-2.0

import MediaCore

extension ServerConfiguration {
    /// The image storage of a compute server.
    struct Compute: Sendable {
        var bucket: BucketID
        /// Nil: only tokens are taken.
        var key: String?
        /// In bytes.
        var uploadLimit: Int64
    }
}

extension ServerConfiguration.Compute {
    /// A key that can't be guessed.
    private static let shortestKey = 16

    /// - Throws: `ConfigurationError`, which does not repeat the key.
    init(_ settings: Settings) throws {
        let name = try settings.required("COMPUTE_BUCKET")
        do { bucket = try BucketID(naming: name) } catch {
            throw ConfigurationError("MAGPIE_COMPUTE_BUCKET must be a name that a bucket may have, not \(name)")
        }
        key = try settings.text("COMPUTE_API_KEY")
        // RFC 6750 §2.1 allows fewer characters still; clients send what they are given.
        guard key.map({ $0.utf8.count >= Self.shortestKey && $0.utf8.allSatisfy { (0x21...0x7E).contains($0) } }) ?? true else {
            throw ConfigurationError(
                "MAGPIE_COMPUTE_API_KEY must have at least \(Self.shortestKey) printable ASCII characters and no spaces")
        }
        uploadLimit = try settings.bytes("COMPUTE_UPLOAD_LIMIT")
    }
}
