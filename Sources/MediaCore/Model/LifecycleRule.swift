// SPDX-License-Identifier: Apache-2.0

/// What goes by itself with time (the lifecycle configuration of S3).
public struct LifecycleRule: Hashable, Sendable, Codable {
    /// How many rules a bucket may have.
    public static let maxRules = 1000
    /// The longest id, in characters.
    public static let maxIDLength = 255

    /// When current objects go.
    public enum Expiration: Hashable, Sendable, Codable {
        /// So many days after their last change.
        case days(Int)
        /// All of them from this moment on, in seconds since 1970.
        case date(Int64)
        /// Never, but a delete marker goes once it is all that is left of its key.
        case deleteMarkers
    }

    /// When what is no longer current goes.
    public struct NoncurrentExpiration: Hashable, Sendable, Codable {
        /// After the version was superseded.
        public var days: Int
        /// How many of the newest ones stay all the same.
        public var kept: Int

        public init(days: Int, kept: Int = 0) {
            self.days = days
            self.kept = kept
        }
    }

    /// Which objects a rule is about: those that everything given holds of.
    public struct Filter: Hashable, Sendable, Codable {
        public var prefix: String
        /// By name.
        public var tags: [String: String]
        /// In bytes, the bound itself left out.
        public var largerThan: Int64?
        /// In bytes, the bound itself left out.
        public var smallerThan: Int64?
        /// How the client wrote it, and wants to read it. Nil: as a filter.
        public var form: Form?

        /// Forms older than filters.
        public enum Form: String, Hashable, Sendable, Codable {
            /// A prefix beside the actions.
            case prefix
        }

        public init(
            prefix: String = "", tags: [String: String] = [:], largerThan: Int64? = nil, smallerThan: Int64? = nil,
            form: Form? = nil
        ) {
            self.prefix = prefix
            self.tags = tags
            self.largerThan = largerThan
            self.smallerThan = smallerThan
            self.form = form
        }
    }

    public var id: String
    public var isEnabled: Bool
    public var filter: Filter
    public var expiration: Expiration?
    public var noncurrent: NoncurrentExpiration?
    /// Days after which an upload in parts that nobody completed is given up.
    public var abortIncompleteAfter: Int?

    public init(
        id: String, isEnabled: Bool = true, filter: Filter = Filter(), expiration: Expiration? = nil,
        noncurrent: NoncurrentExpiration? = nil, abortIncompleteAfter: Int? = nil
    ) {
        self.id = id
        self.isEnabled = isEnabled
        self.filter = filter
        self.expiration = expiration
        self.noncurrent = noncurrent
        self.abortIncompleteAfter = abortIncompleteAfter
    }

    /// Whether the rules can be stored together.
    /// - Throws: `StorageError` with code `.invalidRequest` that says which rule is wrong.
    public static func check(_ rules: [LifecycleRule]) throws(StorageError) {
        guard rules.count <= maxRules else {
            throw StorageError(.invalidRequest, "There can be no more than \(maxRules) lifecycle rules")
        }
        guard Set(rules.map(\.id)).count == rules.count else {
            throw StorageError(.invalidRequest, "Two lifecycle rules have the same id")
        }
        for rule in rules { try rule.check() }
    }

    private func check() throws(StorageError) {
        func require(_ isGood: Bool, _ what: String) throws(StorageError) {
            if !isGood { throw StorageError(.invalidRequest, what, resource: String(id.prefix(Self.maxIDLength))) }
        }
        try require(id.unicodeScalars.count <= Self.maxIDLength, "The id of a lifecycle rule is too long")
        try require(
            expiration != nil || noncurrent != nil || abortIncompleteAfter != nil, "A lifecycle rule needs an action")
        if case .days(let days) = expiration { try require(days > 0, "Days of a lifecycle rule must be 1 or more") }
        if let noncurrent {
            try require(noncurrent.days > 0 && noncurrent.kept >= 0, "Days of a lifecycle rule must be 1 or more")
        }
        if let abortIncompleteAfter {
            try require(abortIncompleteAfter > 0, "Days of a lifecycle rule must be 1 or more")
            try require(
                filter.tags.isEmpty && filter.largerThan == nil && filter.smallerThan == nil,
                "Uploads in parts have no tags and no size yet to be filtered by")
        }
        if let large = filter.largerThan, let small = filter.smallerThan {
            try require(large < small, "No size is within the bounds of the lifecycle rule")
        }
        if expiration == .deleteMarkers {
            try require(filter.tags.isEmpty, "Delete markers have no tags to be filtered by")
        }
    }
}
