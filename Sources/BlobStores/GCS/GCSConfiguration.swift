// SPDX-License-Identifier: Apache-2.0

/// A bucket of Google Cloud Storage, and how it is to be spoken to.
public struct GCSConfiguration: Sendable {
    public var endpoint: ServiceEndpoint
    public var bucket: String
    public var key: ServiceAccountKey
    /// What stands before every key of a store of the server's own: `magpie/`. Empty, or with a `/` at its end.
    public var prefix: String
    public var limits: RemoteLimits

    /// Google's own.
    public static var standardEndpoint: ServiceEndpoint {
        guard let endpoint = ServiceEndpoint("https://storage.googleapis.com") else { preconditionFailure("a constant URL") }
        return endpoint
    }

    public init(
        endpoint: ServiceEndpoint = GCSConfiguration.standardEndpoint, bucket: String, key: ServiceAccountKey,
        prefix: String = "",
        limits: RemoteLimits = RemoteLimits()
    ) {
        self.endpoint = endpoint
        self.bucket = bucket
        self.key = key
        self.prefix = prefix
        self.limits = limits
    }

    /// The names of the hosts that are spoken to: the key says where tokens are asked for.
    public var hosts: Set<String> { [endpoint.host, key.tokenEndpoint.host] }
}
