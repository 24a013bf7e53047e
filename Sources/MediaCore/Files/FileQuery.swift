// SPDX-License-Identifier: Apache-2.0

/// Which files of a project are wanted. All that is set must hold.
public struct FileQuery: Hashable, Sendable {
    public static let maxLimit = 100

    /// From 1 on.
    public var page: Int
    /// How many at the most, 1...`maxLimit`.
    public var limit: Int
    public var order: FileOrder
    public var visibility: FileVisibility?
    public var ownerKind: FileOwnerKind?
    public var ownerSubject: String?
    public var label: FileLabel?
    public var mediaType: MediaTypeFilter?
    /// A part of the name, whatever its case.
    public var search: String?

    public init(
        page: Int = 1, limit: Int = 20, order: FileOrder = FileOrder(), visibility: FileVisibility? = nil,
        ownerKind: FileOwnerKind? = nil, ownerSubject: String? = nil, label: FileLabel? = nil,
        mediaType: MediaTypeFilter? = nil, search: String? = nil
    ) {
        self.page = max(page, 1)
        self.limit = min(max(limit, 1), Self.maxLimit)
        self.order = order
        self.visibility = visibility
        self.ownerKind = ownerKind
        self.ownerSubject = ownerSubject
        self.label = label
        self.mediaType = mediaType
        self.search = search.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// How many files are before the page.
    public var offset: Int { (page - 1).multipliedReportingOverflow(by: limit).overflow ? .max : (page - 1) * limit }

    /// Of media types.
    public enum MediaTypeFilter: Hashable, Sendable {
        /// This very one.
        case exactly(String)
        /// All of a kind, as `image` for `image/*`.
        case kind(String)

        /// `image/png`, or `image/*`; in letters of any case.
        public init(_ text: String) {
            let folded = text.lowercased()
            self = folded.hasSuffix("/*") ? .kind(String(folded.dropLast(2))) : .exactly(folded)
        }
    }
}

/// By what a list is sorted. Of files that are alike in that the ids decide, in the same direction.
public struct FileOrder: Hashable, Sendable {
    public enum Field: String, Hashable, Sendable, CaseIterable {
        case createdAt, updatedAt, originalName, size, mimeType, visibility, id
    }

    public var field: Field
    public var isAscending: Bool

    public init(_ field: Field = .createdAt, isAscending: Bool = false) {
        self.field = field
        self.isAscending = isAscending
    }
}

/// A page of files, and how many there are on all pages.
public struct FilePage: Hashable, Sendable {
    public var files: [FileView]
    public var total: FileTotal
    public var page: Int
    public var limit: Int
    /// Whether there are files behind this page.
    public var hasNextPage: Bool

    public init(files: [FileView], total: FileTotal, page: Int, limit: Int, hasNextPage: Bool) {
        self.files = files
        self.total = total
        self.page = page
        self.limit = limit
        self.hasNextPage = hasNextPage
    }

    public var totalPages: Int { total.count == 0 ? 0 : (total.count - 1) / limit + 1 }
    public var hasPreviousPage: Bool { page > 1 }
}

/// How many files match.
public struct FileTotal: Hashable, Sendable {
    public var count: Int
    /// Otherwise there are at least so many, and about so many.
    public var isExact: Bool

    public init(_ count: Int, isExact: Bool = true) {
        self.count = count
        self.isExact = isExact
    }

    /// So far files are counted one by one where nothing else tells how many there are.
    public static let countLimit = 10_000
}

/// Rows of files as the database found them.
public struct FoundFiles: Hashable, Sendable {
    public var files: [FileRecord]
    public var total: FileTotal
    /// Whether there are files behind these.
    public var hasMore: Bool

    public init(files: [FileRecord], total: FileTotal, hasMore: Bool) {
        self.files = files
        self.total = total
        self.hasMore = hasMore
    }
}

/// How many files there are, and how large they are together.
public struct FileCount: Hashable, Sendable {
    public var files: Int64
    /// In bytes.
    public var bytes: Int64

    public init(files: Int64 = 0, bytes: Int64 = 0) {
        self.files = files
        self.bytes = bytes
    }

    public static func + (a: FileCount, b: FileCount) -> FileCount {
        FileCount(files: a.files + b.files, bytes: a.bytes + b.bytes)
    }
}

/// What a project's files add up to: all of them to who acts for the project, their own to anybody else.
public struct FileStatistics: Hashable, Sendable {
    public var byVisibility: [FileVisibility: FileCount]
    public var byLabel: [FileLabel: FileCount]

    public init(byVisibility: [FileVisibility: FileCount] = [:], byLabel: [FileLabel: FileCount] = [:]) {
        self.byVisibility = byVisibility
        self.byLabel = byLabel
    }

    public var total: FileCount { byVisibility.values.reduce(FileCount(), +) }
}
