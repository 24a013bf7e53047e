// SPDX-License-Identifier: Apache-2.0

public import MediaCore
import Synchronization

extension InMemoryMetadataStore {
    /// The most entries of one page of `objects(matching:in:as:)`.
    static let pageCap = 1000

    public func objects(matching query: ListQuery, in bucket: BucketID, as caller: Caller) async throws -> ObjectPage {
        let visible = try transaction(as: caller) { state, security in
            state.objects.values.filter {
                $0.address.bucket == bucket && $0.address.key.rawValue.utf8.starts(with: query.prefix.utf8) && security.sees($0)
            }
        }
        let listing = FlatListing(query: query)
        let limit = max(0, min(query.limit, Self.pageCap))
        let following = listing.entries(of: visible).filter(listing.followsCursor).sorted(by: listing.precedes)
        let page = Array(following.prefix(limit))
        let next = following.count > page.count ? page.last.map(listing.cursor) ?? query.after : nil
        return ObjectPage(entries: page, next: next)
    }
}

/// The order of a listing and the place where a page begins. A cursor brings its own order.
private struct FlatListing {
    let query: ListQuery
    let column: ListQuery.Column
    let order: SortOrder

    init(query: ListQuery) {
        self.query = query
        self.column = query.after?.sortColumn ?? query.sortColumn
        self.order = query.after?.order ?? query.order
    }

    func entries(of records: [ObjectRecord]) -> [ListEntry] {
        var folders: [String: ListEntry] = [:]
        var entries: [ListEntry] = []
        for record in records {
            if query.foldsFolders, let name = folderName(of: record.address.key) {
                folders[name] = merged(folders[name], with: record, named: name)
                continue
            }
            entries.append(
                ListEntry(
                    name: record.address.key.rawValue, id: record.id, metadata: record.metadata, createdAt: record.createdAt,
                    updatedAt: record.updatedAt, lastAccessedAt: record.lastAccessedAt))
        }
        return entries + folders.values
    }

    /// The name up to and with the first `/` after the prefix.
    private func folderName(of key: ObjectKey) -> String? {
        let name = key.rawValue
        let start = name.utf8.index(name.utf8.startIndex, offsetBy: query.prefix.utf8.count)
        guard let slash = name.utf8[start...].firstIndex(of: UInt8(ascii: "/")) else { return nil }
        return String(name[...slash])
    }

    /// A folder listed by time is as old as the oldest object below it.
    private func merged(_ folder: ListEntry?, with record: ObjectRecord, named name: String) -> ListEntry {
        var entry = folder ?? ListEntry(name: name, id: nil)
        guard column != .name else { return entry }
        if folder == nil || ListingOrder.precedes(record.createdAt, entry.createdAt) { entry.createdAt = record.createdAt }
        return entry
    }

    /// What is compared before the name. NULL sorts last, as in Postgres.
    private func milliseconds(_ entry: ListEntry) -> Int64 {
        switch column {
        case .name: 0
        case .createdAt: entry.createdAt?.milliseconds ?? .max
        case .updatedAt: (entry.isFolder ? entry.createdAt : entry.updatedAt)?.milliseconds ?? .max
        }
    }

    func precedes(_ a: ListEntry, _ b: ListEntry) -> Bool {
        precedes((milliseconds(a), a.name), (milliseconds(b), b.name))
    }

    func followsCursor(_ entry: ListEntry) -> Bool {
        guard let cursor = query.after else { return true }
        let place = column == .name ? 0 : cursor.milliseconds ?? .max
        return precedes((place, cursor.name), (milliseconds(entry), entry.name))
    }

    func cursor(_ entry: ListEntry) -> ListQuery.Cursor {
        let time = milliseconds(entry)
        return ListQuery.Cursor(
            name: entry.name, sortColumn: column, order: order,
            milliseconds: column == .name || time == .max ? nil : time)
    }

    private func precedes(_ a: (Int64, String), _ b: (Int64, String)) -> Bool {
        let (first, second) = order == .ascending ? (a, b) : (b, a)
        return first.0 != second.0 ? first.0 < second.0 : ListingOrder.precedes(first.1, second.1)
    }
}
