// SPDX-License-Identifier: Apache-2.0

import Logging

/// Objects that arrive in several requests, for every dialect that has them: appended at an offset, or in numbered parts.
///
/// Bytes are durable before they are acknowledged, and only acknowledged bytes count: a crash, of the client or of the
/// server, costs at most what came since. An upload ends in the code that a plain upload ends in. Every call checks that the
/// caller may write the object, as the policies are then.
public struct Uploads: Sendable {
    /// What can be chosen.
    public struct Configuration: Sendable {
        /// How long an upload that expires lives, in seconds; complete ones stay known for as long.
        public var lifetime: Int64
        /// How long a request waits for the one before it on the same upload.
        public var patience: Duration
        /// After how many bytes of one request they are made durable and acknowledged, at the latest.
        public var checkpointBytes: Int64

        public init(lifetime: Int64 = 86_400, patience: Duration = .seconds(5), checkpointBytes: Int64 = 64 << 20) {
            self.lifetime = lifetime
            self.patience = patience
            self.checkpointBytes = checkpointBytes
        }
    }

    let objects: Objects
    let configuration: Configuration
    let locks: UploadLocks
    let serviceRole: String
    let now: @Sendable () -> Timestamp

    var metadata: any MetadataStore { objects.metadata }
    var blobs: any BlobStoreDirectory { objects.blobs }
    var logger: Logger { objects.logger }

    init(
        objects: Objects, configuration: Configuration, serviceRole: String,
        now: @escaping @Sendable () -> Timestamp = Timestamp.now
    ) {
        self.objects = objects
        self.configuration = configuration
        self.locks = UploadLocks(patience: configuration.patience)
        self.serviceRole = serviceRole
        self.now = now
    }

    /// Begins an upload to `address`. Nothing is there until it is complete.
    /// - Throws: what `Objects.put` throws before it reads the body.
    public func begin(_ beginning: UploadBeginning, at address: ObjectAddress, access: Access) async throws -> UploadSession {
        var options = beginning.options
        if case .grant(let grant, _) = access { options.mode = grant.replaces ? .replace : .create }
        options.announcedLength = beginning.length
        options.announcesObjectSize = true
        try await admit(options, at: address, access: access)
        try await objects.quota.requireRoom(for: beginning.length, in: address.bucket, facts: access.facts)

        let backend = blobs.defaultBackend
        let store = try await blobs.store(for: backend)
        let id = UploadID()
        let time = now()
        let multipart = try await store.beginMultipart(at: id.blobKey)
        let session = UploadSession(
            id: id, kind: beginning.kind, address: address, backend: backend, multipart: multipart, ownerID: access.subject,
            role: access.role, mode: options.mode, details: options.details, userMetadata: options.userMetadata,
            attributes: beginning.attributes, length: beginning.length, createdAt: time,
            expiresAt: beginning.expires ? time.adding(seconds: configuration.lifetime) : nil)
        do {
            try await metadata.createUpload(session)
        } catch {
            await discardBytes(of: session)
            throw error
        }
        return session
    }

    /// An upload, for a dialect to look at before it calls on. Says nothing of what the caller may do.
    /// - Throws: `StorageError` with `.uploadNotFound`; `.uploadExpired`.
    public func session(_ id: UploadID) async throws -> UploadSession {
        let session = try await metadata.upload(id)
        guard !session.isExpired(at: now()) else { throw StorageError.uploadExpired(id) }
        return session
    }

    /// An upload once whoever is sending to it has let go, with every byte counted that came.
    ///
    /// The sender is asked to stop: a client that asks where it stands has given its earlier request up.
    /// - Throws: as `session`; `.locked` when the sender does not stop in time.
    public func settledSession(_ id: UploadID) async throws -> UploadSession {
        try await locks.withLock(.upload(id)) { _ in try await session(id) }
    }

    /// Gives an upload up, with all that came.
    /// - Throws: `StorageError` with `.uploadNotFound`, `.uploadExpired`; `.uploadComplete` when it is an object already; `.accessDenied`.
    public func abort(_ id: UploadID, access: Access) async throws {
        try await locks.withLock(.upload(id)) { _ in
            let session = try await session(id)
            try requireOwner(of: session, access)
            guard !session.isComplete else { throw StorageError.uploadComplete(id) }
            try await admit(session, access: access)
            _ = try await metadata.deleteUpload(id)
            await discardBytes(of: session)
        }
    }

    /// One page of the uploads under way in a bucket: the caller's own, and all of them for the service and for keys of the project.
    ///
    /// A caller without a subject is nobody in particular and has none.
    /// - Throws: `StorageError` with `.bucketNotFound`.
    public func list(_ query: UploadQuery, as caller: Caller) async throws -> [UploadSession] {
        _ = try await objects.cache.bucketRules.rules(of: query.bucket, in: metadata, facts: caller.facts)
        var query = query
        let isOfProject = caller.principal.scope?.projects.contains(query.bucket) ?? false
        if caller.principal.role != serviceRole, !isOfProject {
            guard let subject = caller.principal.subject else { return [] }
            query.owner = .subject(subject)
        }
        return try await metadata.uploads(matching: query, now: now())
    }
}
