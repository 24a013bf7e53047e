// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import MediaCore
import WireFormats

/// What `x-amz-copy-source` names, and under which conditions.
struct S3CopySource {
    let address: ObjectAddress
    let versionID: VersionID?
    let preconditions: Preconditions

    /// - Throws: `S3Error` for a value that names no object; `StorageError` for names that nothing can have.
    init(_ headers: HTTPFields) throws {
        guard let field = headers[.amzCopySource] else { throw S3Error.invalidRequest("x-amz-copy-source is missing") }
        // A question mark that belongs to the key is escaped, unless the client escapes nothing at all.
        var path = Substring(field)
        var versionID: VersionID?
        if let mark = field.range(of: "?versionId=", options: .backwards) {
            path = field[..<mark.lowerBound]
            let text = String(field[mark.upperBound...])
            guard !text.isEmpty, text.utf8.count <= 128 else {
                throw S3Error.invalidArgument("x-amz-copy-source", field, "Invalid version id specified")
            }
            versionID = VersionID(text)
        }
        if path.first == "/" { path = path.dropFirst() }
        guard let text = PercentEncoding.decode(path), let slash = text.utf8.firstIndex(of: UInt8(ascii: "/")),
            slash > text.startIndex, text.utf8.index(after: slash) < text.endIndex
        else {
            throw S3Error.invalidArgument(
                "x-amz-copy-source", field, "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
        }
        address = ObjectAddress(
            bucket: try BucketID(existing: String(text[..<slash])),
            key: try S3Call.key(String(text[text.utf8.index(after: slash)...])))
        self.versionID = versionID
        preconditions = Preconditions(
            ifNoneMatch: headers[.amzCopySourceIfNoneMatch],
            ifModifiedSince: headers[.amzCopySourceIfModifiedSince].flatMap(Timestamp.init(httpDate:)),
            ifMatch: headers[.amzCopySourceIfMatch],
            ifUnmodifiedSince: headers[.amzCopySourceIfUnmodifiedSince].flatMap(Timestamp.init(httpDate:)))
    }

    /// What a client says of the metadata or the tags of a copy.
    enum Directive: String {
        case copy = "COPY"
        case replace = "REPLACE"

        /// - Throws: `S3Error` with `InvalidArgument`.
        init(_ headers: HTTPFields, _ name: HTTPField.Name) throws(S3Error) {
            guard let text = headers[name] else {
                self = .copy
                return
            }
            guard let known = Directive(rawValue: text.uppercased()) else {
                throw .invalidArgument(name.canonicalName, text, "Unknown directive")
            }
            self = known
        }
    }
}
