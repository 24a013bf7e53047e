// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore

/// What tests of files arrange.
extension StoreFixture {
    static let carol = "33333333-3333-3333-3333-333333333333"

    var carol: Caller { caller(subject: Self.carol) }
    var shop: BucketID { BucketID(stored: "shop") }

    /// A ticket as the core makes it for a caller.
    func fileTicket(
        of caller: Caller, name: String = "cat.png", label: FileLabel = .images, visibility: FileVisibility = .private,
        in project: String = "shop", at time: Timestamp = .now()
    ) -> FileTicket {
        let id = FileID()
        let subject = caller.principal.subject
        return FileTicket(
            id: id, address: address("\(label.rawValue)/\(id)/\(name)", in: project),
            owner: FileOwner(kind: subject == nil ? .service : .user, subject: subject), role: caller.principal.role,
            originalName: name, mediaType: "image/png", size: 3, visibility: visibility, label: label, issuedAt: time)
    }

    /// Gives a key out.
    @discardableResult
    func issue(
        to caller: Caller, name: String = "cat.png", label: FileLabel = .images, in project: String = "shop",
        at time: Timestamp = .now()
    ) async throws -> FileTicket {
        let ticket = fileTicket(of: caller, name: name, label: label, in: project, at: time)
        try await store.createTicket(ticket, as: caller)
        return ticket
    }

    /// Gives a key out and puts bytes there.
    func upload(as caller: Caller, name: String = "cat.png", label: FileLabel = .images) async throws -> (
        FileTicket, ObjectRecord
    ) {
        let ticket = try await issue(to: caller, name: name, label: label)
        return (ticket, try await put(ticket.address.key.rawValue, in: "shop", owner: caller.principal.subject))
    }

    func fileDraft(
        _ ticket: FileTicket, _ object: ObjectRecord, visibility: FileVisibility = .private, mediaType: String = "image/png",
        sharedWith: [String] = []
    ) -> FileDraft {
        FileDraft(
            id: ticket.id, address: ticket.address, version: object.version ?? ObjectVersion(), originalName: ticket.originalName,
            mediaType: mediaType, visibility: visibility, label: ticket.label, sharedWith: sharedWith)
    }

    /// A file of somebody's.
    @discardableResult
    func addFile(
        _ name: String = "cat.png", _ visibility: FileVisibility = .private, of caller: Caller, label: FileLabel = .images,
        mediaType: String = "image/png", sharedWith: [String] = []
    ) async throws -> FileRecord {
        let (ticket, object) = try await upload(as: caller, name: name, label: label)
        return try await store.registerFile(
            fileDraft(ticket, object, visibility: visibility, mediaType: mediaType, sharedWith: sharedWith), as: caller)
    }

    /// The names of the files of a page, in order.
    func fileNames(_ query: FileQuery = FileQuery(), as caller: Caller? = nil) async throws -> [String] {
        try await store.files(matching: query, in: shop, as: caller ?? service).files.map(\.originalName)
    }
}
