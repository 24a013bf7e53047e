// SPDX-License-Identifier: Apache-2.0

public import NIOCore

/// The key of a blob in a backend: ASCII letters, digits and `/-_.`, never made from a user's key on managed disk.
public struct BlobKey: Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String
    public init(_ rawValue: String) { self.rawValue = rawValue }
    public var description: String { rawValue }
}

/// The id of a configured place for blobs.
public struct BackendID: Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String
    public init(_ rawValue: String) { self.rawValue = rawValue }
    public var description: String { rawValue }

    /// The server's own disk.
    public static let managed = BackendID("managed")
}

/// Where the bytes of one version are, and what they are known to be: a row of `magpie.blobs`.
public struct BlobLocation: Hashable, Sendable {
    public var backend: BackendID
    public var key: BlobKey
    /// In bytes.
    public var size: Int64
    /// In lower-case hex. Nil when it was never computed (an adopted or multipart blob).
    public var md5: String?
    /// Further digests of the whole, in base64 by the names of their algorithms (`CRC64NVME`).
    public var checksums: [String: String]

    /// Nil for bytes that came in one piece.
    public var parts: PartLayout?

    public init(
        backend: BackendID, key: BlobKey, size: Int64, md5: String?, checksums: [String: String] = [:], parts: PartLayout? = nil
    ) {
        self.backend = backend
        self.key = key
        self.size = size
        self.md5 = md5
        self.checksums = checksums
        self.parts = parts
    }
}

/// What a backend says of a blob.
public struct BlobInfo: Hashable, Sendable {
    public var key: BlobKey
    /// In bytes.
    public var size: Int64
    public var modifiedAt: Timestamp

    public init(key: BlobKey, size: Int64, modifiedAt: Timestamp) {
        self.key = key
        self.size = size
        self.modifiedAt = modifiedAt
    }
}

/// A page of a backend's blobs, in byte order of their keys.
public struct BlobPage: Sendable {
    public var blobs: [BlobInfo]
    /// Pass it as `after` for the next page. Nil on the last.
    public var cursor: String?

    public init(blobs: [BlobInfo], cursor: String?) {
        self.blobs = blobs
        self.cursor = cursor
    }
}

/// The bytes of a blob, or of a range of it, opened for reading.
public struct BlobContent: Sendable {
    /// How the bytes can be had. A file can be sent by the kernel; everything else is pulled.
    public enum Source: Sendable {
        case buffer(ByteBuffer)
        case file(any BlobFile)
        case stream(ByteStream)
    }

    public var source: Source
    /// Of the whole blob, in bytes.
    public var size: Int64
    /// The part of the blob that `source` holds.
    public var range: Range<Int64>

    public init(source: Source, size: Int64, range: Range<Int64>) {
        self.source = source
        self.size = size
        self.range = range
    }
}

/// An open file that holds a blob. The descriptor stays valid while this value is referenced, also after the blob was
/// deleted, and is closed with the last reference.
public protocol BlobFile: AnyObject, Sendable {
    /// The descriptor, open for reading. Read with `pread` or `sendfile` only: its offset is shared.
    var descriptor: CInt { get }

    /// The bytes of `range`, read chunk by chunk off the cooperative pool.
    func stream(_ range: Range<Int64>) -> ByteStream
}

extension BlobContent {
    /// The bytes as a stream, whatever their source.
    public func stream() -> ByteStream {
        switch source {
        case .buffer(let buffer): ByteStream(buffer)
        case .file(let file): file.stream(range)
        case .stream(let stream): stream
        }
    }
}
