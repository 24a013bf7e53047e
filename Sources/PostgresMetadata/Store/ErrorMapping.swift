// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// Turns what Postgres and the driver report into the core's words. No other file above the driver knows an SQLSTATE.
enum ErrorMapping {
    /// What a statement was about: a violated constraint alone does not tell.
    enum Subject: Sendable {
        case nothing
        case object(ObjectAddress)
        case bucket(BucketID)
    }

    /// The text that every refusal by row-level security has, whatever Postgres says in detail.
    static let refusedByPolicy = "new row violates row-level security policy"

    static func storageError(_ error: PostgresError, about subject: Subject = .nothing) -> StorageError {
        switch error.kind {
        case .server: return serverError(error, about: subject)
        case .acquireTimeout, .tooManyWaiting:
            return StorageError(
                .tooManyConnections, "Too many connections issued to the database", isRetryable: true, cause: error)
        case .invalidParameter:
            return StorageError(.invalidParameter, "Text must not contain a NUL character", cause: error)
        case .connectFailed where error.sqlState == .tooManyConnections:
            return StorageError(
                .tooManyConnections, "Too many connections issued to the database", isRetryable: true, cause: error)
        case .connectFailed, .connectionLost:
            return StorageError(.databaseFailure, "database error, code: connection", isRetryable: true, cause: error)
        case .outcomeUnknown, .shutDown, .transactionEnded, .unexpectedResult:
            return StorageError(.databaseFailure, "database error, code: connection", cause: error)
        }
    }

    private static func serverError(_ error: PostgresError, about subject: Subject) -> StorageError {
        guard let state = error.sqlState else { return failure(error) }
        // The statement that assumes a token's role is the only one in which a role can be unknown or out of reach.
        if error.isFromScope, state == .insufficientPrivilege || state == .invalidParameterValue {
            return StorageError(.accessDenied, "The role of this token is not known here", cause: error)
        }
        switch state {
        case .insufficientPrivilege: return denied(error)
        case .uploadNotFound: return StorageError(.uploadNotFound, "The upload was not found", cause: error)
        case .uploadComplete: return StorageError(.uploadComplete, "The upload is complete", cause: error)
        case .reservationGone:
            return StorageError(
                .backendUnavailable, "The upload took too long, or the project's storage was changed meanwhile",
                isRetryable: true,
                cause: error)
        case .keyKnown: return StorageError(.objectExists, "The resource already exists", cause: error)
        case .storeGone:
            return StorageError(
                .backendUnavailable, "The project's storage was changed meanwhile", isRetryable: true, cause: error)
        case .uniqueViolation: return duplicate(error, subject)
        case .foreignKeyViolation: return dangling(error, subject)
        case .lockNotAvailable:
            return StorageError(.locked, "The resource is locked", isRetryable: true, cause: error)
        case .queryCanceled:
            return StorageError(.timedOut, "The database did not answer in time", isRetryable: true, cause: error)
        case .readOnlyTransaction:
            return StorageError(.databaseReadOnly, "The database is read-only", cause: error)
        case .invalidObjectDefinition:
            return StorageError(.databaseSchema, "Invalid database object definition: \(error.message)", cause: error)
        case .undefinedColumn, .undefinedTable:
            return StorageError(.databaseSchema, "Database schema mismatch: \(error.message)", cause: error)
        case .failedTransaction:
            return StorageError(.databaseAborted, "The database transaction was aborted", cause: error)
        case .tooManyConnections, .cannotConnectNow:
            return StorageError(
                .tooManyConnections, "Too many connections issued to the database", isRetryable: true, cause: error)
        // Class 22, data exceptions: a value of the request that a column or a policy's cast can't take.
        case _ where state.rawValue.hasPrefix("22"):
            return StorageError(.invalidParameter, error.message, cause: error)
        default: return failure(error)
        }
    }

    private static func denied(_ error: PostgresError) -> StorageError {
        let isRefusal = error.message.contains("row-level security")
        return StorageError(.accessDenied, isRefusal ? refusedByPolicy : error.message, cause: error)
    }

    private static func duplicate(_ error: PostgresError, _ subject: Subject) -> StorageError {
        var result: StorageError
        switch subject {
        case .object(let address): result = .objectExists(address)
        case .bucket(let id): result = .bucketExists(id)
        case .nothing: return failure(error)
        }
        result.cause = error
        return result
    }

    /// A row that is pointed to can't go; a row that points to nothing can't come.
    private static func dangling(_ error: PostgresError, _ subject: Subject) -> StorageError {
        switch subject {
        case .bucket(let id) where error.table == "objects" || error.table == "object_versions":
            return .bucketNotEmpty(id, cause: error)
        case .bucket(let id):
            return StorageError(
                .bucketReferenced, "The bucket has pending multipart uploads; complete or abort them first",
                resource: id.rawValue,
                cause: error)
        case .object(let address):
            return StorageError(
                .relatedResourceMissing, "The related resource does not exist", resource: address.bucket.rawValue, cause: error)
        case .nothing:
            return StorageError(.relatedResourceMissing, "The related resource does not exist", cause: error)
        }
    }

    private static func failure(_ error: PostgresError) -> StorageError {
        StorageError(
            .databaseFailure, "database error, code: \(error.sqlState?.rawValue ?? "unknown")", isRetryable: error.isRetryable,
            cause: error)
    }
}

extension StorageError {
    static func bucketNotEmpty(_ id: BucketID, cause: (any Error)? = nil) -> StorageError {
        StorageError(.bucketNotEmpty, "The bucket you tried to delete is not empty", resource: id.rawValue, cause: cause)
    }

    /// Whether Postgres refused a statement, as opposed to being out of reach.
    var isStatementFailure: Bool { (cause as? PostgresError)?.kind == .server }

    /// Whether a row stands where a trial did not see it.
    var isAnotherRow: Bool { (cause as? PostgresError)?.sqlState == .anotherRow }

    /// Whether row-level security said no, as opposed to a missing grant or role.
    var isPolicyRefusal: Bool { code == .accessDenied && message == ErrorMapping.refusedByPolicy }
}

extension PostgresError {
    /// The driver itself refuses one role before it sends anything.
    fileprivate var isFromScope: Bool { statement?.hasPrefix("scope_") ?? (sqlState == .invalidParameterValue) }
}
