// SPDX-License-Identifier: Apache-2.0

import Glibc
import MediaCore

/// A system call on a file that failed.
struct LocalFileError: Error, CustomStringConvertible {
    var call: String
    /// `errno`.
    var code: CInt
    /// Relative to the store's directory.
    var path: String

    var description: String { "\(call) \(path): \(String(cString: strerror(code))) (\(code))" }
}

/// What the core hears of a disk's errors. The only place that knows error numbers and the core's codes.
enum LocalErrorMapping {
    /// - Parameter error: anything; what is no `LocalFileError` (a stream's own error, cancellation) passes unchanged.
    static func mapped(_ error: any Error) -> any Error {
        guard let error = error as? LocalFileError else { return error }
        return storageError(error)
    }

    static func storageError(_ error: LocalFileError) -> StorageError {
        switch error.code {
        case ENOSPC, EDQUOT:
            StorageError(.backendUnavailable, "The storage is full", cause: error)
        case EROFS:
            StorageError(.backendUnavailable, "The storage is read-only", cause: error)
        case EMFILE, ENFILE, ENOMEM, EAGAIN, EBUSY:
            StorageError(.backendUnavailable, "The storage is busy", isRetryable: true, cause: error)
        default:
            StorageError(.backendUnavailable, "The storage does not work", cause: error)
        }
    }
}
