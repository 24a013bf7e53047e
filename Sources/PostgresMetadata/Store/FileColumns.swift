// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore

/// The columns of a file, for a table that the statement calls `f`, and how they are read.
enum FileColumns {
    static let list = """
        f.id, f.bucket_id, f.object_id, f.name, f.original_name, f.media_type, f.size, f.width, f.height, f.visibility, f.label, \
        f.owner_kind, f.owner_id, f.shared_with, f.metadata - 'custom', f.metadata -> 'custom', \
        (extract(epoch FROM f.created_at) * 1000000)::bigint, (extract(epoch FROM f.updated_at) * 1000000)::bigint
        """

    static func read(_ row: Row) throws -> FileRecord {
        FileRecord(
            id: FileID(stored: try row.string(0)),
            address: ObjectAddress(
                bucket: BucketID(stored: try row.string(1)), key: ObjectKey(stored: try row.string(3))),
            object: ObjectID(stored: try row.string(2)), originalName: try row.string(4), mediaType: try row.string(5),
            size: try row.int64(6), width: try row.optionalInt64(7).map { Int($0) },
            height: try row.optionalInt64(8).map { Int($0) }, visibility: try word(row.string(9)),
            label: try word(row.string(10)),
            owner: FileOwner(kind: try word(row.string(11)), subject: try row.optionalString(12)),
            sharedWith: try row.strings(13), metadata: try metadata(row.json(14), custom: row.optionalJSON(15)),
            createdAt: try row.timestamp(16), updatedAt: try row.timestamp(17))
    }

    /// One of a list that the table has, too.
    static func word<Word: RawRepresentable>(_ text: String) throws(PostgresError) -> Word where Word.RawValue == String {
        guard let word = Word(rawValue: text) else { throw PostgresError(.unexpectedResult, "'\(text)' is not known") }
        return word
    }

    private struct Said: Decodable {
        var category: String?
        var tags: [String]?
        var description: String?
        var alt: String?
        var relatedEntityId: String?
    }

    private static func metadata(_ said: JSONText, custom: JSONText?) throws -> FileMetadata {
        let said = try JSONDecoder().decode(Said.self, from: Data(said.rawValue.utf8))
        return FileMetadata(
            category: said.category, tags: said.tags, description: said.description, alt: said.alt,
            relatedEntityID: said.relatedEntityId, custom: custom)
    }
}

/// The columns of a ticket, for a table that the statement calls `t`, and how they are read.
enum FileTicketColumns {
    static let list = """
        t.id, t.bucket_id, t.name, t.owner_kind, t.owner_id, t.role, t.original_name, t.media_type, t.size, t.visibility, t.label, \
        t.upload_id, t.backend, t.blob_key, t.version, (extract(epoch FROM t.issued_at) * 1000000)::bigint, \
        (extract(epoch FROM t.registered_at) * 1000000)::bigint
        """

    static func read(_ row: Row) throws(PostgresError) -> FileTicket {
        var direct: FileTicket.DirectReservation?
        if let backend = try row.optionalString(12) {
            direct = FileTicket.DirectReservation(
                backend: BackendID(backend), key: BlobKey(try row.string(13)), version: ObjectVersion(stored: try row.string(14)))
        }
        return FileTicket(
            id: FileID(stored: try row.string(0)),
            address: ObjectAddress(
                bucket: BucketID(stored: try row.string(1)), key: ObjectKey(stored: try row.string(2))),
            owner: FileOwner(kind: try FileColumns.word(row.string(3)), subject: try row.optionalString(4)),
            role: try row.string(5), originalName: try row.string(6), mediaType: try row.string(7),
            size: try row.optionalInt64(8), visibility: try FileColumns.word(row.string(9)),
            label: try FileColumns.word(row.string(10)), upload: try row.optionalString(11).map { UploadID($0) }, direct: direct,
            issuedAt: try row.timestamp(15), registeredAt: try row.optionalTimestamp(16))
    }
}
