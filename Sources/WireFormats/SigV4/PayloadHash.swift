// SPDX-License-Identifier: Apache-2.0

/// What `x-amz-content-sha256` says of a body.
public enum PayloadHash: Hashable, Sendable {
    /// The body has this SHA-256. Whoever reads it compares: 400 `XAmzContentSHA256Mismatch`.
    case digest(ChecksumValue)
    case unsigned
    /// aws-chunked, each chunk with a signature.
    case signedChunks
    /// aws-chunked, each chunk with a signature and the trailer too.
    case signedChunksAndTrailer
    /// aws-chunked with a trailer, without signatures.
    case unsignedChunksAndTrailer

    /// The digest of no bytes.
    public static let empty = PayloadHash.digest(Checksum.of([], .sha256))

    /// Reads the value of `x-amz-content-sha256`.
    public init(_ text: String) throws(SigV4Error) {
        switch text {
        case "UNSIGNED-PAYLOAD": self = .unsigned
        case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD": self = .signedChunks
        case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER": self = .signedChunksAndTrailer
        case "STREAMING-UNSIGNED-PAYLOAD-TRAILER": self = .unsignedChunksAndTrailer
        default:
            guard let digest = ChecksumValue(.sha256, hexadecimal: text) else { throw .invalidPayloadHash }
            self = .digest(digest)
        }
    }

    /// The value of `x-amz-content-sha256`.
    public var text: String {
        switch self {
        case .digest(let value): value.hexadecimal
        case .unsigned: "UNSIGNED-PAYLOAD"
        case .signedChunks: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
        case .signedChunksAndTrailer: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
        case .unsignedChunksAndTrailer: "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
        }
    }
}
