// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import MediaCore

extension SupabaseCall {
    private static let maxFolderEntries: Int64 = 1500
    private static let maxListEntries: Int64 = 1000

    func list(_ bucket: String) async throws -> Response {
        let caller = try requiredCaller()
        let body = try await body()
        guard let prefix = try body.string("prefix") else { throw body.missing("prefix") }
        let sort = try body.object("sortBy")
        let query = FolderQuery(
            prefix: prefix, limit: Int(min(try body.integer("limit", minimum: 1) ?? 100, Self.maxFolderEntries)),
            offset: Int(try body.integer("offset", minimum: 0) ?? 0),
            sortColumn: try sort?.requiredChoice("column", of: FolderQuery.Column.self) ?? .name,
            order: try sort?.choice("order", of: SortOrder.self) ?? .ascending, search: try body.string("search") ?? "")
        let entries = try await storage.objects.folder(query, in: try bucketID(bucket), as: caller)
        var writer = JSONWriter()
        writer.array(entries) { writer, entry in
            writer.object { writer in
                writer.field("name", entry.name)
                writer.field("id", entry.id?.rawValue)
                writer.field("updated_at", entry.updatedAt)
                writer.field("created_at", entry.createdAt)
                writer.field("last_accessed_at", entry.lastAccessedAt)
                writer.field("metadata", entry.metadata)
            }
        }
        return Self.json(writer.text)
    }

    func listV2(_ bucket: String) async throws -> Response {
        let caller = try verifiedCaller()
        let body = try await body()
        let sort = try body.object("sortBy")
        var query = ListQuery(
            prefix: try body.string("prefix") ?? "", foldsFolders: try body.bool("with_delimiter") ?? false,
            limit: Int(min(try body.integer("limit", minimum: 1) ?? Self.maxListEntries, Self.maxListEntries)),
            sortColumn: try sort?.requiredChoice("column", of: ListQuery.Column.self) ?? .name,
            order: try sort?.choice("order", of: SortOrder.self) ?? .ascending)
        if let text = try body.string("cursor"), !text.isEmpty {
            let cursor = try ListCursorText.parse(text)
            // The cursor remembers how its page was sorted; anything else would skip or repeat.
            query.sortColumn = cursor.sortColumn
            query.order = cursor.order
            query.after = cursor
        }
        let page = try await storage.objects.list(query, in: try bucketID(bucket), as: caller)
        return Self.json(Self.listing(page, showsKeys: query.foldsFolders))
    }

    private static func listing(_ page: ObjectPage, showsKeys: Bool) -> String {
        JSONWriter.object { writer in
            writer.field("hasNext", page.next != nil)
            if let next = page.next {
                writer.field("nextCursor", ListCursorText.write(next))
                writer.field("nextCursorKey", next.name)
            }
            writer.key("folders")
            writer.array(page.entries.filter(\.isFolder)) { $1.write(to: &$0, showsKey: true) }
            writer.key("objects")
            writer.array(page.entries.filter { !$0.isFolder }) { $1.write(to: &$0, showsKey: showsKeys) }
        }
    }
}

extension ListEntry {
    fileprivate func write(to writer: inout JSONWriter, showsKey: Bool) {
        writer.object { writer in
            if showsKey { writer.field("key", name.split(separator: "/").last.map(String.init) ?? "") }
            writer.field("name", name)
            writer.field("id", id?.rawValue)
            writer.field("updated_at", updatedAt)
            writer.field("created_at", createdAt)
            writer.field("last_accessed_at", lastAccessedAt)
            writer.field("metadata", metadata)
        }
    }
}

/// The cursor of the second listing as text: base64 of lines `l:` name, `o:` order, `c:` column, `a:` time.
enum ListCursorText {
    static func write(_ cursor: ListQuery.Cursor) -> String {
        var lines = "l:\(cursor.name)\no:\(cursor.order.rawValue)\nc:\(cursor.sortColumn.rawValue)"
        if let milliseconds = cursor.milliseconds { lines += "\na:\(Timestamp(microseconds: milliseconds * 1000).iso8601)" }
        return Base64URL.encode(lines.utf8)
    }

    /// - Throws: `StorageError` with code `.invalidParameter`.
    static func parse(_ text: String) throws(StorageError) -> ListQuery.Cursor {
        let unpadded = text.prefix { $0 != "=" }.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }
        guard text.utf8.count <= 8192, let bytes = Base64URL.decode(String(unpadded)),
            let lines = String(validating: bytes, as: UTF8.self), lines.hasPrefix("l:")
        else { throw invalid }
        // A key may hold line breaks: the other fields are taken from the end.
        var rest = lines.dropFirst(2)
        var fields: [Substring: Substring] = [:]
        while let line = rest.lastIndex(of: "\n"), let colon = rest[line...].firstIndex(of: ":"), fields.count < 3 {
            let name = rest[rest.index(after: line)..<colon]
            guard ["o", "c", "a"].contains(name), fields[name] == nil else { break }
            fields[name] = rest[rest.index(after: colon)...]
            rest = rest[..<line]
        }
        let order = fields["o"].map { SortOrder(rawValue: String($0)) } ?? .ascending
        let column = fields["c"].map { ListQuery.Column(rawValue: String($0)) } ?? .name
        let time = fields["a"].map { Timestamp(iso8601: String($0)) }
        guard let order, let column, time != .some(nil), !rest.utf8.contains(0), (column == .name) == (time == nil) else {
            throw invalid
        }
        return ListQuery.Cursor(name: String(rest), sortColumn: column, order: order, milliseconds: time??.milliseconds)
    }

    private static var invalid: StorageError { StorageError(.invalidParameter, "Invalid parameter: cursor", resource: "cursor") }
}
