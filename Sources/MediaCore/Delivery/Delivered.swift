// SPDX-License-Identifier: Apache-2.0

/// What a download yields: the object as it was when its bytes were opened, and those bytes.
public struct Delivered: Sendable {
    /// "Not modified" and "partial" are outcomes, not errors.
    public enum Outcome: Sendable {
        case full(BlobContent)
        /// The range is resolved against the object's size.
        case partial(BlobContent, Range<Int64>)
        case notModified
    }

    public var object: ReadableObject
    /// The parsed `metadata` column.
    public var details: ObjectMetadata
    public var outcome: Outcome
    /// What the cache holds of just this: for front-ends that keep a ready answer. Nil when the object is not kept.
    public var cached: CachedObject?

    public init(object: ReadableObject, details: ObjectMetadata, outcome: Outcome, cached: CachedObject? = nil) {
        self.object = object
        self.details = details
        self.outcome = outcome
        self.cached = cached
    }
}

/// Under which conditions a reader wants bytes at all. RFC 9110 §13.1.
public struct Preconditions: Hashable, Sendable {
    /// The raw field value of `If-None-Match`: `*` or a list of entity tags.
    public var ifNoneMatch: String?
    public var ifModifiedSince: Timestamp?
    /// The raw field value of `If-Range`: the range counts only while the object is still the one named.
    public var ifRange: String?
    /// The raw field value of `If-Match`. An object that it does not name is not read at all.
    public var ifMatch: String?
    public var ifUnmodifiedSince: Timestamp?

    public init(
        ifNoneMatch: String? = nil, ifModifiedSince: Timestamp? = nil, ifRange: String? = nil, ifMatch: String? = nil,
        ifUnmodifiedSince: Timestamp? = nil
    ) {
        self.ifNoneMatch = ifNoneMatch
        self.ifModifiedSince = ifModifiedSince
        self.ifRange = ifRange
        self.ifMatch = ifMatch
        self.ifUnmodifiedSince = ifUnmodifiedSince
    }

    public static let none = Preconditions()
}
