// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Keys that are given out, and the bytes that come to them.
extension Files {
    // MARK: Giving out keys

    /// Gives a key out to upload a file to, and the right to do so for a while.
    /// - Throws: `StorageError` with `.accessDenied` for who may not upload; `.bucketNotFound`; `.invalidParameter`, `.tooLarge` and
    ///   `.mediaTypeNotAllowed` with a `FileFault`; `.quotaExceeded`; `.overloaded` for a key that uploads too much.
    public func issue(
        _ announcement: FileAnnouncement, in project: BucketID, as caller: Caller
    ) async throws -> IssuedUpload {
        var ticket = try await ticket(for: announcement, inParts: false, in: project, as: caller)
        let expiresAt = ticket.issuedAt.adding(seconds: configuration.uploadLifetime)
        let direct = try await reserve(for: ticket, caller.facts)
        ticket.direct = direct?.reservation
        do {
            try await create(ticket, as: caller)
        } catch {
            if let direct { await discard(direct.reservation) }
            throw error
        }
        if let direct { return IssuedUpload(ticket: ticket, destination: .store(direct.request), expiresAt: expiresAt) }
        let token = try tokens.sign(.whole, of: ticket.address, at: ticket.issuedAt, until: expiresAt)
        return IssuedUpload(ticket: ticket, destination: .server(token: token), expiresAt: expiresAt)
    }

    /// Gives a key out for a file that comes in parts. Its size must be announced.
    /// - Throws: as `issue`.
    public func beginParts(
        _ announcement: FileAnnouncement, in project: BucketID, as caller: Caller
    ) async throws -> FileTicket {
        guard announcement.size != nil else {
            throw StorageError.file(.sizeMismatch, .invalidParameter, "The size must be announced", field: "fileSize")
        }
        var ticket = try await ticket(for: announcement, inParts: true, in: project, as: caller)
        let beginning = UploadBeginning(
            kind: .parts, options: UploadOptions(mode: .replace, contentType: ticket.mediaType), length: nil)
        let session = try await uploads.begin(beginning, at: ticket.address, access: access(to: ticket, caller.facts))
        ticket.upload = session.id
        do {
            try await create(ticket, as: caller)
        } catch {
            for session in try await metadata.deleteUploads([session.id]) { await uploads.discardBytes(of: session) }
            throw error
        }
        return ticket
    }

    /// Gives out the right to send a part.
    /// - Throws: `StorageError` with `.objectNotFound`, `.accessDenied` or `.objectExists` for a key that is not the caller's to upload to;
    ///   `.uploadNotFound` for another upload than the key's.
    public func part(
        _ number: PartNumber, of upload: UploadID, at s3Key: String, in project: BucketID, as caller: Caller
    ) async throws -> IssuedPart {
        let ticket = try await ticket(of: upload, at: s3Key, in: project, as: caller)
        let time = now()
        let expiresAt = time.adding(seconds: configuration.uploadLifetime)
        let token = try tokens.sign(.part(number, upload), of: ticket.address, at: time, until: expiresAt)
        return IssuedPart(ticket: ticket, upload: upload, number: number, token: token, expiresAt: expiresAt)
    }

    /// Makes the object of the parts. In any order: clients send them side by side.
    /// - Throws: as `part`; `.invalidPart` and `.partTooSmall`; what `Uploads.complete` throws.
    public func complete(
        _ parts: [PartsCompletion.Named], of upload: UploadID, at s3Key: String, in project: BucketID, as caller: Caller
    ) async throws -> FileTicket {
        let ticket = try await ticket(of: upload, at: s3Key, in: project, as: caller)
        let sorted = parts.sorted { $0.number < $1.number }
            .map { PartsCompletion.Named(number: $0.number, eTag: $0.eTag.filter { $0 != "\"" }) }
        guard !sorted.isEmpty, Set(sorted.map(\.number)).count == sorted.count else {
            throw StorageError.file(.invalidParts, .invalidPart, "The parts must be named, each once", field: "parts")
        }
        do {
            _ = try await uploads.complete(
                PartsCompletion(parts: sorted, leastPartBytes: configuration.limits.leastPartBytes), of: upload,
                access: access(to: ticket, caller.facts))
        } catch let error as StorageError where error.code == .invalidPart || error.code == .partTooSmall {
            throw StorageError.file(.invalidParts, error.code, error.message, field: "parts")
        }
        return ticket
    }

    /// Gives an upload in parts up, with its key. - Throws: as `part`.
    public func abort(
        _ upload: UploadID, at s3Key: String, in project: BucketID, as caller: Caller
    ) async throws -> FileTicket {
        let ticket = try await ticket(of: upload, at: s3Key, in: project, as: caller)
        _ = try await drop(ticket)
        return ticket
    }

    // MARK: Receiving

    /// Takes the bytes that come to a key with the right to send them; until the file is registered, others may come instead.
    /// - Parameter token: of `IssuedUpload`.
    /// - Throws: `StorageError` with `.credentialExpired`, `.signatureMismatch`; `.objectExists` once the file is registered;
    ///   `.objectNotFound` for a key that was swept; `.lengthMismatch` with a `FileFault` for another size than was announced; what
    ///   `Objects.put` throws.
    public func receive(
        _ body: ByteStream, at address: ObjectAddress, token: String, facts: RequestFacts
    ) async throws -> ObjectRecord {
        try tokens.require(token, for: .whole, of: address, at: now())
        let ticket = try await openTicket(at: address, facts)
        guard ticket.upload == nil, ticket.direct == nil else {
            throw StorageError.file(.uploadURLInvalid, .signatureMismatch, "The file comes in parts, or by another way")
        }
        let most = rules.mostBytes(of: ticket.mediaType, inParts: false)
        if let length = body.length, let size = ticket.size, length != size {
            throw StorageError.file(
                .sizeMismatch, .lengthMismatch, "The file was announced with \(size) bytes", field: "fileSize")
        }
        let options = UploadOptions(
            mode: .replace, contentType: ticket.mediaType, announcedLength: body.length, announcesObjectSize: true,
            maxBytes: min(most, ticket.size ?? most))
        do {
            return try await objects.put(Upload(body: body, options: options), at: address, access: access(to: ticket, facts))
        } catch let error as StorageError where error.code == .tooLarge {
            throw StorageError.file(.tooLarge, .tooLarge, error.message, field: "fileSize")
        }
    }

    /// Takes the bytes of a part. - Returns: the part, whose MD5 is its entity tag. - Throws: as `receive`; what `Uploads.putPart` throws.
    public func receive(
        _ body: ByteStream, as number: PartNumber, of upload: UploadID, at address: ObjectAddress, token: String,
        facts: RequestFacts
    ) async throws -> UploadPart {
        try tokens.require(token, for: .part(number, upload), of: address, at: now())
        let ticket = try await openTicket(at: address, facts)
        guard ticket.upload == upload else { throw StorageError.uploadNotFound(upload) }
        // No part is larger than the whole.
        if let size = ticket.size, let length = body.length, length > size {
            throw StorageError.file(.tooLarge, .tooLarge, "The file was announced with \(size) bytes", field: "fileSize")
        }
        return try await uploads.putPart(
            PartUpload(body: body), as: number, of: upload, access: access(to: ticket, facts))
    }

    // MARK: Registering

    /// Makes a file of what was uploaded to a key, once.
    /// - Throws: `StorageError` with a `FileFault`: `.notIssued`, `.issuedToOthers`, `.alreadyRegistered`, `.notUploaded`, `.sizeMismatch`,
    ///   `.typeMismatch`, and those of what is wrong with the registration itself. The upload stays as it is: it can be registered rightly.
    public func register(
        _ registration: FileRegistration, in project: BucketID, as caller: Caller
    ) async throws -> FileView {
        try requireSomebody(caller)
        let address = try FileRules.address(registration.s3Key, in: project)
        try rules.requireName(registration.originalName, field: "originalName")
        let mediaType = try rules.mediaType(registration.mediaType, field: "mimeType")
        guard registration.size >= 0 else {
            throw StorageError.file(.negativeSize, .invalidParameter, "A size is not negative", field: "size")
        }
        try rules.requireDimensions(registration.width, registration.height)
        try rules.requireMetadata(registration.metadata)
        try rules.requireShares(registration.sharedWith)

        let ticket = try await ownTicket(at: address, as: caller)
        guard MediaType.essence(of: mediaType) == MediaType.essence(of: ticket.mediaType) else {
            throw StorageError.file(
                .typeMismatch, .invalidParameter, "The file was announced as \(ticket.mediaType)", field: "mimeType")
        }
        while true {
            let version = try await look(at: ticket, for: registration, caller.facts)
            let draft = FileDraft(
                id: ticket.id, address: address, version: version, originalName: registration.originalName,
                mediaType: ticket.mediaType, width: registration.width, height: registration.height,
                visibility: registration.visibility ?? ticket.visibility, label: registration.label ?? ticket.label,
                metadata: registration.metadata, sharedWith: Set(registration.sharedWith).sorted())
            do {
                let file = try await runToEnd { [metadata] in try await metadata.registerFile(draft, as: caller) }
                objects.cache.invalidate(address)
                return view(file, caller)
            } catch let error as StorageError where error.code == .preconditionFailed {
                // Other bytes came while these were looked at.
                continue
            } catch let error as StorageError {
                throw Self.ticketError(error)
            }
        }
    }

    /// Makes a file of what was uploaded to a key just as it was announced. One that was made already is what it is.
    /// - Parameter visibility: nil: as was announced.
    /// - Throws: as `register`; `.objectNotFound` for an id that is no file's and no ticket's.
    public func registerAsAnnounced(
        _ id: FileID, visibility: FileVisibility? = nil, in project: BucketID, as caller: Caller
    ) async throws -> FileView {
        try requireSomebody(caller)
        let ticket: FileTicket
        do {
            return try await file(id, in: project, as: caller)
        } catch let error as StorageError where error.code == .objectNotFound {
            ticket = try await metadata.ticket(id, in: project, as: caller)
        }
        let size = try await uploaded(ticket, caller.facts).blob?.size ?? 0
        do {
            return try await register(
                FileRegistration(
                    s3Key: ticket.s3Key, originalName: ticket.originalName, mediaType: ticket.mediaType, size: size,
                    visibility: visibility),
                in: project, as: caller)
        } catch let error as StorageError where error.fileFault == .alreadyRegistered {
            return try await file(id, in: project, as: caller)
        }
    }

    /// Whether what was uploaded is what was announced. - Returns: the version that it is.
    private func look(
        at ticket: FileTicket, for registration: FileRegistration, _ facts: RequestFacts
    ) async throws -> ObjectVersion {
        let object = try await uploaded(ticket, facts)
        guard let blob = object.blob, let version = object.record.version else {
            throw StorageError.file(.notUploaded, .objectNotFound, "Nothing was uploaded to this key", field: "s3Key")
        }
        // Whoever has the ticket may have brought the bytes by another dialect, and said something else there.
        let stored = ObjectMetadata(parsing: object.record.metadata).mimetype ?? UploadOptions.unknownContentType
        guard MediaType.essence(of: stored) == MediaType.essence(of: ticket.mediaType) else {
            throw StorageError.file(.typeMismatch, .invalidParameter, "The file was uploaded as \(stored)", field: "mimeType")
        }
        guard blob.size == registration.size, ticket.size ?? blob.size == blob.size else {
            throw StorageError.file(.sizeMismatch, .lengthMismatch, "The file has \(blob.size) bytes", field: "size")
        }
        try rules.requireSize(blob.size, of: ticket.mediaType, inParts: ticket.upload != nil, field: "size")
        guard configuration.limits.checksTypes, blob.size > 0 else { return version }
        let content = try await objects.blobs.store(for: blob.backend).get(
            blob.key, range: .closed(0...(min(blob.size, Int64(MediaKind.headLength)) - 1)))
        let head = try await content.stream().withHead(MediaKind.headLength).head
        guard FileRules.mayBe(ticket.mediaType, head.readableBytesView) else {
            throw StorageError.file(
                .mediaTypeRefused, .mediaTypeNotAllowed, "The bytes are not of the type \(ticket.mediaType)", field: "mimeType")
        }
        return version
    }

    /// The object at a ticket's key; what a client sent to the store itself becomes one now.
    private func uploaded(_ ticket: FileTicket, _ facts: RequestFacts) async throws -> ReadableObject {
        let reading = Access.grant(SignedGrant(address: ticket.address, action: .download, expiresAt: nil), facts)
        do {
            return try await metadata.object(at: ticket.address, access: reading)
        } catch let error as StorageError where error.code == .objectNotFound {
            guard let direct = ticket.direct else {
                throw StorageError.file(.notUploaded, .objectNotFound, "Nothing was uploaded to this key", field: "s3Key")
            }
            try await adopt(direct, of: ticket, facts)
            return try await metadata.object(at: ticket.address, access: reading)
        }
    }

    // MARK: Straight to the store

    /// Where the bucket has clients go to the store itself for files of this size, and the store takes them as these clients send them, which
    /// is with a Content-Type and no other field. Nil: they come here.
    private func reserve(
        for ticket: FileTicket, _ facts: RequestFacts
    ) async throws -> (reservation: FileTicket.DirectReservation, request: DirectRequest)? {
        let bucket = try await objects.cache.bucketRules.rules(of: ticket.address.bucket, in: metadata, facts: facts)
        guard let size = ticket.size, let least = bucket.directFrom, size >= least, let storage = bucket.ownStorage,
            let store = try await objects.blobs.store(for: storage.backend) as? any DirectBlobAccess
        else { return nil }
        let version = ObjectVersion()
        let place = try await objects.placement.place(for: version, of: ticket.address, in: bucket)
        do {
            let request = try await store.directUpload(
                to: place.key, length: size, mediaType: ticket.mediaType, for: configuration.uploadLifetime)
            if Set(request.fields.keys).isSubset(of: ["content-type"]) {
                return (.init(backend: place.backend, key: place.key, version: version), request)
            }
        } catch let error as StorageError where error.code == .unsupported {
            // Through this server, then.
        } catch {
            await objects.placement.discard(place)
            throw error
        }
        await objects.placement.discard(place)
        return nil
    }

    private func discard(_ reservation: FileTicket.DirectReservation) async {
        await objects.placement.discard(.init(backend: reservation.backend, key: reservation.key))
    }

    /// Makes an object of what is at a reserved key. Nobody saw the bytes: their size is what the store says.
    ///
    /// Of a copy, which the store makes: the client can still write to the key for a while, and the bytes of a version never change. What is
    /// at the key goes when its reservation ends, which is after that.
    private func adopt(
        _ direct: FileTicket.DirectReservation, of ticket: FileTicket, _ facts: RequestFacts
    ) async throws {
        let info: BlobInfo
        do {
            info = try await objects.blobs.store(for: direct.backend).info(direct.key)
        } catch let error as StorageError where error.code == .blobMissing {
            throw StorageError.file(.notUploaded, .objectNotFound, "Nothing was uploaded to this key", field: "s3Key")
        }
        try rules.requireSize(info.size, of: ticket.mediaType, inParts: false, field: "size")
        try await objects.quota.requireRoom(for: info.size, in: ticket.address.bucket, facts: facts)
        let bucket = try await objects.cache.bucketRules.rules(of: ticket.address.bucket, in: metadata, facts: facts)
        let version = ObjectVersion()
        let sent = BlobLocation(backend: direct.backend, key: direct.key, size: info.size, md5: nil)
        let blob = try await objects.placement.copy(
            sent, to: objects.placement.place(for: version, of: ticket.address, in: bucket))
        let details = ObjectMetadata(size: info.size, mimetype: ticket.mediaType, cacheControl: "no-cache", lastModified: now())
        let object = NewObject(
            address: ticket.address, version: version, ownerID: ticket.owner.subject, metadata: details.json,
            userMetadata: .emptyObject, blob: blob)
        do {
            _ = try await objects.commit(object, mode: .create, facts: facts)
        } catch let error as StorageError where error.code == .objectExists {
            // Somebody registers at the same time.
        }
    }

    // MARK: Tickets

    private func ticket(
        for announcement: FileAnnouncement, inParts: Bool, in project: BucketID, as caller: Caller
    ) async throws -> FileTicket {
        try requireSomebody(caller)
        try rules.requireName(announcement.name, field: "filename")
        let mediaType = try rules.mediaType(announcement.mediaType, field: "contentType")
        if let size = announcement.size {
            try rules.requireSize(size, of: mediaType, inParts: inParts, field: "fileSize")
        }
        try await projects.admitUpload(by: caller.principal)
        // Asked now, for whoever was told where to send a file shall not learn of it there.
        let bucket = try await objects.cache.bucketRules.rules(of: project, in: metadata, facts: caller.facts)
        try bucket.requireAllowed(contentType: mediaType)
        try await objects.quota.requireRoom(for: announcement.size, in: project, facts: caller.facts)
        let id = FileID()
        return FileTicket(
            id: id,
            address: ObjectAddress(
                bucket: project, key: FileRules.key(of: id, label: announcement.label, name: announcement.name)),
            owner: FileOwner(of: caller.principal), role: caller.principal.role, originalName: announcement.name,
            mediaType: mediaType, size: announcement.size, visibility: announcement.visibility, label: announcement.label,
            issuedAt: now())
    }

    private func create(_ ticket: FileTicket, as caller: Caller) async throws {
        try await runToEnd { [metadata] in try await metadata.createTicket(ticket, as: caller) }
    }

    /// The ticket of a key that is the caller's and not spent.
    private func ownTicket(at address: ObjectAddress, as caller: Caller) async throws -> FileTicket {
        do {
            let ticket = try await metadata.ticket(at: address, as: caller)
            guard ticket.registeredAt == nil else { throw Self.registered(address) }
            return ticket
        } catch let error as StorageError {
            throw Self.ticketError(error)
        }
    }

    private func ticket(
        of upload: UploadID, at s3Key: String, in project: BucketID, as caller: Caller
    ) async throws -> FileTicket {
        try requireSomebody(caller)
        let ticket = try await ownTicket(at: try FileRules.address(s3Key, in: project), as: caller)
        guard ticket.upload == upload else { throw StorageError.uploadNotFound(upload) }
        return ticket
    }

    /// The ticket of a key for whoever shows a right to it.
    private func openTicket(at address: ObjectAddress, _ facts: RequestFacts) async throws -> FileTicket {
        guard let ticket = try await metadata.ticket(at: address, facts: facts) else {
            throw StorageError.file(.notIssued, .objectNotFound, "The key is not known any more")
        }
        guard ticket.registeredAt == nil else { throw Self.registered(address) }
        return ticket
    }

    /// The right that a ticket gives: to write its one object, for its owner.
    private func access(to ticket: FileTicket, _ facts: RequestFacts) -> Access {
        .grant(
            SignedGrant(
                address: ticket.address, action: .upload, owner: ticket.owner.subject, replaces: true, expiresAt: nil), facts)
    }

    private static func registered(_ address: ObjectAddress) -> StorageError {
        .file(.alreadyRegistered, .objectExists, "The key is registered already", field: "s3Key")
    }

    /// What is wrong with a key, in words that the caller understands.
    private static func ticketError(_ error: StorageError) -> StorageError {
        guard error.fileFault == nil else { return error }
        return switch error.code {
        case .objectNotFound: .file(.notIssued, .objectNotFound, "The key was not issued, or was given up", field: "s3Key")
        case .accessDenied: .file(.issuedToOthers, .accessDenied, "The key was issued to somebody else", field: "s3Key")
        case .objectExists: .file(.alreadyRegistered, .objectExists, "The key is registered already", field: "s3Key")
        default: error
        }
    }
}
