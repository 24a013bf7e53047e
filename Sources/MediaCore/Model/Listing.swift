// SPDX-License-Identifier: Apache-2.0

/// One level below a prefix, as Supabase's first listing shows it (`storage.search`).
public struct FolderQuery: Hashable, Sendable {
    public enum Column: String, Sendable, CaseIterable {
        case name
        case updatedAt = "updated_at"
        case createdAt = "created_at"
        case lastAccessedAt = "last_accessed_at"
    }

    public var prefix: String
    public var limit: Int
    public var offset: Int
    public var sortColumn: Column
    public var order: SortOrder
    /// A further prefix below `prefix`; it may contain `/`.
    public var search: String

    public init(
        prefix: String, limit: Int = 100, offset: Int = 0, sortColumn: Column = .name, order: SortOrder = .ascending,
        search: String = ""
    ) {
        self.prefix = prefix
        self.limit = limit
        self.offset = offset
        self.sortColumn = sortColumn
        self.order = order
        self.search = search
    }
}

/// All keys below a literal prefix, page by page, with or without folding at `/`.
public struct ListQuery: Hashable, Sendable {
    public enum Column: String, Sendable, CaseIterable {
        case name
        case createdAt = "created_at"
        case updatedAt = "updated_at"
    }

    /// Where a page ended: the next one starts after it.
    public struct Cursor: Hashable, Sendable {
        /// The full key, or the full prefix of a folder with its `/`.
        public var name: String
        public var sortColumn: Column
        public var order: SortOrder
        /// The sort value of the last entry, in whole milliseconds, when sorted by a time.
        public var milliseconds: Int64?

        public init(name: String, sortColumn: Column, order: SortOrder, milliseconds: Int64?) {
            self.name = name
            self.sortColumn = sortColumn
            self.order = order
            self.milliseconds = milliseconds
        }
    }

    public var prefix: String
    public var foldsFolders: Bool
    public var limit: Int
    public var sortColumn: Column
    public var order: SortOrder
    public var after: Cursor?

    public init(
        prefix: String = "", foldsFolders: Bool = false, limit: Int = 1000, sortColumn: Column = .name,
        order: SortOrder = .ascending, after: Cursor? = nil
    ) {
        self.prefix = prefix
        self.foldsFolders = foldsFolders
        self.limit = limit
        self.sortColumn = sortColumn
        self.order = order
        self.after = after
    }
}

/// An object or a folder in a listing. A folder has a name and no id.
public struct ListEntry: Hashable, Sendable {
    /// `FolderQuery`: relative to the prefix, folders without `/`. `ListQuery`: the full key, folders with `/`.
    public var name: String
    public var id: ObjectID?
    public var metadata: JSONText?
    /// For a folder in a listing by time: the oldest creation below it. Otherwise nil on folders.
    public var createdAt: Timestamp?
    public var updatedAt: Timestamp?
    public var lastAccessedAt: Timestamp?

    public init(
        name: String, id: ObjectID?, metadata: JSONText? = nil, createdAt: Timestamp? = nil, updatedAt: Timestamp? = nil,
        lastAccessedAt: Timestamp? = nil
    ) {
        self.name = name
        self.id = id
        self.metadata = metadata
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.lastAccessedAt = lastAccessedAt
    }

    public var isFolder: Bool { id == nil }
}

/// One page of a listing and where the next begins. `next` is nil on the last page.
public struct ObjectPage: Hashable, Sendable {
    public var entries: [ListEntry]
    public var next: ListQuery.Cursor?

    public init(entries: [ListEntry], next: ListQuery.Cursor?) {
        self.entries = entries
        self.next = next
    }
}
