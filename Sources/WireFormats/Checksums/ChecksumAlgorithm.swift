// SPDX-License-Identifier: Apache-2.0

/// A digest that an S3 client may send with a body.
public enum ChecksumAlgorithm: CaseIterable, Hashable, Sendable {
    case crc32, crc32c, crc64nvme, sha1, sha256
    /// Only as `Content-MD5`, RFC 1864, and inside ETags.
    case md5

    /// As in `x-amz-checksum-algorithm` and in documents: `CRC32`.
    public var name: String {
        switch self {
        case .crc32: "CRC32"
        case .crc32c: "CRC32C"
        case .crc64nvme: "CRC64NVME"
        case .sha1: "SHA1"
        case .sha256: "SHA256"
        case .md5: "MD5"
        }
    }

    /// The field that carries the digest, in base64: `x-amz-checksum-crc32`, or `content-md5`.
    public var fieldName: String {
        self == .md5 ? "content-md5" : "x-amz-checksum-" + name.lowercased()
    }

    /// The size of the digest.
    public var byteCount: Int {
        switch self {
        case .crc32, .crc32c: 4
        case .crc64nvme: 8
        case .md5: 16
        case .sha1: 20
        case .sha256: 32
        }
    }

    /// Whether the digest of a whole follows from those of its parts: S3's checksum type FULL_OBJECT.
    public var isCombinable: Bool { CRC(self) != nil }

    /// - Parameter name: The value of `x-amz-checksum-algorithm` or `x-amz-sdk-checksum-algorithm`, in any case.
    public init?(name: String) {
        guard let algorithm = Self.allCases.first(where: { $0.name == name.uppercased() }) else { return nil }
        self = algorithm
    }

    /// - Parameter fieldName: In lower case.
    public init?(fieldName: String) {
        guard let algorithm = Self.allCases.first(where: { $0.fieldName == fieldName }) else { return nil }
        self = algorithm
    }
}
