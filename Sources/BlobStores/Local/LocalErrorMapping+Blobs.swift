// SPDX-License-Identifier: Apache-2.0

import Glibc
import MediaCore

/// What goes wrong with blobs.
extension LocalErrorMapping {
    /// Too many names of one file, or a file system without links.
    static func meansNoLinks(_ error: LocalFileError) -> Bool {
        [EMLINK, EPERM, EXDEV, EOPNOTSUPP].contains(error.code)
    }

    static func missing(_ key: BlobKey) -> StorageError {
        StorageError(.blobMissing, "The object's data is missing", resource: key.rawValue)
    }

    /// Keys are made fresh for every write, so this is a mistake of the caller's, never a client's.
    static func exists(_ key: BlobKey) -> StorageError {
        StorageError(
            .internal, "A blob with this key exists already", resource: key.rawValue, cause: BlobKeyTaken())
    }

    static func unknownMultipart(_ id: MultipartID) -> StorageError {
        StorageError(.uploadNotFound, "There is no such multipart write", resource: String(id.rawValue.prefix(64)))
    }

    static func partInUse(_ number: PartNumber) -> StorageError {
        StorageError(.locked, "Part \(number.rawValue) is being written", resource: "parts", isRetryable: true)
    }

    static func partChanged(_ number: PartNumber) -> StorageError {
        StorageError(
            .preconditionFailed, "Part \(number.rawValue) is not in the state that was acknowledged", resource: "parts")
    }

    static func unknownPart(_ number: PartNumber) -> StorageError {
        StorageError(.invalidPart, "Part \(number.rawValue) was not written, or was replaced", resource: String(number.rawValue))
    }
}
