// SPDX-License-Identifier: Apache-2.0

public import MediaCore

/// Keys that are given out for files, and their registration.
extension PostgresMetadataStore {
    public func createTicket(_ ticket: FileTicket, as caller: Caller) async throws {
        let insert = Step.run(
            Self.insertTicket, ticket.id.rawValue, ticket.address.bucket.rawValue, ticket.address.key.rawValue,
            ticket.owner.kind.rawValue, ticket.owner.subject, ticket.role, ticket.originalName, ticket.mediaType,
            Parameter.int(ticket.size), ticket.visibility.rawValue, ticket.label.rawValue, ticket.upload?.rawValue,
            ticket.direct?.backend.rawValue, ticket.direct?.key.rawValue, ticket.direct?.version.rawValue,
            Parameter.timestamp(ticket.issuedAt))
        do {
            try await transaction([.scope(scope(caller)), insert], about: .object(ticket.address)) { _ in }
        } catch let error as StorageError where error.code == .relatedResourceMissing {
            throw StorageError.bucketNotFound(ticket.address.bucket)
        }
    }

    public func ticket(at address: ObjectAddress, as caller: Caller) async throws -> FileTicket {
        let steps: [Step] = [
            .scope(system(caller.facts)), readStep(Self.readTicket, address),
            .scope(scope(caller)), readStep(Self.readTicket, address),
        ]
        return try await transaction(steps) { results in
            if let row = try results[1].optionalRow() { return try FileTicketColumns.read(row) }
            throw try Self.missing(address, isThere: results[0].optionalRow() != nil)
        }
    }

    public func ticket(_ id: FileID, in project: BucketID, as caller: Caller) async throws -> FileTicket {
        let read = Step.run(Self.readTicketByID, project.rawValue, id.rawValue)
        return try await transaction([.scope(system(caller.facts)), read, .scope(scope(caller)), read]) { results in
            if let row = try results[1].optionalRow() { return try FileTicketColumns.read(row) }
            guard try results[0].optionalRow() != nil else { throw StorageError.fileNotFound(id) }
            throw StorageError(.accessDenied, "Access denied", resource: id.rawValue)
        }
    }

    public func ticket(at address: ObjectAddress, facts: RequestFacts) async throws -> FileTicket? {
        try await transaction([.scope(system(facts)), readStep(Self.readTicket, address)]) {
            try $0[0].optionalRow().map { try FileTicketColumns.read($0) }
        }
    }

    public func unregisteredTickets(issuedBefore date: Timestamp, limit: Int) async throws -> [FileTicket] {
        let read = Step.run(Self.readUnregistered, Parameter.timestamp(date), Parameter.int(limit))
        return try await transaction([.scope(system(.upkeep)), read]) { try $0[0].rows.map { try FileTicketColumns.read($0) } }
    }

    public func dropTicket(_ id: FileID) async throws -> Bool {
        let drop = Step.run(Self.dropTicket, id.rawValue)
        return try await transaction([.scope(forgetting(lockingSystem(.upkeep))), drop]) { try $0[0].onlyRow().bool(0) }
    }

    public func forgetTickets(issuedBefore date: Timestamp) async throws -> Int {
        try await transaction([.scope(system(.upkeep)), .run(Self.forgetTickets, Parameter.timestamp(date))]) { $0[0].affected }
    }

    public func registerFile(_ draft: FileDraft, as caller: Caller) async throws -> FileRecord {
        let address = draft.address
        return try await mappingErrors(about: .object(address)) {
            try await client.withTransaction(ending: .commit) { transaction in
                // Whose ticket it is the policies say. Objects are locked first, as whoever writes or deletes them does.
                let looks = try await transaction.run([
                    .scope(scope(caller)), readStep(Self.readTicket, address),
                    .scope(lockingSystem(caller.facts)), readStep(Self.lockUploaded, address), readStep(Self.lockTicket, address),
                ])
                guard let ticket = try looks[2].optionalRow().map({ try FileTicketColumns.read($0) }) else {
                    throw StorageError.objectNotFound(address)
                }
                guard try looks[0].optionalRow() != nil else { throw Self.missing(address, isThere: true) }
                guard ticket.registeredAt == nil else { throw StorageError.objectExists(address) }
                guard let object = try looks[1].optionalRow() else { throw StorageError.objectNotFound(address) }
                guard try object.optionalString(1) == draft.version.rawValue else {
                    throw StorageError.preconditionFailed(address)
                }
                let results = try await transaction.finish(with: [
                    Self.insert(draft, ticket, object: try object.string(0)), .run(Self.spendTicket, ticket.id.rawValue),
                ])
                return try FileColumns.read(results[0].onlyRow())
            }
        }
    }

    private static func insert(_ draft: FileDraft, _ ticket: FileTicket, object: String) -> Step {
        .run(
            insertFile, ticket.id.rawValue, draft.address.bucket.rawValue, object, draft.address.key.rawValue, draft.originalName,
            draft.mediaType, Parameter.int(draft.width), Parameter.int(draft.height), draft.visibility.rawValue,
            draft.label.rawValue, ticket.owner.kind.rawValue, ticket.owner.subject, Parameter.strings(draft.sharedWith),
            draft.metadata.json.rawValue)
    }

    /// What to say of a ticket that the caller does not see.
    private static func missing(_ address: ObjectAddress, isThere: Bool) -> StorageError {
        isThere
            ? StorageError(.accessDenied, "Access denied", resource: address.key.rawValue) : StorageError.objectNotFound(address)
    }
}

extension PostgresMetadataStore {
    private static let insertTicket = SQL(
        "file_ticket_insert",
        """
        INSERT INTO magpie.file_tickets
            (id, bucket_id, name, owner_kind, owner_id, role, original_name, media_type, size, visibility, label, upload_id, backend,
            blob_key, version, issued_at)
        VALUES (
            $1::uuid, $2, $3, $4, $5, $6, $7, $8, $9::bigint, $10, $11, $12, $13, $14, $15,
            timestamptz 'epoch' + $16::bigint * interval '1 microsecond')
        """)

    private static let readTicket = SQL(
        "file_ticket", "SELECT \(FileTicketColumns.list) FROM magpie.file_tickets AS t WHERE t.bucket_id = $1 AND t.name = $2")

    private static let readTicketByID = SQL(
        "file_ticket_by_id",
        "SELECT \(FileTicketColumns.list) FROM magpie.file_tickets AS t WHERE t.bucket_id = $1 AND t.id = $2::uuid")

    private static let lockTicket = SQL(
        "file_ticket_lock",
        "SELECT \(FileTicketColumns.list) FROM magpie.file_tickets AS t WHERE t.bucket_id = $1 AND t.name = $2 FOR UPDATE")

    private static let lockUploaded = SQL(
        "file_uploaded_lock",
        "SELECT o.id, o.version FROM storage.objects AS o WHERE o.bucket_id = $1 AND o.name = $2 FOR SHARE")

    private static let readUnregistered = SQL(
        "file_tickets_unregistered",
        """
        SELECT \(FileTicketColumns.list) FROM magpie.file_tickets AS t
        WHERE t.registered_at IS NULL AND t.issued_at < timestamptz 'epoch' + $1::bigint * interval '1 microsecond'
        ORDER BY t.issued_at
        LIMIT $2::int
        """)

    private static let dropTicket = SQL("file_ticket_drop", "SELECT magpie.drop_ticket($1::uuid)")

    private static let forgetTickets = SQL(
        "file_tickets_forget",
        """
        DELETE FROM magpie.file_tickets AS t
        WHERE t.registered_at IS NOT NULL AND t.issued_at < timestamptz 'epoch' + $1::bigint * interval '1 microsecond'
        """)

    private static let insertFile = SQL(
        "file_insert",
        """
        INSERT INTO magpie.files AS f
            (id, bucket_id, object_id, name, original_name, media_type, size, width, height, visibility, label, owner_kind, owner_id,
            shared_with, metadata)
        SELECT $1::uuid, $2, o.id, $4, $5, $6, magpie.object_size(o.metadata), $7::int, $8::int, $9, $10, $11, $12, $13::text[],
            $14::jsonb
        FROM storage.objects AS o
        WHERE o.id = $3::uuid
        RETURNING \(FileColumns.list)
        """)

    private static let spendTicket = SQL(
        "file_ticket_spend", "UPDATE magpie.file_tickets AS t SET registered_at = now() WHERE t.id = $1::uuid")
}
