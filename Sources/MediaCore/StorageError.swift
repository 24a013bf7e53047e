// SPDX-License-Identifier: Apache-2.0

/// What went wrong, in the core's own words: no HTTP status, no SQLSTATE, no vendor code.
///
/// Front-ends map `code` to their wire form in one exhaustive `switch`; adapters map foreign errors to it in one place.
public struct StorageError: Error, Sendable {
    /// The closed list of things that can go wrong. A new case breaks every front-end's `switch` until it has a wire form.
    public enum Code: String, Sendable, CaseIterable {
        case bucketNotFound, objectNotFound, blobMissing
        case bucketExists, objectExists, bucketNotEmpty, bucketReferenced, tooManyObjects
        case relatedResourceMissing
        case invalidBucketName, invalidKey, invalidRequest, invalidParameter, invalidRobotsRule, invalidTag
        case mediaTypeNotAllowed, tooLarge, quotaExceeded, lengthMismatch, digestMismatch
        case unreadableImage, imageTooLarge, renderTimedOut
        case rangeNotSatisfiable, preconditionFailed
        case uploadNotFound, uploadExpired, uploadComplete, uploadOffsetMismatch, uploadTaken
        case invalidPart, invalidPartOrder, partTooSmall
        case unauthenticated, accessDenied, wrongRole
        case invalidToken, wrongTokenScope, signatureMismatch, credentialExpired
        case locked, alreadyRunning, overloaded, tooManyConnections, timedOut
        case databaseReadOnly, databaseSchema, databaseAborted, databaseFailure
        /// The store of a project's own: it refused or could not be reached; it did not answer in time.
        case originUnavailable, originTimedOut
        case backendUnavailable, unsupported, notConfigured, clientDisconnected
        case `internal`
    }

    public var code: Code
    /// For the client: what is wrong and what to do. Never SQL, a host or a path of this machine.
    public var message: String
    /// The bucket, key or field the error is about.
    public var resource: String?
    /// Which role was refused which command, when row-level security said no.
    public var refusal: PolicyRefusal?
    /// True when the same call may succeed a little later.
    public var isRetryable: Bool
    /// In how many seconds, where that is known.
    public var retryAfter: Int?
    /// For the log only.
    public var cause: (any Error)?

    public init(
        _ code: Code, _ message: String, resource: String? = nil, refusal: PolicyRefusal? = nil,
        isRetryable: Bool = false, retryAfter: Int? = nil, cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.resource = resource
        self.refusal = refusal
        self.isRetryable = isRetryable
        self.retryAfter = retryAfter
        self.cause = cause
    }
}

extension StorageError {
    public static func bucketNotFound(_ id: BucketID) -> StorageError {
        StorageError(.bucketNotFound, "Bucket not found", resource: id.rawValue)
    }
    public static func objectNotFound(_ address: ObjectAddress) -> StorageError {
        StorageError(.objectNotFound, "Object not found", resource: address.key.rawValue)
    }
    public static func bucketExists(_ id: BucketID) -> StorageError {
        StorageError(.bucketExists, "The resource already exists", resource: id.rawValue)
    }
    public static func objectExists(_ address: ObjectAddress) -> StorageError {
        StorageError(.objectExists, "The resource already exists", resource: address.key.rawValue)
    }
    public static func tooLarge(_ what: String = "object") -> StorageError {
        StorageError(.tooLarge, "The \(what) exceeded the maximum allowed size", resource: what)
    }
}

extension StorageError: CustomStringConvertible {
    /// One line for the log, with the chain of causes.
    public var description: String {
        var text = "\(code.rawValue): \(message)"
        if let resource { text += " [\(resource)]" }
        if let refusal { text += " (\(refusal))" }
        if let cause { text += " <- \(cause)" }
        return text
    }
}

/// Which role was refused which command on which table by row-level security.
public struct PolicyRefusal: Hashable, Sendable, CustomStringConvertible {
    /// The commands a policy is written for.
    public enum Command: String, Sendable { case select = "SELECT", insert = "INSERT", update = "UPDATE", delete = "DELETE" }

    public var role: String
    public var command: Command
    /// `storage.objects`, `storage.buckets` or `magpie.object_versions`.
    public var table: String

    public init(role: String, command: Command, table: String) {
        self.role = role
        self.command = command
        self.table = table
    }

    public var description: String { "role \"\(role)\" has no policy that allows \(command.rawValue) on \(table)" }
}
