// SPDX-License-Identifier: Apache-2.0

/// Why a request's signature was refused. Each case names the error that S3 answers with.
public enum SigV4Error: Error, Hashable, Sendable {
    /// The Authorization field is no valid `AWS4-HMAC-SHA256` one. 400 `AuthorizationHeaderMalformed`.
    case malformedAuthorization(String)
    /// The parameters of a presigned URL are incomplete or wrong. 400 `AuthorizationQueryParametersError`.
    case malformedQueryAuthorization(String)
    /// A signature both in the Authorization field and in the query, or a field that may come once came twice. 400 `InvalidArgument`.
    case ambiguous(String)
    /// The query has a `%` without two hexadecimal digits. 400 `InvalidURI`.
    case malformedQuery
    /// Neither `x-amz-date` nor `date` holds a time. 403 `AccessDenied`.
    case missingDate
    /// No `x-amz-content-sha256`. 400 `InvalidRequest`.
    case missingPayloadHash
    /// `x-amz-content-sha256` is no digest and no name of a mode known here. 400 `InvalidArgument`.
    case invalidPayloadHash
    /// The request was signed more than the skew allowed before or after now. 403 `RequestTimeTooSkewed`.
    case timeTooSkewed
    /// The presigned URL's time is over. 403 `AccessDenied`, "Request has expired".
    case expired
    /// The presigned URL's time has not begun. 403 `AccessDenied`, "Request is not yet valid".
    case notYetValid
    /// Fields that must be signed and are not. 403 `AccessDenied`.
    case unsignedFields([String])
    /// The signature is not that of this request with this key. 403 `SignatureDoesNotMatch`.
    case mismatch
}
