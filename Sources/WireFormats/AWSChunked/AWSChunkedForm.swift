// SPDX-License-Identifier: Apache-2.0

/// The three forms of an aws-chunked body.
public enum AWSChunkedForm: Hashable, Sendable {
    /// Chunks without signatures, then a trailer: `STREAMING-UNSIGNED-PAYLOAD-TRAILER`.
    case unsignedTrailer
    /// Signed chunks and no trailer: `STREAMING-AWS4-HMAC-SHA256-PAYLOAD`.
    case signed(ChunkSignatures)
    /// Signed chunks, then a signed trailer: `STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER`.
    case signedTrailer(ChunkSignatures)

    /// - Parameter signatures: What verifying the request gave.
    /// - Returns: nil when the body is not aws-chunked.
    public init?(_ payload: PayloadHash, signatures: ChunkSignatures) {
        switch payload {
        case .digest, .unsigned: return nil
        case .signedChunks: self = .signed(signatures)
        case .signedChunksAndTrailer: self = .signedTrailer(signatures)
        case .unsignedChunksAndTrailer: self = .unsignedTrailer
        }
    }

    /// The chain that signs the chunks, if they are signed.
    var signatures: ChunkSignatures? {
        switch self {
        case .unsignedTrailer: nil
        case .signed(let signatures), .signedTrailer(let signatures): signatures
        }
    }

    var hasTrailer: Bool {
        switch self {
        case .signed: false
        case .unsignedTrailer, .signedTrailer: true
        }
    }

    /// The trailer's own signature.
    static let trailerSignatureField = "x-amz-trailer-signature"
}
