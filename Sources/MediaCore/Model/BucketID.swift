// SPDX-License-Identifier: Apache-2.0

/// The id of a bucket, as it stands in paths and in `storage.buckets.id`.
public struct BucketID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: String

    /// The longest name a bucket may have, in characters.
    public static let maxLength = 100

    /// The name of a bucket to be made.
    ///
    /// 1 to 100 characters of ASCII letters, digits and `_!.*'() &$=@;:+,?-`, without white space at either end and
    /// without the reserved ending `--table-s3` (Supabase Storage's rule).
    /// - Throws: `StorageError` with code `.invalidBucketName`.
    public init(naming string: String) throws(StorageError) {
        let bytes = string.utf8
        guard !bytes.isEmpty, bytes.count <= Self.maxLength,
            bytes.allSatisfy({ KeyAlphabet.portable.contains($0) && $0 != UInt8(ascii: "/") }),
            bytes.first != UInt8(ascii: " "), bytes.last != UInt8(ascii: " "),
            !string.hasSuffix("--table-s3")
        else { throw StorageError(.invalidBucketName, "Bucket name invalid", resource: String(string.prefix(128))) }
        self.rawValue = string
    }

    /// The name of a bucket that may exist, from a request. Old databases hold names that `init(naming:)` refuses today.
    /// - Throws: `StorageError` with code `.bucketNotFound` for text no database row can hold.
    public init(existing string: String) throws(StorageError) {
        guard !string.isEmpty, string.utf8.count <= 1024, !string.utf8.contains(0) else {
            throw StorageError(.bucketNotFound, "Bucket not found", resource: String(string.prefix(128)))
        }
        self.rawValue = string
    }

    /// A name read from the database.
    public init(stored string: String) { self.rawValue = string }

    /// Whether `bucket/key` names objects of this bucket alone. A bucket that was not made here may have a `/` in its id, and
    /// then `a/b/c` is `b/c` in `a` and also `c` in `a/b`.
    var isOneSegment: Bool { !rawValue.utf8.contains(UInt8(ascii: "/")) }

    public var description: String { rawValue }

    // By bytes, as the database compares.
    public static func == (a: BucketID, b: BucketID) -> Bool { a.rawValue.utf8.elementsEqual(b.rawValue.utf8) }
    public func hash(into hasher: inout Hasher) { hasher.combine(utf8: rawValue) }

    public static func < (a: BucketID, b: BucketID) -> Bool { a.rawValue.utf8.lexicographicallyPrecedes(b.rawValue.utf8) }
}
