// SPDX-License-Identifier: Apache-2.0

/// The key of an object inside its bucket: any UTF-8 text without NUL, of 1 to 1024 bytes, ordered by its bytes as S3 lists.
///
/// Keys never become paths on a disk, so `..` is harmless here; dialects that promise a narrower alphabet say so with
/// `KeyAlphabet` when an object is written.
public struct ObjectKey: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: String

    /// The longest key, in UTF-8 bytes (the limit of Amazon S3).
    public static let maxBytes = 1024

    /// - Throws: `StorageError` with code `.invalidKey`.
    public init(_ string: String) throws(StorageError) {
        let bytes = string.utf8
        guard !bytes.isEmpty, bytes.count <= Self.maxBytes, !bytes.contains(0) else {
            throw ObjectKey.invalid(string)
        }
        self.rawValue = string
    }

    /// A key read from the database.
    public init(stored string: String) { self.rawValue = string }

    static func invalid(_ string: String) -> StorageError {
        StorageError(.invalidKey, "Invalid key: \(string.prefix(ObjectKey.maxBytes))", resource: String(string.prefix(128)))
    }

    public var description: String { rawValue }

    // By bytes, as the database compares: to `String` a composed and a decomposed é are the same, to users they are two objects.
    public static func == (a: ObjectKey, b: ObjectKey) -> Bool { a.rawValue.utf8.elementsEqual(b.rawValue.utf8) }
    public func hash(into hasher: inout Hasher) { hasher.combine(utf8: rawValue) }

    public static func < (a: ObjectKey, b: ObjectKey) -> Bool { a.rawValue.utf8.lexicographicallyPrecedes(b.rawValue.utf8) }
}

extension Hasher {
    /// Hashes text by its bytes, for types that compare it so.
    mutating func combine(utf8 text: String) {
        var text = text
        text.withUTF8 { combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

/// A bucket and a key: where an object is found.
public struct ObjectAddress: Hashable, Sendable, CustomStringConvertible {
    public var bucket: BucketID
    public var key: ObjectKey

    public init(bucket: BucketID, key: ObjectKey) {
        self.bucket = bucket
        self.key = key
    }

    /// `bucket/key`, the form that signed tokens carry.
    public var description: String { "\(bucket.rawValue)/\(key.rawValue)" }

    /// Whether `text` is this address and no other, byte by byte.
    func isWritten(_ text: String?) -> Bool {
        bucket.isOneSegment && text.map { $0.utf8.elementsEqual(description.utf8) } ?? false
    }
}

/// Which characters a dialect lets into new keys.
public enum KeyAlphabet: Sendable {
    /// ASCII letters, digits and `_/!.*'() &$=@;:+,?-`, without `.` and `..` segments: what Supabase Storage promises.
    case portable
    /// Any UTF-8 text: what S3 promises.
    case utf8

    /// - Throws: `StorageError` with code `.invalidKey` when `key` has a character outside this alphabet.
    public func require(_ key: ObjectKey) throws(StorageError) {
        guard allows(key) else { throw ObjectKey.invalid(key.rawValue) }
    }

    /// Whether every character of `key` belongs to this alphabet.
    public func allows(_ key: ObjectKey) -> Bool {
        switch self {
        case .utf8: return true
        case .portable:
            return key.rawValue.utf8.allSatisfy(contains)
                && !key.rawValue.split(separator: "/").contains { $0 == "." || $0 == ".." }
        }
    }

    func contains(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: Self.punctuation.contains(byte)
        }
    }

    private static let punctuation = Set("_/!.*'() &$=@;:+,?-".utf8)
}
