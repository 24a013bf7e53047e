// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore
import WireFormats

extension S3Error {
    /// Any error as this dialect says it. What is not known is a bug and says nothing of itself.
    init(_ error: any Error) {
        switch error {
        case let error as S3Error: self = error
        case let error as StorageError: self.init(error)
        case let error as SigV4Error: self.init(error)
        case let error as AWSChunkedError: self.init(error)
        case is XMLError: self = .malformedXML
        default: self.init(StorageError(.internal, "Internal Server Error", cause: error))
        }
    }

    init(_ error: StorageError) {
        let (status, code) = Self.mapped(error.code)
        self.init(status, code, Self.messages[code] ?? error.message)
        if let refusal = error.refusal {
            message = "Access Denied: \(refusal)"
            details = [
                Detail(name: .role, value: refusal.role), Detail(name: .command, value: refusal.command.rawValue),
                Detail(name: .table, value: refusal.table),
            ]
        }
        if error.code == .rangeNotSatisfiable, let size = error.resource { headers[.contentRange] = "bytes */\(size)" }
        if status == .serviceUnavailable { headers[.retryAfter] = "1" }
        if [.blobMissing, .originUnavailable, .originTimedOut].contains(error.code) { headers[.cacheControl] = "no-store" }
        cause = error
    }

    /// The status and the code of Amazon S3.
    private static func mapped(_ code: StorageError.Code) -> (HTTPResponse.Status, String) {
        switch code {
        case .bucketNotFound, .relatedResourceMissing: (.notFound, "NoSuchBucket")
        case .objectNotFound, .blobMissing: (.notFound, "NoSuchKey")
        case .bucketExists: (.conflict, "BucketAlreadyExists")
        case .objectExists: (.preconditionFailed, "PreconditionFailed")
        case .bucketNotEmpty: (.conflict, "BucketNotEmpty")
        case .bucketReferenced: (.conflict, "BucketNotEmpty")
        case .tooManyObjects, .locked, .alreadyRunning, .uploadTaken, .uploadOffsetMismatch: (.conflict, "OperationAborted")
        case .uploadNotFound, .uploadExpired, .uploadComplete: (.notFound, "NoSuchUpload")
        case .invalidPart: (.badRequest, "InvalidPart")
        case .invalidPartOrder: (.badRequest, "InvalidPartOrder")
        case .partTooSmall: (.badRequest, "EntityTooSmall")
        case .invalidBucketName: (.badRequest, "InvalidBucketName")
        case .invalidKey, .invalidParameter, .invalidRobotsRule: (.badRequest, "InvalidArgument")
        case .invalidRequest: (.badRequest, "InvalidRequest")
        case .invalidTag: (.badRequest, "InvalidTag")
        case .mediaTypeNotAllowed: (.unsupportedMediaType, "InvalidMimeType")
        case .tooLarge: (.badRequest, "EntityTooLarge")
        // Amazon has no such limit; this is what Ceph says.
        case .quotaExceeded: (.forbidden, "QuotaExceeded")
        case .unreadableImage, .imageTooLarge: (.badRequest, "InvalidRequest")
        case .renderTimedOut: (.serviceUnavailable, "SlowDown")
        case .lengthMismatch: (.badRequest, "IncompleteBody")
        case .digestMismatch: (.badRequest, "BadDigest")
        case .rangeNotSatisfiable: (.rangeNotSatisfiable, "InvalidRange")
        case .preconditionFailed: (.preconditionFailed, "PreconditionFailed")
        case .accessDenied, .wrongRole: (.forbidden, "AccessDenied")
        case .unauthenticated, .invalidToken, .wrongTokenScope: (.badRequest, "InvalidToken")
        case .signatureMismatch: (.forbidden, "SignatureDoesNotMatch")
        case .credentialExpired: (.badRequest, "ExpiredToken")
        case .overloaded, .tooManyConnections, .backendUnavailable: (.serviceUnavailable, "SlowDown")
        case .timedOut, .databaseReadOnly, .databaseSchema: (.serviceUnavailable, "ServiceUnavailable")
        // Amazon has no stores behind its own. Clients go by the status, and try again.
        case .originUnavailable: (.badGateway, "ServiceUnavailable")
        case .originTimedOut: (.gatewayTimeout, "ServiceUnavailable")
        case .clientDisconnected: (.badRequest, "RequestTimeout")
        case .unsupported, .notConfigured: (.notImplemented, "NotImplemented")
        case .databaseAborted, .databaseFailure, .internal: (.internalServerError, "InternalError")
        }
    }

    /// Amazon's own words, which clients show and some compare.
    private static let messages = [
        "NoSuchBucket": "The specified bucket does not exist",
        "NoSuchKey": "The specified key does not exist.",
        "BucketAlreadyExists":
            "The requested bucket name is not available. Please select a different name and try again.",
        "BucketNotEmpty": "The bucket you tried to delete is not empty",
        "InvalidBucketName": "The specified bucket is not valid.",
        "EntityTooSmall": "Your proposed upload is smaller than the minimum allowed size",
        "NoSuchUpload":
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
        "InvalidPart":
            "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity "
            + "tag may not match the part's entity tag.",
        "InvalidPartOrder":
            "The list of parts was not in ascending order. The parts list must be specified in order by part number.",
        "EntityTooLarge": "Your proposed upload exceeds the maximum allowed size",
        "IncompleteBody": "You did not provide the number of bytes specified by the Content-Length HTTP header.",
        "InvalidRange": "The requested range is not satisfiable",
        "PreconditionFailed": "At least one of the pre-conditions you specified did not hold",
        "AccessDenied": "Access Denied",
        "InternalError": "We encountered an internal error. Please try again.",
    ]
}
