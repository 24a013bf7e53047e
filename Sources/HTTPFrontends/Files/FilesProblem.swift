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
    /// In seconds: when to come back.
    var retryAfter: Int?
    /// What may be done instead, where the method is wrong.
    var allowed: [String] = []
    /// For the log.
    var cause: StorageError?

    /// Where an error is said. The vendor's interface knows few statuses, its CDN and its store those of HTTP.
    enum Place { case interface, delivery }

    init(_ status: HTTPResponse.Status, _ code: String, _ message: String, retryAfter: Int? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
    }

    /// Any error as this dialect says it. What is not a `StorageError` is a bug and says nothing of itself.
    init(_ error: any Error, at place: Place = .delivery) {
        switch error {
        case let error as FilesProblem: self = error
        case let error as StorageError:
            if let fault = error.fileFault {
                self.init(fault, error.message, at: place)
            } else {
                self = place == .interface ? Self.ofInterface(error) : Self.mapped(error)
            }
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

    static func wrongMethod(allowed: [String]) -> FilesProblem {
        var problem = FilesProblem(.methodNotAllowed, "common/invalid-parameters", "The method is not for this path")
        problem.allowed = allowed
        return problem
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
        if status == .tooManyRequests || status == .serviceUnavailable { headers[.retryAfter] = String(retryAfter ?? 1) }
        if !allowed.isEmpty { headers[.allow] = allowed.joined(separator: ", ") }
        if request.mayHaveUnreadBody { headers[.connection] = "close" }
        return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(string: body)))
    }

    /// The documented codes and statuses, where there are some.
    private static func ofInterface(_ error: StorageError) -> FilesProblem {
        switch error.code {
        case .mediaTypeNotAllowed, .unreadableImage: .init(.badRequest, "file/invalid-format", error.message)
        case .tooLarge, .imageTooLarge: .init(.badRequest, "file/file-too-large", error.message)
        case .invalidKey: .init(.badRequest, "file/invalid-path", error.message)
        // An upload that is over is as one that never was.
        case .uploadExpired: .init(.notFound, "file/not-found", error.message)
        case .invalidPart, .invalidPartOrder, .partTooSmall: .init(.badRequest, "file/invalid-parts-array", error.message)
        case .bucketNotFound: .init(.notFound, "data/environment-not-found", "The project of the API key is gone")
        case .objectExists: .init(.conflict, "file/s3-key-already-exists", error.message)
        // Clients sign in anew on 401: it is about the token alone.
        case .quotaExceeded: .init(.tooManyRequests, "file/quota-exceeded", error.message)
        default: mapped(error)
        }
    }

    private init(_ fault: FileFault, _ message: String, at place: Place) {
        switch fault {
        // The place that was given out is there no more.
        case .notIssued where place == .delivery: self.init(.notFound, "file/not-found", message)
        case .invalidName: self.init(.badRequest, "file/invalid-name", message)
        case .nameTooLong: self.init(.badRequest, "file/original-name-too-long", message)
        case .mediaTypeTooLong: self.init(.badRequest, "file/mime-type-too-long", message)
        case .keyTooLong: self.init(.badRequest, "file/s3-key-too-long", message)
        // Nothing was ever uploaded to such a key, as far as anybody may know.
        case .invalidKey, .notIssued, .notUploaded: self.init(.badRequest, "file/invalid-path", message)
        case .negativeSize: self.init(.badRequest, "file/size-negative", message)
        case .tooSmall: self.init(.badRequest, "file/file-too-small", message)
        case .tooLarge: self.init(.badRequest, "file/file-too-large", message)
        case .invalidMediaType, .mediaTypeRefused, .typeMismatch: self.init(.badRequest, "file/invalid-format", message)
        case .invalidMetadata, .invalidShares, .invalidDimensions, .sizeMismatch:
            self.init(.badRequest, "common/invalid-parameters", message)
        case .invalidParts: self.init(.badRequest, "file/invalid-parts-array", message)
        case .issuedToOthers, .uploadURLExpired, .uploadURLInvalid: self.init(.forbidden, "file/access-denied", message)
        case .alreadyRegistered: self.init(.conflict, "file/s3-key-already-exists", message)
        }
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
        case .overloaded, .tooManyConnections:
            .init(.tooManyRequests, "data/rate-limit-exceeded", error.message, retryAfter: error.retryAfter)
        case .timedOut, .renderTimedOut, .databaseReadOnly, .databaseSchema, .backendUnavailable:
            .init(.serviceUnavailable, "common/service-unavailable", error.message)
        case .originUnavailable: .init(.badGateway, "common/service-unavailable", error.message)
        case .originTimedOut: .init(.gatewayTimeout, "common/service-unavailable", error.message)
        case .databaseAborted, .databaseFailure, .clientDisconnected, .internal: Self.internal
        }
    }
}
