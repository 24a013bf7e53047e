// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import NIOCore

/// An error as this dialect says it: a true status and problem details (RFC 9457).
struct UploadProblem: Error {
    /// The kinds of problems that the draft names (§6).
    enum Kind: String {
        case mismatchingOffset = "mismatching-upload-offset"
        case completed = "completed-upload"
        case inconsistentLength = "inconsistent-upload-length"
    }

    var status: HTTPResponse.Status
    var title: String
    var kind: Kind?
    /// For the log.
    var cause: StorageError?

    init(_ status: HTTPResponse.Status, _ title: String, kind: Kind? = nil) {
        self.status = status
        self.title = title
        self.kind = kind
    }

    /// Any error as this dialect says it. What is not a `StorageError` is a bug and says nothing of itself.
    init(_ error: any Error) {
        switch error {
        case let error as UploadProblem: self = error
        case let error as StorageError:
            self = Self.mapped(error)
            self.cause = error
        default:
            self.init(.internalServerError, "Internal Server Error")
            self.cause = StorageError(.internal, "Internal Server Error", cause: error)
        }
    }

    /// - Parameter closing: whether there may be a rest of the body that is not waited for.
    func response(closing: Bool) -> Response {
        let body = JSONWriter.object { writer in
            let type = kind.map { "https://iana.org/assignments/http-problem-types#\($0.rawValue)" }
            writer.field("type", type ?? "about:blank")
            writer.field("title", title)
            writer.field("status", Int64(status.code))
        }
        var headers: HTTPFields = [.contentType: "application/problem+json", .cacheControl: "no-store"]
        if closing { headers[.connection] = "close" }
        return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(string: body)))
    }

    private static func mapped(_ error: StorageError) -> UploadProblem {
        switch error.code {
        case .uploadOffsetMismatch: .init(.conflict, "The upload is at another offset", kind: .mismatchingOffset)
        case .uploadComplete: .init(.badRequest, "The upload is complete", kind: .completed)
        case .lengthMismatch: .init(.badRequest, error.message, kind: .inconsistentLength)
        case .uploadTaken: .init(.conflict, error.message)
        case .uploadNotFound, .bucketNotFound, .objectNotFound, .blobMissing, .relatedResourceMissing:
            .init(.notFound, error.message)
        case .uploadExpired: .init(.gone, error.message)
        case .objectExists, .bucketExists, .bucketNotEmpty, .bucketReferenced, .tooManyObjects, .unsupported, .alreadyRunning:
            .init(.conflict, error.message)
        case .tooLarge, .quotaExceeded: .init(.contentTooLarge, error.message)
        case .mediaTypeNotAllowed: .init(.unsupportedMediaType, error.message)
        case .unauthenticated, .accessDenied, .wrongRole: .init(.forbidden, error.message)
        case .invalidBucketName, .invalidKey, .invalidRequest, .invalidParameter, .invalidRobotsRule, .digestMismatch,
            .invalidToken, .wrongTokenScope, .signatureMismatch, .credentialExpired, .invalidPart, .invalidPartOrder,
            .partTooSmall, .invalidTag, .notConfigured, .unreadableImage, .imageTooLarge:
            .init(.badRequest, error.message)
        case .rangeNotSatisfiable: .init(.rangeNotSatisfiable, error.message)
        case .preconditionFailed: .init(.preconditionFailed, error.message)
        case .overloaded, .tooManyConnections: .init(.tooManyRequests, error.message)
        case .locked, .timedOut, .renderTimedOut, .databaseReadOnly, .databaseSchema, .backendUnavailable:
            .init(.serviceUnavailable, error.message)
        case .originUnavailable: .init(.badGateway, error.message)
        case .originTimedOut: .init(.gatewayTimeout, error.message)
        case .databaseAborted, .databaseFailure, .clientDisconnected, .internal:
            .init(.internalServerError, "Internal Server Error")
        }
    }
}
