// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import NIOCore

/// An error as this dialect says it: `{"success":false,"error":{"code","message"},"statusCode","message"}`.
///
/// Published clients read one of three spellings, so all of them are there.
struct FilesProblem: Error {
    var status: HTTPResponse.Status
    /// `domain/name`.
    var code: String
    var message: String
    /// For the log.
    var cause: StorageError?

    init(_ status: HTTPResponse.Status, _ code: String, _ message: String) {
        self.status = status
        self.code = code
        self.message = message
    }

    /// Any error as this dialect says it. What is not a `StorageError` is a bug and says nothing of itself.
    init(_ error: any Error) {
        switch error {
        case let error as FilesProblem: self = error
        case let error as StorageError:
            self = Self.mapped(error)
            self.cause = error
        default:
            self = Self.internal
            self.cause = StorageError(.internal, "Internal Server Error", cause: error)
        }
    }

    /// A part of a request that is wrong, by its name.
    static func invalid(_ field: String, _ rule: String) -> FilesProblem {
        .init(.badRequest, "common/invalid-parameters", "\(field) \(rule)")
    }

    /// Not there, or not to be seen: nobody learns which.
    static let notFound = FilesProblem(.notFound, "file/not-found", "File not found")
    static let notAnImage = FilesProblem(
        .unsupportedMediaType, "file/invalid-format", "The file is not an image that can be shown")
    private static let `internal` = FilesProblem(.internalServerError, "common/internal-error", "Internal Server Error")

    /// The answer, which nobody on the way may keep. Notes the error for the access log.
    func response(to request: Request, _ trace: RequestTrace) -> Response {
        trace.error = cause.map { "\($0)" } ?? "\(code): \(message)"
        let body = JSONWriter.object { writer in
            writer.field("success", false)
            writer.key("error")
            writer.object { writer in
                writer.field("code", code)
                writer.field("message", message)
            }
            writer.field("statusCode", Int64(status.code))
            writer.field("message", message)
        }
        var headers: HTTPFields = [
            .contentType: "application/json; charset=utf-8", .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
        ]
        if status == .tooManyRequests || status == .serviceUnavailable { headers[.retryAfter] = "1" }
        if status == .methodNotAllowed { headers[.allow] = "GET, HEAD" }
        if request.mayHaveUnreadBody { headers[.connection] = "close" }
        return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(string: body)))
    }

    private static func mapped(_ error: StorageError) -> FilesProblem {
        switch error.code {
        case .bucketNotFound, .objectNotFound, .blobMissing, .relatedResourceMissing, .uploadNotFound: notFound
        // Too long, or with bytes that no name has: such a file is not there either.
        case .invalidBucketName, .invalidKey: notFound
        case .unreadableImage: notAnImage
        case .mediaTypeNotAllowed: .init(.unsupportedMediaType, "file/invalid-format", error.message)
        case .tooLarge, .imageTooLarge: .init(.contentTooLarge, "file/file-too-large", error.message)
        case .quotaExceeded: .init(.contentTooLarge, "file/quota-exceeded", error.message)
        case .invalidRequest, .invalidParameter, .invalidRobotsRule, .invalidTag, .lengthMismatch, .digestMismatch, .invalidPart,
            .invalidPartOrder, .partTooSmall, .notConfigured:
            .init(.badRequest, "common/invalid-parameters", error.message)
        case .bucketExists, .objectExists, .bucketNotEmpty, .bucketReferenced, .tooManyObjects, .uploadComplete,
            .uploadOffsetMismatch, .uploadTaken, .locked, .alreadyRunning, .unsupported:
            .init(.conflict, "file/conflict", error.message)
        case .uploadExpired: .init(.gone, "file/not-found", error.message)
        case .rangeNotSatisfiable: .init(.rangeNotSatisfiable, "file/invalid-range", error.message)
        case .preconditionFailed: .init(.preconditionFailed, "file/precondition-failed", error.message)
        case .unauthenticated, .invalidToken, .wrongTokenScope, .signatureMismatch, .credentialExpired:
            .init(.unauthorized, "common/authentication-required", error.message)
        case .accessDenied, .wrongRole: .init(.forbidden, "file/access-denied", error.message)
        case .overloaded, .tooManyConnections: .init(.tooManyRequests, "data/rate-limit-exceeded", error.message)
        case .timedOut, .renderTimedOut, .databaseReadOnly, .databaseSchema, .backendUnavailable:
            .init(.serviceUnavailable, "common/service-unavailable", error.message)
        case .originUnavailable: .init(.badGateway, "common/service-unavailable", error.message)
        case .originTimedOut: .init(.gatewayTimeout, "common/service-unavailable", error.message)
        case .databaseAborted, .databaseFailure, .clientDisconnected, .internal: Self.internal
        }
    }
}
