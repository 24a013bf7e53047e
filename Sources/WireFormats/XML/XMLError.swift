// SPDX-License-Identifier: Apache-2.0

/// Why a document was refused. S3 answers 400 `MalformedXML` to all.
public enum XMLError: Error, Hashable, Sendable {
    /// Not well-formed XML 1.0, or not UTF-8.
    /// - Parameter offset: In bytes, where it was noticed.
    case malformed(offset: Int)
    /// A document type, an entity of one's own, or a processing instruction: never part of a request, and a way to attack.
    case forbidden(offset: Int)
    /// More bytes than allowed.
    case tooLarge
    case tooDeep
    case tooManyElements
    /// Of one element, or namespaces declared in one place.
    case tooManyAttributes
}
