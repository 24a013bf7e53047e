// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// The rows of `magpie.files` and `magpie.file_tickets`, and what their policies say.
struct FileRows {
    var files: [FileID: FileRecord] = [:]
    var tickets: [FileID: FileTicket] = [:]
    /// The rows of `magpie.avatars`.
    var avatars: [User: FileID] = [:]

    /// Of a project.
    struct User: Hashable {
        var project: BucketID
        var subject: String
    }

    func file(of object: ObjectID) -> FileRecord? { files.values.first { $0.object == object } }
    func ticket(at address: ObjectAddress) -> FileTicket? { tickets.values.first { $0.address == address } }

    /// `magpie.is_concealed`.
    func isConcealed(_ address: ObjectAddress) -> Bool {
        if ticket(at: address).map({ $0.registeredAt == nil }) ?? false { return true }
        return files.values.contains { $0.address == address && $0.visibility != .public }
    }

    /// The policies of `magpie.files`.
    func sees(_ file: FileRecord, _ principal: Principal) -> Bool {
        switch principal.role {
        case "anon": return file.visibility == .public
        case "authenticated":
            if file.visibility == .public || file.visibility == .protected { return true }
            guard let subject = principal.subject else { return false }
            return file.owner.subject == subject || file.visibility == .shared && file.sharedWith.contains(subject)
        default: return false
        }
    }

    /// The policies of `storage.objects` that come with files.
    func allows(_ command: Policy.Command, _ object: ObjectRecord, _ principal: Principal) -> Bool {
        let file = files.values.first { $0.address == object.address }
        guard principal.role == "authenticated" else {
            return command == .select && (file.map { sees($0, principal) } ?? false)
        }
        let owns = principal.subject != nil && file?.owner.subject == principal.subject
        let isItsObject = file?.object == object.id
        let holds = isTicketed(object.address, principal)
        return switch command {
        case .select: (file.map { sees($0, principal) } ?? false) || holds
        case .insert: holds || owns
        case .update: owns && isItsObject || holds && self.file(of: object.id) == nil
        case .delete: owns && isItsObject || holds
        }
    }

    private func isTicketed(_ address: ObjectAddress, _ principal: Principal) -> Bool {
        guard let subject = principal.subject, let ticket = ticket(at: address), ticket.registeredAt == nil else { return false }
        return ticket.owner.subject == subject
    }
}

extension InMemoryMetadataStore.State {
    /// As the triggers of `magpie.files` have it: an object was written, or moved here.
    mutating func followFile(_ record: ObjectRecord, was old: ObjectRecord?, at time: Timestamp) {
        guard let old, var file = fileRows.file(of: record.id) else { return }
        let isFileProject =
            fileRows.tickets.values.contains { $0.address.bucket == record.address.bucket }
            || fileRows.files.values.contains { $0.address.bucket == record.address.bucket }
        guard isFileProject else {
            fileRows.files[file.id] = nil
            return
        }
        let details = ObjectMetadata(parsing: record.metadata)
        file.address = record.address
        file.size = details.size ?? 0
        file.mediaType = details.mimetype ?? "application/octet-stream"
        if old.version != record.version { (file.width, file.height) = (nil, nil) }
        file.updatedAt = time
        fileRows.files[file.id] = file
    }

    /// An object is gone.
    mutating func forgetFile(of record: ObjectRecord) {
        if let file = fileRows.file(of: record.id) { fileRows.files[file.id] = nil }
        if let ticket = fileRows.ticket(at: record.address), ticket.registeredAt != nil { fileRows.tickets[ticket.id] = nil }
    }
}
