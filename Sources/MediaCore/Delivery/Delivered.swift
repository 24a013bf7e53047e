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

    public init(object: ReadableObject, details: ObjectMetadata, outcome: Outcome) {
        self.object = object
        self.details = details
        self.outcome = outcome
    }
}

/// Under which conditions a reader wants bytes at all. RFC 9110 §13.1.
public struct Preconditions: Hashable, Sendable {
    /// The raw field value of `If-Match`: `*` or a list of entity tags, one of which must be the object's.
    public var ifMatch: String?
    /// Counts where `ifMatch` is not given.
    public var ifUnmodifiedSince: Timestamp?
    /// The raw field value of `If-None-Match`: `*` or a list of entity tags.
    public var ifNoneMatch: String?
    /// Counts where `ifNoneMatch` is not given.
    public var ifModifiedSince: Timestamp?
    /// The raw field value of `If-Range`: the range counts only while the object is still the one named.
    public var ifRange: String?

    public init(
        ifMatch: String? = nil, ifUnmodifiedSince: Timestamp? = nil, ifNoneMatch: String? = nil,
        ifModifiedSince: Timestamp? = nil,
        ifRange: String? = nil
    ) {
        self.ifMatch = ifMatch
        self.ifUnmodifiedSince = ifUnmodifiedSince
        self.ifNoneMatch = ifNoneMatch
        self.ifModifiedSince = ifModifiedSince
        self.ifRange = ifRange
    }

    public static let none = Preconditions()
}
