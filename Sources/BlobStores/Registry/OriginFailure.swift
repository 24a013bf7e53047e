// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// What the failure of a project's own store means to those who wait for it.
enum OriginFailure {
    /// Nil for an error that says nothing of the store: one of the caller's, or of a blob.
    static func of(_ error: any Error) -> StorageError? {
        guard let error = error as? StorageError, error.code == .backendUnavailable else { return nil }
        guard (error.cause as? ServiceFailure)?.isLate == true else {
            return StorageError(
                .originUnavailable, "The project's storage can't be used now", isRetryable: error.isRetryable, cause: error)
        }
        return StorageError(.originTimedOut, "The project's storage does not answer", isRetryable: true, cause: error)
    }

    /// A store that could not even be opened: its credentials are gone or unreadable, or its endpoint is nowhere or must not be talked to.
    /// Nil for an error of something else, the database for instance.
    static func ofOpening(_ error: any Error) -> StorageError? {
        guard let error = error as? StorageError,
            [.backendUnavailable, .notConfigured, .invalidParameter, .unsupported].contains(error.code)
        else { return nil }
        return StorageError(.originUnavailable, "The project's storage can't be used now", cause: error)
    }

    /// Whether no answer came, good or bad: the store may be elsewhere by now.
    static func isOfTransport(_ error: any Error) -> Bool {
        switch ((error as? StorageError)?.cause as? ServiceFailure)?.reason {
        case .transport, .late: true
        case .refused, .malformed, .denied, .damaged, nil: false
        }
    }
}
