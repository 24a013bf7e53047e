// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import NIOCore

/// An error as Pixault and the console say it: a true status and problem details (RFC 9457).
///
/// Clients differ in what they read: some `detail`, others a member `error`, so both are there.
struct ProblemDetails: Error {
    var status: HTTPResponse.Status
    /// What went wrong, for people. It names what the request named, and nothing that the caller may not know of.
    var detail: String
    /// What else there is to say, by names of its own: RFC 9457 §3.2.
    var members: [(name: String, value: String)]
    /// In seconds: when to come back.
    var retryAfter: Int?
    /// For the log.
    var cause: StorageError?

    init(
        _ status: HTTPResponse.Status, _ detail: String, members: [(name: String, value: String)] = [], retryAfter: Int? = nil,
        cause: StorageError? = nil
    ) {
        self.status = status
        self.detail = detail
        self.members = members
        self.retryAfter = retryAfter
        self.cause = cause
    }

    /// Any error as they say it. What is not a `StorageError` is a bug and says nothing of itself.
    init(_ error: any Error) {
        switch error {
        case let error as ProblemDetails: self = error
        case let error as StorageError:
            self = Self.mapped(error)
            self.cause = error
        default:
            self.init(.internalServerError, "Internal Server Error")
            self.cause = StorageError(.internal, "Internal Server Error", cause: error)
        }
    }

    /// A part of a request that is wrong, by its name.
    static func invalid(_ field: String, _ rule: String) -> ProblemDetails { .init(.badRequest, "\(field) \(rule)") }

    /// The answer, which nobody on the way may keep. Notes the error for the access log.
    func response(to request: Request, _ trace: RequestTrace) -> Response {
        trace.error = cause.map { "\($0)" } ?? "\(status.code): \(detail)"
        let body = JSONWriter.object { writer in
            writer.field("type", "https://httpstatuses.io/\(status.code)")
            writer.field("title", status.reasonPhrase)
            writer.field("status", Int64(status.code))
            writer.field("detail", detail)
            writer.field("error", detail)
            for (name, value) in members { writer.field(name, value) }
            writer.field("traceId", trace.requestID)
        }
        var headers: HTTPFields = [
            .contentType: "application/problem+json", .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
        ]
        headers[.retryAfter] = retryAfter.map { String($0) }
        if request.mayHaveUnreadBody { headers[.connection] = "close" }
        return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(string: body)))
    }

    private static func mapped(_ error: StorageError) -> ProblemDetails {
        switch error.code {
        case .bucketNotFound, .objectNotFound, .blobMissing, .relatedResourceMissing, .uploadNotFound:
            .init(.notFound, error.message)
        case .bucketExists, .objectExists, .bucketNotEmpty, .bucketReferenced, .tooManyObjects, .uploadComplete,
            .uploadOffsetMismatch, .uploadTaken, .unsupported, .alreadyRunning:
            .init(.conflict, error.message)
        case .invalidBucketName, .invalidKey, .invalidRequest, .invalidParameter, .invalidRobotsRule, .invalidTag,
            .lengthMismatch, .digestMismatch, .invalidPart, .invalidPartOrder, .partTooSmall, .notConfigured:
            .init(.badRequest, error.message)
        case .mediaTypeNotAllowed, .unreadableImage: .init(.unsupportedMediaType, error.message)
        case .tooLarge, .imageTooLarge, .quotaExceeded: .init(.contentTooLarge, error.message)
        case .rangeNotSatisfiable: .init(.rangeNotSatisfiable, error.message)
        case .preconditionFailed: .init(.preconditionFailed, error.message)
        case .uploadExpired: .init(.gone, error.message)
        case .unauthenticated, .invalidToken, .wrongTokenScope, .credentialExpired: .init(.unauthorized, error.message)
        case .accessDenied, .wrongRole, .signatureMismatch: .init(.forbidden, error.message)
        case .locked: .init(.init(code: 423, reasonPhrase: "Locked"), error.message)
        case .overloaded, .tooManyConnections:
            .init(.tooManyRequests, error.message, retryAfter: error.retryAfter ?? 1)
        case .timedOut, .renderTimedOut, .databaseReadOnly, .databaseSchema, .backendUnavailable:
            .init(.serviceUnavailable, error.message, retryAfter: 1)
        case .originUnavailable: .init(.badGateway, error.message)
        case .originTimedOut: .init(.gatewayTimeout, error.message)
        case .databaseAborted, .databaseFailure, .clientDisconnected, .internal:
            .init(.internalServerError, "Internal Server Error")
        }
    }
}
