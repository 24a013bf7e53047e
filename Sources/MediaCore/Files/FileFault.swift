// SPDX-License-Identifier: Apache-2.0

/// Which rule of files a call breaks: the cause of the `StorageError` that says so.
public enum FileFault: String, Error, Hashable, Sendable, CaseIterable {
    /// Empty, or with characters that no name of a file has.
    case invalidName
    case nameTooLong
    case invalidMediaType
    case mediaTypeTooLong
    case keyTooLong
    /// Not of this project, or of no form that keys have.
    case invalidKey
    case negativeSize
    case tooSmall
    case tooLarge
    /// The type is not taken, or the bytes are of another one.
    case mediaTypeRefused
    case invalidMetadata
    /// Too many, or none that tokens name.
    case invalidShares
    case invalidDimensions
    /// Nobody was given that key, or it was swept.
    case notIssued
    /// The key was given to somebody else.
    case issuedToOthers
    case alreadyRegistered
    /// Nothing was uploaded to the key so far.
    case notUploaded
    /// Another size than was said before.
    case sizeMismatch
    /// Another type than was said before.
    case typeMismatch
    case invalidParts
    /// The time of an upload's URL is over.
    case uploadURLExpired
    /// The URL is not one that was given out.
    case uploadURLInvalid
}

extension StorageError {
    /// - Parameter field: what is wrong, in the core's words.
    static func file(_ fault: FileFault, _ code: Code, _ message: String, field: String? = nil) -> StorageError {
        StorageError(code, message, resource: field, cause: fault)
    }

    /// Which rule of files was broken, if one was.
    public var fileFault: FileFault? { cause as? FileFault }

    /// A file that is not there.
    public static func fileNotFound(_ id: FileID) -> StorageError {
        StorageError(.objectNotFound, "File not found", resource: id.rawValue)
    }

    /// A file that would be shared with more than it may be.
    public static func tooManyShares(_ most: Int) -> StorageError {
        .file(.invalidShares, .invalidParameter, "A file is shared with at most \(most)", field: "sharedWith")
    }
}
