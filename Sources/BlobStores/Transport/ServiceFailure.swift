// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import MediaCore
import NIOCore
import NIOPosix

/// Why a request to a service failed. It names no URL, no credentials and nothing of the body.
struct ServiceFailure: Error, CustomStringConvertible {
    enum Reason {
        /// The service's answer: the status, and the code of its error document where it sent one.
        case refused(status: UInt, code: String?)
        /// No whole answer came.
        case transport(String)
        /// No whole answer came in time.
        case late(String)
        /// Something that can't be sent, or was not understood when it came.
        case malformed(String)
        /// There is nothing to ask with.
        case denied(String)
        /// The bytes that came are not those that the service has.
        case damaged
    }

    let reason: Reason

    init(_ reason: Reason) { self.reason = reason }

    /// What the HTTP client throws, without what may be secret in it.
    init(transport error: any Error) {
        switch error {
        case let error as ServiceFailure: self = error
        case let error as HTTPClientError where Self.timeouts.contains(error): self.init(.late(error.shortDescription))
        case let error as HTTPClientError: self.init(.transport(error.shortDescription))
        case let error as IOError: self.init(.transport(error.description))
        case is NIOConnectionError: self.init(.transport("no connection"))
        default: self.init(.transport("\(type(of: error))"))
        }
    }

    private static let timeouts: [HTTPClientError] = [
        .connectTimeout, .deadlineExceeded, .readTimeout, .writeTimeout, .getConnectionFromPoolTimeout, .tlsHandshakeTimeout,
    ]

    var status: UInt? {
        if case .refused(let status, _) = reason { status } else { nil }
    }

    var code: String? {
        if case .refused(_, let code) = reason { code } else { nil }
    }

    /// What services call a bucket that is not there: S3 and Google's, Azure's.
    private static let missingBuckets: Set<String> = ["NoSuchBucket", "ContainerNotFound"]

    var isMissingBucket: Bool { code.map(Self.missingBuckets.contains) ?? false }
    var isMissingKey: Bool { status == 404 && !isMissingBucket }
    /// A condition of the request did not hold.
    var isConflict: Bool {
        status == 412 || (status == 409 && ["ConditionalRequestConflict", "BlobAlreadyExists"].contains(code))
    }
    /// The service does not know what it was asked.
    var isUnsupported: Bool { status == 501 || status == 405 || code == "NotImplemented" }

    /// Whether the same request may succeed a little later.
    var isTransient: Bool {
        switch reason {
        case .transport, .late, .damaged: true
        case .malformed, .denied: false
        case .refused(let status, let code):
            [408, 429, 500, 502, 503, 504].contains(status)
                || ["InternalError", "SlowDown", "ServiceUnavailable", "RequestTimeout"].contains(code)
        }
    }

    var isLate: Bool {
        if case .late = reason { true } else { false }
    }

    var description: String {
        switch reason {
        case .refused(let status, let code): "the service answered \(status)\(code.map { " \($0)" } ?? "")"
        case .transport(let text): "the service was not reached: \(text)"
        case .late(let text): "the service did not answer in time: \(text)"
        case .malformed(let text): "the service was not understood: \(text)"
        case .denied(let text): "the service can't be asked: \(text)"
        case .damaged: "the bytes changed on their way"
        }
    }

    /// In the core's words. Not for missing keys, of which the caller knows what they mean.
    var storageError: StorageError {
        switch status {
        case 416: StorageError(.rangeNotSatisfiable, "invalid range provided", cause: self)
        default:
            StorageError(
                .backendUnavailable, "The storage backend can't be used now", isRetryable: isTransient, cause: self)
        }
    }
}

extension StorageError {
    static func missing(_ key: BlobKey, _ cause: ServiceFailure? = nil) -> StorageError {
        StorageError(.blobMissing, "The object's data is missing", resource: key.rawValue, cause: cause)
    }

    /// Keys are made fresh for every write, so this is a mistake of the caller's, never a client's.
    static func exists(_ key: BlobKey) -> StorageError {
        StorageError(
            .internal, "A blob with this key exists already", resource: key.rawValue, cause: BlobKeyTaken())
    }
}
