// SPDX-License-Identifier: Apache-2.0

public import WireFormats

/// A bucket of an S3 service, and how it is to be spoken to.
public struct S3Configuration: Sendable {
    /// Where the bucket's name stands in a URL.
    public enum Addressing: Sendable {
        /// `https://endpoint/bucket/key`: what every service but a few regions of Amazon's understands.
        case path
        /// `https://bucket.endpoint/key`.
        case virtualHost
    }

    public var endpoint: ServiceEndpoint
    public var region: String
    public var bucket: String
    public var credentials: RequestSigner.Credentials
    /// What stands before every key of a store of the server's own: `magpie/`. Empty, or with a `/` at its end.
    public var prefix: String
    public var addressing: Addressing
    /// Larger blobs are copied in pieces of this size, in bytes: Amazon's limit for one request.
    public var copyBytes: Int64
    public var limits: RemoteLimits

    public init(
        endpoint: ServiceEndpoint, region: String = "auto", bucket: String, credentials: RequestSigner.Credentials,
        prefix: String = "", addressing: Addressing = .path, copyBytes: Int64 = 1 << 30, limits: RemoteLimits = RemoteLimits()
    ) {
        self.endpoint = endpoint
        self.region = region
        self.bucket = bucket
        self.credentials = credentials
        self.prefix = prefix
        self.addressing = addressing
        self.copyBytes = copyBytes
        self.limits = limits
    }

    /// The names of the hosts that are spoken to.
    public var hosts: Set<String> {
        switch addressing {
        case .path: [endpoint.host]
        case .virtualHost: ["\(bucket).\(endpoint.host)"]
        }
    }

    /// The most parts of an upload.
    static let mostParts = 10_000
}
