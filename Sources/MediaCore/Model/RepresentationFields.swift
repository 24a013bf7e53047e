// SPDX-License-Identifier: Apache-2.0

/// What an uploader says of how its bytes are to be presented, kept as sent and given back with every download.
///
/// The values are field values of RFC 9110 and RFC 6266; whoever sends them checks that they may stand in a header.
public struct RepresentationFields: Hashable, Sendable {
    /// `Content-Encoding`, RFC 9110 §8.4, without the codings of the transfer (`aws-chunked`).
    public var contentEncoding: String?
    /// `Content-Disposition`, RFC 6266.
    public var contentDisposition: String?
    /// `Content-Language`, RFC 9110 §8.5.
    public var contentLanguage: String?
    /// `Expires`, RFC 9111 §5.3: text, for clients send dates of every form.
    public var expires: String?

    public init(
        contentEncoding: String? = nil, contentDisposition: String? = nil, contentLanguage: String? = nil, expires: String? = nil
    ) {
        self.contentEncoding = contentEncoding
        self.contentDisposition = contentDisposition
        self.contentLanguage = contentLanguage
        self.expires = expires
    }

    /// Nothing was said.
    public static let none = RepresentationFields()
}
