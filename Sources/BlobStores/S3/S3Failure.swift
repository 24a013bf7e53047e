// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import MediaCore
import NIOCore
import NIOPosix

/// Why a request to an S3 service failed. It names no URL, no credentials and nothing of the body.
struct S3Failure: Error, CustomStringConvertible {
    enum Reason {
        /// The service's answer: the status, and the code of its error document where it sent one.
        case refused(status: UInt, code: String?)
        /// No whole answer came.
        case transport(String)
        /// Something that can't be sent, or was not understood when it came.
        case malformed(String)
    }

    let reason: Reason

    init(_ reason: Reason) { self.reason = reason }

    /// What the HTTP client throws, without what may be secret in it.
    init(transport error: any Error) {
        switch error {
        case let error as S3Failure: self = error
        case let error as HTTPClientError: self.init(.transport(error.shortDescription))
        case let error as IOError: self.init(.transport(error.description))
        case is NIOConnectionError: self.init(.transport("no connection"))
        default: self.init(.transport("\(type(of: error))"))
        }
    }

    var status: UInt? {
        if case .refused(let status, _) = reason { status } else { nil }
    }

    var code: String? {
        if case .refused(_, let code) = reason { code } else { nil }
    }

    var isMissingKey: Bool { status == 404 && code != "NoSuchBucket" }
    /// A condition of the request did not hold.
    var isConflict: Bool { status == 412 || (status == 409 && code == "ConditionalRequestConflict") }
    /// The service does not know what it was asked.
    var isUnsupported: Bool { status == 501 || status == 405 || code == "NotImplemented" }

    /// Whether the same request may succeed a little later.
    var isTransient: Bool {
        switch reason {
        case .transport: true
        case .malformed: false
        case .refused(let status, let code):
            [429, 500, 502, 503, 504].contains(status)
                || ["InternalError", "SlowDown", "ServiceUnavailable", "RequestTimeout"].contains(code)
        }
    }

    var description: String {
        switch reason {
        case .refused(let status, let code): "S3: \(status)\(code.map { " \($0)" } ?? "")"
        case .transport(let text): "S3: \(text)"
        case .malformed(let text): "S3: \(text)"
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
    static func missing(_ key: BlobKey, _ cause: S3Failure? = nil) -> StorageError {
        StorageError(.blobMissing, "The object's data is missing", resource: key.rawValue, cause: cause)
    }

    /// Keys are made fresh for every write, so this is a mistake of the caller's, never a client's.
    static func exists(_ key: BlobKey) -> StorageError {
        StorageError(.internal, "A blob with this key exists already", resource: key.rawValue)
    }
}
