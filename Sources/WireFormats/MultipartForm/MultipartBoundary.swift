// SPDX-License-Identifier: Apache-2.0

/// The text that separates the parts of a multipart body. RFC 2046 §5.1.1.
public struct MultipartBoundary: Hashable, Sendable {
    public let rawValue: String

    /// The longest boundary that RFC 2046 allows, in bytes.
    public static let maxBytes = 70

    /// - Throws: `.invalidContentType` for an empty or long text, a character that RFC 2046 does not allow, or a space at the end.
    public init(_ rawValue: String) throws(MultipartFormError) {
        let bytes = rawValue.utf8
        guard (1...Self.maxBytes).contains(bytes.count), bytes.allSatisfy(Self.alphabet.contains),
            bytes.last != UInt8(ascii: " ")
        else { throw .invalidContentType }
        self.rawValue = rawValue
    }

    /// Takes the boundary from a Content-Type of `multipart/form-data`, quoted or not.
    /// - Throws: `.invalidContentType`.
    public init(contentType: String) throws(MultipartFormError) {
        guard let type = HeaderParameters(parsing: contentType.utf8), type.value == "multipart/form-data",
            type.parameters.count(where: { $0.name == "boundary" }) == 1, let boundary = type["boundary"]
        else { throw .invalidContentType }
        try self.init(boundary)
    }

    /// Whether a Content-Type means a form, whatever its parameters.
    public static func isForm(contentType: String) -> Bool {
        HeaderParameters(parsing: contentType.prefix { $0 != ";" }.utf8)?.value == "multipart/form-data"
    }

    private static let alphabet = ByteSet.alphanumeric.union("'()+_,-./:=? ")
}
