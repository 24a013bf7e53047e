// SPDX-License-Identifier: Apache-2.0

/// The number of a part: 1 to 10,000, as S3 counts.
public struct PartNumber: Hashable, Comparable, Sendable {
    public let rawValue: Int

    /// - Throws: `StorageError` with code `.invalidParameter`.
    public init(_ rawValue: Int) throws(StorageError) {
        guard (1...10_000).contains(rawValue) else {
            throw StorageError(.invalidParameter, "Part number must be between 1 and 10000", resource: "partNumber")
        }
        self.rawValue = rawValue
    }

    public static func < (a: PartNumber, b: PartNumber) -> Bool { a.rawValue < b.rawValue }
}

/// A multipart write under way in a backend.
public struct MultipartID: Hashable, Sendable {
    public let rawValue: String
    public init(_ rawValue: String) { self.rawValue = rawValue }
}

/// A multipart write that a backend has and that may be nobody's.
public struct UnfinishedMultipart: Hashable, Sendable {
    public var id: MultipartID
    /// What it was to become. Nil where the backend needs no key to give it up.
    public var key: BlobKey?

    public init(id: MultipartID, key: BlobKey?) {
        self.id = id
        self.key = key
    }
}

/// A part whose bytes are durable.
public struct BlobPart: Hashable, Sendable {
    public var number: PartNumber
    /// In bytes.
    public var size: Int64
    /// What the backend calls the part: an ETag, a block id. Opaque above the backend.
    public var tag: String

    public init(number: PartNumber, size: Int64, tag: String) {
        self.number = number
        self.size = size
        self.tag = tag
    }
}
