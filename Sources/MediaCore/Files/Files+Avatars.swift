// SPDX-License-Identifier: Apache-2.0

/// Pictures of users: public files, of which each user of a project has one at the most.
extension Files {
    /// Gives a key out to upload a picture of a user to.
    /// - Throws: `StorageError` with `.accessDenied` for who is neither the user nor acts for the project; `.mediaTypeNotAllowed` with a
    ///   `FileFault` for a type that is no picture's; otherwise as `issue`.
    public func issueAvatar(
        name: String, mediaType: String, of subject: String, in project: BucketID, as caller: Caller
    ) async throws -> IssuedUpload {
        try requireMayPicture(subject, in: project, caller)
        try Self.requireAvatarType(mediaType, field: "contentType")
        return try await issue(
            FileAnnouncement(name: name, mediaType: mediaType, visibility: .public, label: .avatars), in: project, as: caller)
    }

    /// Makes what was uploaded to a key a user's picture. The one before it is deleted.
    /// - Throws: as `issueAvatar` and `register`.
    public func setAvatar(
        _ s3Key: String, of subject: String, in project: BucketID, as caller: Caller
    ) async throws -> FileView {
        try requireMayPicture(subject, in: project, caller)
        let address = try FileRules.address(s3Key, in: project)
        guard let id = FileRules.id(in: address.key) else {
            throw StorageError.file(.invalidKey, .invalidParameter, "The key is none that was issued", field: "s3Key")
        }
        var view = try await registerAsAnnounced(id, visibility: .public, in: project, as: caller)
        guard view.isWhole, view.file.address == address else { throw Self.notTheirs(id) }
        try Self.requireAvatarType(view.file.mediaType, field: "s3Key")
        if view.file.visibility != .public {
            view = try await update(id, FilePatch(visibility: .public), in: project, as: caller)
        }
        let former = try await runToEnd { [metadata] in
            try await metadata.setAvatar(id, of: subject, in: project, facts: caller.facts)
        }
        if let former { try await deleteAvatar(former, in: project, as: caller) }
        return view
    }

    /// Takes a user's picture away, and deletes it. Nothing happens when there is none. - Throws: as `issueAvatar`.
    public func removeAvatar(of subject: String, in project: BucketID, as caller: Caller) async throws {
        try requireMayPicture(subject, in: project, caller)
        let former = try await runToEnd { [metadata] in
            try await metadata.setAvatar(nil, of: subject, in: project, facts: caller.facts)
        }
        if let former { try await deleteAvatar(former, in: project, as: caller) }
    }

    /// Everybody may know it. Nil when there is none.
    public func avatar(of subject: String, in project: BucketID, facts: RequestFacts) async throws -> FileRecord? {
        try await metadata.avatar(of: subject, in: project, facts: facts)
    }

    /// One that somebody else put there stays theirs.
    private func deleteAvatar(_ id: FileID, in project: BucketID, as caller: Caller) async throws {
        do {
            try await delete(id, in: project, as: caller)
        } catch let error as StorageError where error.code == .objectNotFound || error.code == .accessDenied {
            return
        }
    }

    private func requireMayPicture(_ subject: String, in project: BucketID, _ caller: Caller) throws(StorageError) {
        try requireSomebody(caller)
        let principal = caller.principal
        let actsForProject = principal.role == serviceRole || principal.scope?.projects.contains(project) == true
        guard actsForProject || principal.subject == subject else {
            throw StorageError(.accessDenied, "Only the user may change their picture", resource: subject)
        }
    }

    private static func requireAvatarType(_ mediaType: String, field: String) throws(StorageError) {
        guard avatarTypes.contains(MediaType.essence(of: mediaType)) else {
            throw .file(
                .mediaTypeRefused, .mediaTypeNotAllowed, "A picture of a user is one of " + avatarTypes.joined(separator: ", "),
                field: field)
        }
    }

    private static let avatarTypes = ["image/jpeg", "image/png", "image/gif", "image/webp"]
}
