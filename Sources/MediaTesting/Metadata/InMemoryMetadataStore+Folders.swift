// SPDX-License-Identifier: Apache-2.0

public import MediaCore
import Synchronization

extension InMemoryMetadataStore {
    /// The most entries that `folder` returns.
    static let folderCap = 1500

    public func folder(_ query: FolderQuery, in bucket: BucketID, as caller: Caller) async throws -> [ListEntry] {
        let visible = try transaction(as: caller) { state, security in
            state.objects.values.filter { $0.address.bucket == bucket && security.sees($0) }
        }
        let limit = max(0, min(query.limit, Self.folderCap))
        return FolderLevel(query: query, records: visible).entries.dropFirst(max(0, query.offset)).prefix(limit).map(\.entry)
    }
}

/// One level of a bucket: what lies directly below `prefix + search`, whatever its case.
private struct FolderLevel {
    struct Row {
        var entry: ListEntry
        /// The lower-cased full name; a folder's ends in `/`.
        var sortName: String
    }

    let entries: [Row]

    init(query: FolderQuery, records: [ObjectRecord]) {
        let wanted = ListingOrder.folded(query.prefix + query.search)
        let shown = query.prefix.unicodeScalars.count
        var folders: [String: Row] = [:]
        var files: [Row] = []
        let matching =
            records
            .map { (record: $0, folded: ListingOrder.folded($0.address.key.rawValue)) }
            .filter { $0.folded.starts(with: wanted) }
            .sorted { ListingOrder.precedes(ListingOrder.text($0.folded), ListingOrder.text($1.folded)) }

        for (record, folded) in query.order == .ascending ? matching : matching.reversed() {
            let name = Array(record.address.key.rawValue.unicodeScalars)
            guard let slash = name[wanted.count...].firstIndex(of: "/") else {
                files.append(Row(entry: Self.file(record, named: name[shown...]), sortName: ListingOrder.text(folded)))
                continue
            }
            // Folders that differ only in case are one, under the spelling met first.
            let sortName = ListingOrder.text(folded[...slash])
            if folders[sortName] == nil {
                let entry = ListEntry(name: ListingOrder.text(name[min(shown, slash)..<slash]), id: nil)
                folders[sortName] = Row(entry: entry, sortName: sortName)
            }
        }
        entries = Self.sorted(folders: Array(folders.values), files: files, by: query)
    }

    private static func file(_ record: ObjectRecord, named name: ArraySlice<Unicode.Scalar>) -> ListEntry {
        ListEntry(
            name: ListingOrder.text(name), id: record.id, metadata: record.metadata, createdAt: record.createdAt,
            updatedAt: record.updatedAt, lastAccessedAt: record.lastAccessedAt)
    }

    /// By name, folders and files mixed; by a time, folders first in the order of their names.
    private static func sorted(folders: [Row], files: [Row], by query: FolderQuery) -> [Row] {
        let ascending = query.order == .ascending
        func byName(_ a: Row, _ b: Row) -> Bool {
            ascending ? ListingOrder.precedes(a.sortName, b.sortName) : ListingOrder.precedes(b.sortName, a.sortName)
        }
        guard query.sortColumn != .name else { return (folders + files).sorted(by: byName) }
        func time(_ row: Row) -> Timestamp? {
            switch query.sortColumn {
            case .updatedAt: row.entry.updatedAt
            case .createdAt: row.entry.createdAt
            case .lastAccessedAt, .name: row.entry.lastAccessedAt
            }
        }
        let ordered = files.sorted { a, b in
            guard time(a) != time(b) else { return byName(a, b) }
            return ascending ? ListingOrder.precedes(time(a), time(b)) : ListingOrder.precedes(time(b), time(a))
        }
        return folders.sorted(by: byName) + ordered
    }
}
