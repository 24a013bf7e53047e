// SPDX-License-Identifier: Apache-2.0

public import MediaCore
import Synchronization

extension InMemoryMetadataStore {
    // MARK: Tickets

    public func createTicket(_ ticket: FileTicket, as caller: Caller) async throws {
        try transaction(as: caller) { state, security in
            guard state.projects[ticket.address.bucket] != nil else { throw StorageError.bucketNotFound(ticket.address.bucket) }
            guard security.mayMake(ticket) else { throw StorageError(.accessDenied, "Access denied") }
            guard state.objects[ticket.address] == nil, state.fileRows.ticket(at: ticket.address) == nil,
                state.fileRows.files[ticket.id] == nil, state.fileRows.tickets[ticket.id] == nil
            else { throw StorageError.objectExists(ticket.address) }
            state.fileRows.tickets[ticket.id] = ticket
        }
    }

    public func ticket(at address: ObjectAddress, as caller: Caller) async throws -> FileTicket {
        try transaction(as: caller) { state, security in
            guard let ticket = state.fileRows.ticket(at: address) else { throw StorageError.objectNotFound(address) }
            guard security.sees(ticket) else {
                throw StorageError(.accessDenied, "Access denied", resource: address.key.rawValue)
            }
            return ticket
        }
    }

    public func ticket(_ id: FileID, in project: BucketID, as caller: Caller) async throws -> FileTicket {
        try transaction(as: caller) { state, security in
            guard let ticket = state.fileRows.tickets[id], ticket.address.bucket == project else {
                throw StorageError.fileNotFound(id)
            }
            guard security.sees(ticket) else { throw StorageError(.accessDenied, "Access denied", resource: id.rawValue) }
            return ticket
        }
    }

    public func ticket(at address: ObjectAddress, facts: RequestFacts) async throws -> FileTicket? {
        state.withLock { $0.fileRows.ticket(at: address) }
    }

    public func unregisteredTickets(issuedBefore date: Timestamp, limit: Int) async throws -> [FileTicket] {
        state.withLock { state in
            let open = state.fileRows.tickets.values.filter { $0.registeredAt == nil && $0.issuedAt < date }
            return Array(open.sorted { $0.issuedAt < $1.issuedAt }.prefix(limit))
        }
    }

    public func dropTicket(_ id: FileID) async throws -> Bool {
        let time = now()
        return state.withLock { state in
            guard let ticket = state.fileRows.tickets[id], ticket.registeredAt == nil else { return false }
            state.facts = RequestFacts(operation: .upkeep)
            if let object = state.objects[ticket.address] { state.remove(object, at: time, forgets: true) }
            state.fileRows.tickets[id] = nil
            state.report(.object(ticket.address))
            return true
        }
    }

    public func forgetTickets(issuedBefore date: Timestamp) async throws -> Int {
        state.withLock { state in
            let spent = state.fileRows.tickets.values.filter { $0.registeredAt != nil && $0.issuedAt < date }
            for ticket in spent { state.fileRows.tickets[ticket.id] = nil }
            return spent.count
        }
    }

    public func registerFile(_ draft: FileDraft, as caller: Caller) async throws -> FileRecord {
        let time = now()
        return try transaction(as: caller) { state, security in
            guard var ticket = state.fileRows.ticket(at: draft.address) else { throw StorageError.objectNotFound(draft.address) }
            guard security.sees(ticket) else { throw StorageError(.accessDenied, "Access denied") }
            guard ticket.registeredAt == nil else { throw StorageError.objectExists(draft.address) }
            guard let object = state.objects[draft.address] else { throw StorageError.objectNotFound(draft.address) }
            guard object.version == draft.version else { throw StorageError.preconditionFailed(draft.address) }
            let file = FileRecord(
                id: ticket.id, address: draft.address, object: object.id, originalName: draft.originalName,
                mediaType: draft.mediaType, size: ObjectMetadata(parsing: object.metadata).size ?? 0, width: draft.width,
                height: draft.height, visibility: draft.visibility, label: draft.label, owner: ticket.owner,
                sharedWith: draft.sharedWith, metadata: draft.metadata, createdAt: time, updatedAt: time)
            ticket.registeredAt = time
            state.fileRows.tickets[ticket.id] = ticket
            state.fileRows.files[file.id] = file
            state.report(.object(file.address))
            return file
        }
    }

    // MARK: Files

    public func file(_ id: FileID, in project: BucketID, as caller: Caller) async throws -> FileRecord {
        try transaction(as: caller) { state, security in
            guard let file = state.fileRows.files[id], file.address.bucket == project else { throw StorageError.fileNotFound(id) }
            guard security.sees(file) else { throw StorageError(.accessDenied, "Access denied", resource: id.rawValue) }
            return file
        }
    }

    public func files(matching query: FileQuery, in project: BucketID, as caller: Caller) async throws -> FoundFiles {
        try transaction(as: caller) { state, security in
            let found = state.fileRows.files.values
                .filter { $0.address.bucket == project && query.matches($0) && security.sees($0) }
                .sorted { query.order.precedes($0, $1) }
            let rest = found.dropFirst(query.offset)
            return FoundFiles(
                files: Array(rest.prefix(query.limit)), total: FileTotal(found.count), hasMore: rest.count > query.limit)
        }
    }

    public func updateFile(
        _ id: FileID, patch: FilePatch, in project: BucketID, as caller: Caller,
        checked: @escaping @Sendable (FileRecord) throws -> Void
    ) async throws -> FileRecord {
        try change(id, in: project, as: caller) { file in
            if let name = patch.originalName { file.originalName = name }
            if let visibility = patch.visibility { file.visibility = visibility }
            if let metadata = patch.metadata { file.metadata = metadata.applied(to: file.metadata) }
            if let subjects = patch.sharedWith { file.sharedWith = Set(subjects).sorted() }
            try checked(file)
        }
    }

    public func changeShares(
        of id: FileID, adding: [String], removing: [String], most: Int, in project: BucketID, as caller: Caller
    ) async throws -> [String] {
        try change(id, in: project, as: caller) { file in
            let subjects = Set(file.sharedWith).subtracting(removing).union(adding)
            guard subjects.count <= most else { throw StorageError.tooManyShares(most) }
            file.sharedWith = subjects.sorted()
        }.sharedWith
    }

    public func fileStatistics(of project: BucketID, as caller: Caller) async throws -> FileStatistics {
        try transaction(as: caller) { state, security in
            var statistics = FileStatistics()
            for file in state.fileRows.files.values
            where file.address.bucket == project && (security.seesAllFiles(of: project) || security.owns(file)) {
                let count = FileCount(files: 1, bytes: file.size)
                statistics.byVisibility[file.visibility] = (statistics.byVisibility[file.visibility] ?? FileCount()) + count
                statistics.byLabel[file.label] = (statistics.byLabel[file.label] ?? FileCount()) + count
            }
            return statistics
        }
    }

    private func change(
        _ id: FileID, in project: BucketID, as caller: Caller, _ change: (inout FileRecord) throws -> Void
    ) throws -> FileRecord {
        let time = now()
        return try transaction(as: caller) { state, security in
            guard var file = state.fileRows.files[id], file.address.bucket == project, let object = state.objects[file.address]
            else { throw StorageError.fileNotFound(id) }
            guard security.sees(object), security.allows(.update, .object(object)) else {
                throw security.refused(.update, .object(object), "Access denied")
            }
            try change(&file)
            file.updatedAt = time
            state.fileRows.files[id] = file
            state.report(.object(file.address))
            return file
        }
    }
}

extension RowSecurity {
    /// The policies of `magpie.files`.
    func sees(_ file: FileRecord) -> Bool {
        seesAllFiles(of: file.address.bucket) || fileRows.sees(file, caller.principal)
    }

    func seesAllFiles(of project: BucketID) -> Bool { bypasses || isOf(project) }

    func owns(_ file: FileRecord) -> Bool {
        caller.principal.subject != nil && file.owner.subject == caller.principal.subject
    }

    /// The policies of `magpie.file_tickets`.
    func sees(_ ticket: FileTicket) -> Bool {
        if bypasses || writes(ticket.address.bucket) { return true }
        return caller.principal.role == "authenticated" && caller.principal.subject != nil
            && ticket.owner.subject == caller.principal.subject
    }

    func mayMake(_ ticket: FileTicket) -> Bool {
        if bypasses { return true }
        if writes(ticket.address.bucket) { return ticket.owner.subject == caller.principal.subject }
        return sees(ticket) && ticket.owner.kind == .user
    }
}

extension FileQuery {
    fileprivate func matches(_ file: FileRecord) -> Bool {
        if let visibility, file.visibility != visibility { return false }
        if let ownerKind, file.owner.kind != ownerKind { return false }
        if let ownerSubject, file.owner.subject != ownerSubject { return false }
        if let label, file.label != label { return false }
        if let search, !file.originalName.lowercased().contains(search.lowercased()) { return false }
        let essence = file.essence
        switch mediaType {
        case nil: return true
        case .exactly(let type): return essence == type
        case .kind(let kind): return essence.split(separator: "/").first.map(String.init) == kind
        }
    }
}

extension FileRecord {
    fileprivate var essence: String { MediaType.essence(of: mediaType) }
}

extension FileOrder {
    fileprivate func precedes(_ a: FileRecord, _ b: FileRecord) -> Bool {
        isAscending ? goesFirst(a, b) : goesFirst(b, a)
    }

    private func goesFirst(_ a: FileRecord, _ b: FileRecord) -> Bool {
        switch field {
        case .createdAt: (a.createdAt, a.id) < (b.createdAt, b.id)
        case .updatedAt: (a.updatedAt, a.id) < (b.updatedAt, b.id)
        case .size: (a.size, a.id) < (b.size, b.id)
        case .id: a.id < b.id
        case .originalName: Self.goesFirst(a.originalName, b.originalName, a.id, b.id)
        case .mimeType: Self.goesFirst(a.essence, b.essence, a.id, b.id)
        case .visibility: Self.goesFirst(a.visibility.rawValue, b.visibility.rawValue, a.id, b.id)
        }
    }

    /// By bytes, as the database has it.
    private static func goesFirst(_ a: String, _ b: String, _ first: FileID, _ second: FileID) -> Bool {
        a.utf8.elementsEqual(b.utf8) ? first < second : a.utf8.lexicographicallyPrecedes(b.utf8)
    }
}
