// SPDX-License-Identifier: Apache-2.0

/// Who may go on with an upload.
extension Uploads {
    /// Whether `access` may go on with `session` now: the policies decide, as for a plain upload.
    /// - Returns: the trial for the commit. Nil for a grant.
    /// - Throws: what `Objects.put` throws before it reads the body.
    @discardableResult
    func admit(
        _ session: UploadSession, condition: WriteCondition = .none, access: Access
    ) async throws -> PutTrial? {
        try requireOwner(of: session, access)
        let options = UploadOptions(
            mode: session.mode, contentType: session.details.mimetype ?? UploadOptions.unknownContentType,
            userMetadata: session.userMetadata, announcedLength: session.length, announcesObjectSize: true,
            condition: condition)
        return try await admit(options, at: session.address, access: access)
    }

    /// Nobody but the service writes an object that somebody else will own: the row would say that they did.
    ///
    /// Callers without a subject, as the holders of the anonymous key, are told apart by their role alone; among them the id of the
    /// upload is the secret.
    ///
    /// Of an upload that is complete nothing more is asked: whether its key is taken is no question any more.
    func requireOwner(of session: UploadSession, _ access: Access) throws(StorageError) {
        let isService =
            switch access {
            case .policy(let caller): caller.principal.role == serviceRole
            case .publicBucket, .grant: false
            }
        let isOwner = access.subject == session.ownerID && (access.subject != nil || access.role == session.role)
        guard isService || isOwner else {
            throw StorageError(.accessDenied, "The upload was begun by somebody else", resource: session.address.key.rawValue)
        }
        // A client of a grant can't choose; one whose grant says something else than when it began has another grant.
        guard case .grant(let grant, _) = access else { return }
        guard grant.action == .upload, grant.address == session.address,
            (grant.replaces ? PutMode.replace : .create) == session.mode
        else { throw StorageError(.signatureMismatch, "Invalid signature") }
    }

    @discardableResult
    func admit(_ options: UploadOptions, at address: ObjectAddress, access: Access) async throws -> PutTrial? {
        let bucket = try await objects.cache.bucketRules.rules(of: address.bucket, in: metadata, facts: access.facts)
        return try await objects.admit(options, at: address, in: bucket, access: access)
    }

    /// The most bytes that the object may have.
    func maxBytes(of session: UploadSession, facts: RequestFacts) async throws -> Int64 {
        let bucket = try await objects.cache.bucketRules.rules(of: session.address.bucket, in: metadata, facts: facts)
        let most = objects.limits.maxBytes(for: session.address.key, in: bucket)
        return min(most, session.length ?? most)
    }
}

extension UploadOptions {
    /// The type of bytes that nobody said anything about.
    public static let unknownContentType = "application/octet-stream"

    /// What an object's row keeps of these options.
    var details: ObjectMetadata {
        ObjectMetadata(
            mimetype: contentType, cacheControl: cacheControl, xRobotsTag: robots?.rawValue, representation: representation,
            tags: tags)
    }
}

extension StorageError {
    public static func uploadNotFound(_ id: UploadID) -> StorageError {
        StorageError(.uploadNotFound, "The upload was not found", resource: String(id.rawValue.prefix(64)))
    }
    public static func uploadExpired(_ id: UploadID) -> StorageError {
        StorageError(.uploadExpired, "The upload has expired", resource: id.rawValue)
    }
    public static func uploadComplete(_ id: UploadID) -> StorageError {
        StorageError(.uploadComplete, "The upload is complete", resource: id.rawValue)
    }
    public static func uploadOffsetMismatch(_ id: UploadID) -> StorageError {
        StorageError(.uploadOffsetMismatch, "The upload is at another offset", resource: id.rawValue)
    }
    static var uploadTaken: StorageError {
        StorageError(.uploadTaken, "Another request has taken the upload over", isRetryable: true)
    }
}
