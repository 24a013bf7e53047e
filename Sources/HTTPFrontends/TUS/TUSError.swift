// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore

/// An error as this dialect says it: a true status and a line of text. The texts are those that Supabase's clients see.
struct TUSError: Error {
    var status: HTTPResponse.Status
    var message: String
    /// For the log.
    var cause: StorageError?

    init(_ status: HTTPResponse.Status, _ message: String, cause: StorageError? = nil) {
        self.status = status
        self.message = message
        self.cause = cause
    }

    static let versionRequired = TUSError(.preconditionFailed, "Tus-Resumable Required\n")
    static let offsetRequired = TUSError(.forbidden, "Upload-Offset header required\n")
    static let contentTypeRequired = TUSError(.forbidden, "Content-Type header required\n")
    static let lengthRequired = TUSError(.badRequest, "Upload-Length or Upload-Defer-Length header required\n")
    static let metadataRequired = TUSError(.badRequest, "Metadata header is required\n")
    static let invalidMetadata = TUSError(
        .badRequest,
        "Upload-Metadata is invalid: comma-separated pairs of a unique key and a base64 value, separated by a space\n")
    static let signatureRequired = TUSError(.badRequest, "Missing x-signature header\n")
    static let invalidUploadID = TUSError(.badRequest, "Invalid upload id\n")
    static let invalidConcat = TUSError(.badRequest, "Upload-Concat is invalid\n")
    static let invalidChecksum = TUSError(.badRequest, "Upload-Checksum is invalid\n")
    static let unsupportedChecksum = TUSError(.badRequest, "Checksum algorithm not supported\n")
    static let finalUpload = TUSError(.forbidden, "A concatenated upload can not be modified\n")
    static let notFound = TUSError(.notFound, "The file for this url was not found\n")
    static let methodNotAllowed = TUSError(.methodNotAllowed, "Method not allowed\n")

    /// TUS 1.0, checksum extension.
    static let checksumMismatch = HTTPResponse.Status(code: 460, reasonPhrase: "Checksum Mismatch")

    /// Any error as this dialect says it. What is not a `StorageError` is a bug and says nothing of itself.
    init(_ error: any Error) {
        switch error {
        case let error as TUSError: self = error
        case let error as StorageError:
            self = Self.mapped(error)
            self.cause = error
        default:
            self.init(.internalServerError, Self.unknown, cause: StorageError(.internal, "Internal Server Error", cause: error))
        }
    }

    private static let unknown = "Something went wrong with that request\n"

    private static func mapped(_ error: StorageError) -> TUSError {
        switch error.code {
        case .uploadNotFound: .notFound
        case .uploadExpired: .init(.gone, "The file for this url no longer exists\n")
        case .uploadOffsetMismatch: .init(.conflict, "Upload-Offset conflict\n")
        case .uploadTaken: .init(.badRequest, "Request aborted due to lock acquired")
        case .uploadComplete: .init(.badRequest, "Cannot terminate an already completed upload")
        case .locked: .init(.serviceUnavailable, "acquiring lock timeout\n")
        case .tooLarge:
            .init(
                .contentTooLarge, error.resource == "upload's size" ? "upload's size exceeded\n" : "Maximum size exceeded\n")
        case .quotaExceeded: .init(.contentTooLarge, error.message + "\n")
        case .digestMismatch: .init(checksumMismatch, "Checksum mismatch\n")
        case .bucketNotFound, .relatedResourceMissing: .init(.notFound, "Bucket not found")
        case .objectNotFound, .blobMissing: .init(.notFound, error.message)
        case .objectExists, .bucketExists, .bucketNotEmpty, .bucketReferenced, .tooManyObjects, .unsupported, .alreadyRunning:
            .init(.conflict, error.message)
        case .mediaTypeNotAllowed: .init(.unsupportedMediaType, error.message)
        case .unauthenticated, .accessDenied, .wrongRole: .init(.forbidden, error.message)
        case .invalidBucketName, .invalidKey, .invalidRequest, .invalidParameter, .invalidRobotsRule, .lengthMismatch,
            .invalidToken, .wrongTokenScope, .signatureMismatch, .credentialExpired, .invalidPart, .invalidPartOrder,
            .partTooSmall, .invalidTag, .notConfigured, .unreadableImage, .imageTooLarge:
            .init(.badRequest, error.message)
        case .rangeNotSatisfiable: .init(.rangeNotSatisfiable, error.message)
        case .preconditionFailed: .init(.preconditionFailed, error.message)
        case .overloaded, .tooManyConnections: .init(.tooManyRequests, error.message)
        case .timedOut, .renderTimedOut, .databaseReadOnly, .databaseSchema, .backendUnavailable:
            .init(.serviceUnavailable, error.message)
        case .originUnavailable: .init(.badGateway, error.message)
        case .originTimedOut: .init(.gatewayTimeout, error.message)
        case .clientDisconnected: .init(.internalServerError, error.message)
        case .databaseAborted, .databaseFailure, .internal: .init(.internalServerError, unknown)
        }
    }
}
