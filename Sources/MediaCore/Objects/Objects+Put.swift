// SPDX-License-Identifier: Apache-2.0

extension Objects {
    /// Stores `upload` as the object at `address`.
    ///
    /// The bytes are durable before the row exists, and the row is durable before this returns. Until then readers see what was
    /// there before; a crash leaves at most a blob without a row, which the sweep removes. A caller that goes away stops it
    /// until the row begins to be written, and no more after that.
    /// - Throws: `StorageError` with `.bucketNotFound`, `.invalidKey`, `.mediaTypeNotAllowed`, `.tooLarge`, `.quotaExceeded`, `.accessDenied`,
    ///   `.objectExists`, `.preconditionFailed`, `.objectNotFound` (a condition on what is not there), `.lengthMismatch`; the body's own
    ///   errors.
    public func put(_ upload: Upload, at address: ObjectAddress, access: Access) async throws -> ObjectRecord {
        var upload = upload
        if case .grant(let grant, _) = access { upload.options.mode = grant.replaces ? .replace : .create }
        let bucket = try await cache.bucketRules.rules(of: address.bucket, in: metadata, facts: access.facts)
        var trial = try await admit(upload.options, at: address, in: bucket, access: access)
        // Behind the question whether they may: how full a project is, is nobody else's business.
        try await quota.requireRoom(for: upload.options.objectSize, in: address.bucket, facts: access.facts)

        let limit = min(limits.maxBytes(for: address.key, in: bucket), upload.options.maxBytes ?? .max)
        var version = ObjectVersion()
        // What is looked at first is looked at here: what is refused never gets into a project's own store.
        let isStaged = upload.review != nil && bucket.ownStorage != nil
        let place =
            isStaged ? placement.staging(for: version) : try await placement.place(for: version, of: address, in: bucket)
        var blob = try await write(upload.body, upTo: limit, at: place)
        let options: UploadOptions
        do {
            // To a task that was cancelled a body may only seem to have ended.
            try Task.checkCancellation()
            blob.checksums.merge(try upload.checksums?() ?? [:]) { _, asked in asked }
            options = try await late(upload, at: address, in: bucket, access: access, &trial)
            try await review(&blob, of: &version, by: upload.review, upTo: limit)
            try await quota.requireRoom(for: blob.size, in: address.bucket, facts: access.facts)
            if isStaged {
                let staged = blob
                blob = try await placement.copy(staged, to: placement.place(for: version, of: address, in: bucket))
                await placement.discard(staged)
            }
        } catch {
            await placement.discard(blob)
            throw error
        }
        let details = ObjectMetadata(
            eTag: blob.md5.map { "\"\($0)\"" }, size: blob.size, mimetype: options.contentType,
            cacheControl: options.cacheControl,
            lastModified: .now(), xRobotsTag: options.robots?.rawValue, representation: options.representation,
            tags: options.tags)
        let object = NewObject(
            address: address, version: version, ownerID: access.subject, metadata: details.json,
            userMetadata: options.userMetadata ?? .emptyObject, blob: blob, condition: options.condition,
            trial: trial)
        return try await commit(object, mode: options.mode, facts: access.facts)
    }

    /// Stores a body, digesting it on its way.
    func write(_ body: ByteStream, upTo limit: Int64, at place: BlobPlacement.Place) async throws -> BlobLocation {
        let meter = MeteredBody(limit: limit, line: digests)
        do {
            _ = try await blobs.store(for: place.backend).put(meter.stream(body), at: place.key)
        } catch {
            await placement.giveUp(place, after: error)
            throw error
        }
        let (size, md5, checksums) = await meter.finish()
        return BlobLocation(backend: place.backend, key: place.key, size: size, md5: md5, checksums: checksums)
    }

    /// Shows the bytes to whoever is to look at them before they become an object, and takes what they are to be instead.
    /// The blob stays, or makes room for that of a new version; what an error leaves is for the caller to discard.
    private func review(
        _ blob: inout BlobLocation, of version: inout ObjectVersion, by review: Upload.Review?, upTo limit: Int64
    ) async throws {
        guard let review else { return }
        let content = try await blobs.store(for: blob.backend).get(blob.key, range: nil)
        guard let replacement = try await review(content) else { return }
        let reviewed = ObjectVersion()
        let written = try await write(ByteStream(replacement), upTo: limit, at: placement.staging(for: reviewed))
        await placement.discard(blob)
        (blob, version) = (written, reviewed)
    }

    /// Whether `access` may write what `options` describe, before a byte is read. Nothing is left behind.
    ///
    /// - Returns: the trial for the commit. Nil for a grant.
    /// - Throws: as `put`, for all that can be known in advance.
    @discardableResult
    func admit(
        _ options: UploadOptions, at address: ObjectAddress, in bucket: Bucket, access: Access
    ) async throws -> PutTrial? {
        if !address.key.isFolderPlaceholder { try bucket.requireAllowed(contentType: options.contentType) }
        if let size = options.objectSize, size > limits.maxBytes(for: address.key, in: bucket) { throw StorageError.tooLarge() }
        try options.alphabet.require(address.key)
        switch access {
        case .policy(let caller):
            let draft = ObjectDraft(
                address: address, ownerID: access.subject, metadata: options.policyMetadata, userMetadata: options.userMetadata,
                condition: options.condition)
            return try await metadata.checkPut(draft, mode: options.mode, as: caller)
        case .publicBucket:
            throw StorageError(.accessDenied, "Access denied")
        case .grant(let grant, _):
            guard grant.action == .upload, grant.address == address else {
                throw StorageError(.signatureMismatch, "Invalid signature")
            }
            // The grant was signed for a caller who might; all that can have changed is that the key is taken now.
            if options.mode == .create, try await exists(address, access: access) { throw StorageError.objectExists(address) }
            return nil
        }
    }

    private func exists(_ address: ObjectAddress, access: Access) async throws -> Bool {
        do {
            _ = try await metadata.object(at: address, access: access)
            return true
        } catch let error as StorageError where error.code == .objectNotFound {
            return false
        }
    }

    /// The options with what came behind the bytes; what policies and limits look at is asked again if it changed.
    private func late(
        _ upload: Upload, at address: ObjectAddress, in bucket: Bucket, access: Access, _ trial: inout PutTrial?
    ) async throws -> UploadOptions {
        guard var options = try upload.lateOptions?() else { return upload.options }
        options.mode = upload.options.mode
        options.condition = upload.options.condition
        if options.contentType != upload.options.contentType || options.userMetadata != upload.options.userMetadata {
            trial = try await admit(options, at: address, in: bucket, access: access)
        }
        return options
    }

    /// Writes the row, or discards the blob where that certainly failed. Runs to its end even when the caller is cancelled.
    func commit(_ object: NewObject, mode: PutMode, facts: RequestFacts) async throws -> ObjectRecord {
        // Invalidated on failure too: a transaction whose answer was lost may have been committed.
        defer {
            cache.invalidate(object.address)
            reaper.signal()
            events.signal()
        }
        let record: ObjectRecord
        do {
            record = try await runToEnd { try await metadata.commitPut(object, mode: mode, facts: facts) }
        } catch {
            // Where it is uncertain the sweep decides later. The bytes of an upload are kept for another try, and may be an object's; in a
            // store of the project's own is only a copy of them.
            // What its owner put there is nobody else's to remove.
            if !object.isAdopted, object.completing == nil || object.blob.backend.isOwn, let error = error as? StorageError,
                error.rulesOutCommit
            {
                await placement.discard(object.blob)
            }
            throw error
        }
        // A trigger of the database may have put the row elsewhere.
        if record.address != object.address { cache.invalidate(record.address) }
        return record
    }
}

extension StorageError {
    /// Whether this error, thrown while a row was being written, proves that it was not.
    fileprivate var rulesOutCommit: Bool {
        switch code {
        case .objectExists, .relatedResourceMissing, .accessDenied, .wrongRole, .mediaTypeNotAllowed, .tooLarge, .quotaExceeded,
            .locked, .alreadyRunning,
            .tooManyConnections, .invalidRequest, .invalidParameter, .invalidKey, .invalidTag, .bucketNotFound,
            .preconditionFailed, .objectNotFound, .uploadNotFound, .uploadComplete:
            true
        case .blobMissing, .bucketExists, .bucketNotEmpty, .bucketReferenced, .tooManyObjects,
            .invalidBucketName, .invalidRobotsRule, .lengthMismatch, .digestMismatch, .rangeNotSatisfiable,
            .uploadExpired, .uploadOffsetMismatch, .uploadTaken, .invalidPart, .invalidPartOrder, .partTooSmall,
            .unauthenticated, .invalidToken, .wrongTokenScope, .signatureMismatch, .credentialExpired,
            .overloaded, .timedOut, .databaseReadOnly, .databaseSchema, .databaseAborted, .databaseFailure,
            .backendUnavailable, .originUnavailable, .originTimedOut, .unsupported, .notConfigured, .clientDisconnected,
            .internal,
            .unreadableImage, .imageTooLarge, .renderTimedOut:
            false
        }
    }
}
