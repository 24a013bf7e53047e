// SPDX-License-Identifier: Apache-2.0

/// Why a multipart/form-data body could not be read.
public enum MultipartFormError: Error, Hashable, Sendable {
    /// The content type is not multipart/form-data, or has no boundary that RFC 2046 §5.1.1 allows.
    case invalidContentType
    /// What follows a boundary is neither a line end nor the closing `--`.
    case malformedBoundary
    /// A part's header is no list of `name: value` lines, or has no usable Content-Disposition.
    case malformedHeader
    /// A part is encoded (`Content-Transfer-Encoding: base64`), which RFC 7578 §4.7 abolished.
    case unsupportedTransferEncoding
    case headerTooLarge
    case tooManyParts
    /// A part that is no file has more bytes than a text field may have.
    case fieldTooLarge(name: String)
    /// The body ended before its closing boundary.
    case truncated
}
