// SPDX-License-Identifier: Apache-2.0

/// Why an aws-chunked body was refused. Each case names the error that S3 answers with.
public enum AWSChunkedError: Error, Hashable, Sendable {
    /// What should be `SIZE[;chunk-signature=…]`, or the line end behind a chunk, is not. 400 `InvalidRequest`.
    case malformedChunk
    /// 400 `InvalidRequest`.
    case chunkHeaderTooLong
    /// 400 `EntityTooLarge`.
    case chunkTooLarge
    /// 403 `SignatureDoesNotMatch`. What was read of the chunk is not the client's.
    case chunkSignatureMismatch
    /// A line of the trailer is no `name:value`, or its signature is missing. 400 `MalformedTrailerError`.
    case malformedTrailer
    /// 400 `MalformedTrailerError`.
    case trailerTooLarge
    /// `x-amz-trailer` announced a field that did not come. 400 `MalformedTrailerError`.
    case missingTrailer(name: String)
    /// 403 `SignatureDoesNotMatch`.
    case trailerSignatureMismatch
    /// The chunks do not have the bytes that `x-amz-decoded-content-length` announced. 400 `IncompleteBody`.
    case lengthMismatch
    /// 400 `IncompleteBody`.
    case truncated
    /// Something follows the end. 400 `InvalidRequest`.
    case dataAfterEnd
}
