// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore

/// An error as this dialect writes it: `{"statusCode","error","message","code"}`, in this order.
///
/// Quirk: the HTTP status is 400 for nearly everything; the real one is the string in the body. Clients read the string.
struct SupabaseError: Error {
    var httpStatus: HTTPResponse.Status
    var statusCode: Int
    var error: String
    var code: String
    var message: String
    /// What Magpie adds: which role was refused which command.
    var details: PolicyRefusal?
    /// Whether the answer must not be kept by anyone on the way.
    var isUncacheable = false
    /// For the log.
    var cause: (any Error)?

    init(
        _ statusCode: Int, error: String? = nil, code: String, message: String, httpStatus: HTTPResponse.Status = .badRequest
    ) {
        self.httpStatus = httpStatus
        self.statusCode = statusCode
        self.error = error ?? code
        self.code = code
        self.message = message
    }

    /// The body, compared as text by clients' tests.
    var body: String {
        JSONWriter.object { writer in
            writer.field("statusCode", String(statusCode))
            writer.field("error", error)
            writer.field("message", message)
            writer.field("code", code)
            if let details {
                writer.key("details")
                writer.object { writer in
                    writer.field("role", details.role)
                    writer.field("command", details.command.rawValue)
                    writer.field("table", details.table)
                }
            }
        }
    }
}

extension SupabaseError {
    /// A field that is missing or wrong.
    static func validation(_ message: String) -> SupabaseError {
        SupabaseError(400, error: "Error", code: "InvalidRequest", message: message)
    }
    static let malformedJSON = validation("Body is not valid JSON but content-type is set to 'application/json'")
    static let emptyJSON = validation("Body cannot be empty when content-type is set to 'application/json'")
    static let missingAuthorization = validation("headers must have required property 'authorization'")
    static let malformedPath = SupabaseError(
        400, error: "Bad Request", code: "InvalidRequest", message: "The path is not a valid url component")
    static let malformedQuery = validation("querystring is not valid")
    static let invalidContentType = SupabaseError(
        415, error: "invalid_mime_type", code: "InvalidMimeType", message: "Invalid Content-Type header")
    static let noContent = SupabaseError(400, code: "InvalidRequest", message: "No content provided")
    static let bodyTooLarge = SupabaseError(
        413, error: "Payload Too Large", code: "InvalidRequest", message: "Request body is too large",
        httpStatus: .contentTooLarge)

    static func routeNotFound(method: String, target: String) -> SupabaseError {
        SupabaseError(
            404, error: "Not Found", code: "InvalidRequest", message: "Route \(method):\(target) not found", httpStatus: .notFound
        )
    }

    /// Any error as this dialect says it. What is not a `StorageError` is a bug and says nothing of itself.
    init(_ error: any Error) {
        switch error {
        case let error as SupabaseError: self = error
        case let error as StorageError: self.init(error)
        default:
            self.init(StorageError(.internal, "Internal Server Error", cause: error))
        }
    }

    init(_ error: StorageError) {
        self = Self.mapped(error)
        self.details = error.refusal
        self.cause = error
    }

    private static func mapped(_ error: StorageError) -> SupabaseError {
        let message = error.message
        switch error.code {
        case .bucketNotFound: return .init(404, error: "Bucket not found", code: "NoSuchBucket", message: "Bucket not found")
        case .objectNotFound: return .init(404, error: "not_found", code: "NoSuchKey", message: "Object not found")
        case .blobMissing:
            var result = SupabaseError(404, error: "Not found", code: "NoSuchKey", message: "The resource was not found")
            result.isUncacheable = true
            return result
        case .bucketExists: return .init(409, error: "Duplicate", code: "BucketAlreadyExists", message: message)
        case .objectExists: return .init(409, error: "Duplicate", code: "KeyAlreadyExists", message: message)
        case .bucketNotEmpty: return .init(409, code: "ResourceNotEmpty", message: message)
        case .bucketReferenced: return .init(409, code: "ResourceReferenced", message: message)
        case .tooManyObjects: return .init(409, code: "InvalidRequest", message: message)
        case .relatedResourceMissing: return .init(404, code: "InvalidRequest", message: "The related resource does not exist")
        case .invalidBucketName: return .init(400, error: "Invalid Input", code: "InvalidBucketName", message: message)
        case .invalidKey: return .init(400, code: "InvalidKey", message: message)
        case .invalidRequest, .lengthMismatch: return .init(400, code: "InvalidRequest", message: message)
        case .invalidParameter: return .init(400, code: "InvalidParameter", message: message)
        case .invalidRobotsRule: return .init(400, error: "invalid_x_robots_tag", code: "InvalidRequest", message: message)
        case .invalidTag: return .init(400, code: "InvalidTag", message: message)
        case .mediaTypeNotAllowed: return .init(415, error: "invalid_mime_type", code: "InvalidMimeType", message: message)
        case .tooLarge: return .init(413, error: "Payload too large", code: "EntityTooLarge", message: message)
        case .quotaExceeded: return .init(413, error: "Payload too large", code: "EntityTooLarge", message: message)
        case .digestMismatch: return .init(400, code: "InvalidChecksum", message: message)
        case .rangeNotSatisfiable:
            return .init(
                416, error: "invalid_range", code: "InvalidRange", message: message, httpStatus: .rangeNotSatisfiable)
        case .preconditionFailed: return .init(412, code: "PreconditionFailed", message: message)
        case .uploadNotFound: return .init(404, error: "not_found", code: "NoSuchUpload", message: message)
        case .uploadExpired: return .init(410, error: "not_found", code: "NoSuchUpload", message: message)
        case .uploadComplete, .uploadOffsetMismatch, .uploadTaken:
            return .init(409, code: "InvalidRequest", message: message, httpStatus: .conflict)
        case .invalidPart, .invalidPartOrder, .partTooSmall:
            return .init(400, code: "InvalidParameter", message: message)
        case .unauthenticated, .accessDenied: return .init(403, error: "Unauthorized", code: "AccessDenied", message: message)
        case .wrongRole:
            return .init(403, error: "Unauthorized", code: "AccessDenied", message: message, httpStatus: .forbidden)
        case .invalidToken: return .init(400, code: "InvalidJWT", message: message)
        case .wrongTokenScope, .signatureMismatch: return .init(400, code: "InvalidSignature", message: message)
        case .credentialExpired: return .init(400, code: "ExpiredToken", message: message)
        case .alreadyRunning: return .init(409, code: "ResourceAlreadyExists", message: message)
        case .locked: return .init(423, code: "ResourceLocked", message: message)
        case .overloaded, .tooManyConnections:
            return .init(
                429, error: error.code == .overloaded ? "Too Many Requests" : "too_many_connections", code: "SlowDown",
                message: message, httpStatus: .tooManyRequests)
        case .timedOut: return .init(544, code: "DatabaseTimeout", message: message, httpStatus: 544)
        case .databaseReadOnly: return .init(503, code: "DatabaseReadOnly", message: message)
        case .databaseSchema: return .init(503, code: "DatabaseSchemaMismatch", message: message)
        case .databaseAborted:
            return .init(500, code: "DatabaseTransactionAborted", message: message, httpStatus: .internalServerError)
        case .databaseFailure: return .init(500, code: "DatabaseError", message: message, httpStatus: .internalServerError)
        case .backendUnavailable:
            return .init(503, code: "SlowDown", message: message, httpStatus: .serviceUnavailable)
        case .originUnavailable, .originTimedOut:
            let status: HTTPResponse.Status = error.code == .originTimedOut ? .gatewayTimeout : .badGateway
            var result = SupabaseError(status.code, code: "InternalError", message: message, httpStatus: status)
            result.isUncacheable = true
            return result
        // Clients compare the first message, so what exactly is wrong is in the log alone.
        case .unreadableImage:
            return .init(
                400, code: "InvalidRequest", message: "The source image is invalid or unsupported for rendering")
        case .imageTooLarge:
            return .init(400, code: "InvalidRequest", message: "The source image is too large for rendering")
        case .renderTimedOut: return .init(408, code: "RequestTimeout", message: message, httpStatus: .requestTimeout)
        case .unsupported: return .init(409, code: "NotSupported", message: message)
        case .notConfigured: return .init(400, code: "MissingParameter", message: message)
        case .clientDisconnected: return .init(500, code: "Aborted", message: message)
        case .internal:
            return .init(
                500, error: "Internal", code: "InternalError", message: "Internal Server Error", httpStatus: .internalServerError)
        }
    }
}
