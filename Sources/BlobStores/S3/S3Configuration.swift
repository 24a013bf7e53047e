// SPDX-License-Identifier: Apache-2.0

import Foundation
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

    /// How often, and for how long, a request is tried again that failed for no reason of its own.
    public struct RetryPolicy: Sendable {
        /// With the first one.
        public var attempts: Int
        /// The longest pause before the second attempt. It doubles with each further one; how much of it is waited is left to chance, so
        /// that those who failed together do not come back together.
        public var firstPause: Duration
        public var longestPause: Duration
        /// After so much time since the first attempt there is no further one.
        public var deadline: Duration

        public init(
            attempts: Int = 5, firstPause: Duration = .milliseconds(100), longestPause: Duration = .seconds(5),
            deadline: Duration = .seconds(60)
        ) {
            self.attempts = attempts
            self.firstPause = firstPause
            self.longestPause = longestPause
            self.deadline = deadline
        }

        /// - Parameter failures: how many attempts failed so far.
        func pause(after failures: Int) -> Duration {
            let longest = min(longestPause, firstPause * (1 << min(max(failures - 1, 0), 16)))
            return longest * Double.random(in: 0...1)
        }
    }

    public var endpoint: S3Endpoint
    public var region: String
    public var bucket: String
    public var credentials: RequestSigner.Credentials
    /// What stands before every key of the store: `magpie/`. Empty, or with a `/` at its end.
    public var prefix: String
    public var addressing: Addressing
    /// How much of a body is in memory at a time for each of its parts under way, in bytes. At least 5 MiB, which is the least that S3
    /// takes of a part that is not the last.
    public var partBytes: Int
    /// How many parts of one body are under way at a time.
    public var concurrentParts: Int
    /// Blobs, or ranges of them, up to this size are read whole, in bytes.
    public var inlineReadBytes: Int
    /// Larger blobs are copied in pieces of this size, in bytes: Amazon's limit for one request.
    public var copyBytes: Int64
    /// The most connections at a time.
    public var connections: Int
    public var connectTimeout: Duration
    /// How long an answer may take to begin, the sending of a part included.
    public var answerTimeout: Duration
    /// How long an answer may pause.
    public var idleTimeout: Duration
    public var retries: RetryPolicy

    public init(
        endpoint: S3Endpoint, region: String = "auto", bucket: String, credentials: RequestSigner.Credentials,
        prefix: String = "", addressing: Addressing = .path, partBytes: Int = 8 << 20, concurrentParts: Int = 3,
        inlineReadBytes: Int = 256 << 10, copyBytes: Int64 = 1 << 30, connections: Int = 128,
        connectTimeout: Duration = .seconds(5), answerTimeout: Duration = .seconds(60), idleTimeout: Duration = .seconds(30),
        retries: RetryPolicy = RetryPolicy()
    ) {
        self.endpoint = endpoint
        self.region = region
        self.bucket = bucket
        self.credentials = credentials
        self.prefix = prefix
        self.addressing = addressing
        self.partBytes = max(partBytes, Self.leastPartBytes)
        self.concurrentParts = max(concurrentParts, 1)
        self.inlineReadBytes = inlineReadBytes
        self.copyBytes = copyBytes
        self.connections = connections
        self.connectTimeout = connectTimeout
        self.answerTimeout = answerTimeout
        self.idleTimeout = idleTimeout
        self.retries = retries
    }

    /// The least that S3 takes of a part that is not the last, in bytes.
    static let leastPartBytes = 5 << 20
    /// The most parts of an upload.
    static let mostParts = 10_000
}

/// The URL of an S3 service.
public struct S3Endpoint: Hashable, Sendable, CustomStringConvertible {
    let scheme: String
    /// With its port where that is not the scheme's own, as the field `Host` has it.
    let authority: String
    /// In front of bucket and key. Empty, or without a `/` at its end.
    let path: String

    /// Nil for text that is no `http` or `https` URL, or has a user, a query or a fragment.
    public init?(_ url: String) {
        guard let parts = URLComponents(string: url), let scheme = parts.scheme?.lowercased(),
            ["http", "https"].contains(scheme),
            let host = parts.host, !host.isEmpty, parts.user == nil, parts.password == nil, parts.query == nil,
            parts.fragment == nil
        else { return nil }
        self.scheme = scheme
        let port = parts.port.flatMap { $0 == (scheme == "https" ? 443 : 80) ? nil : $0 }
        authority = host + (port.map { ":\($0)" } ?? "")
        var path = Substring(parts.percentEncodedPath)
        while path.last == "/" { path.removeLast() }
        self.path = String(path)
    }

    public var description: String { "\(scheme)://\(authority)\(path)" }
}
