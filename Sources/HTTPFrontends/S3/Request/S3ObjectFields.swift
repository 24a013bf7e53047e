// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore
import WireFormats

/// What the head of a request says of the object that it writes.
struct S3ObjectFields {
    /// The most bytes of `x-amz-meta-` names and values together.
    static let maxUserMetadataBytes = 2048
    static let metadataPrefix = "x-amz-meta-"
    /// What Amazon S3 calls bytes that nobody named.
    static let defaultContentType = "binary/octet-stream"

    var contentType: String
    var cacheControl: String?
    var representation: RepresentationFields
    var userMetadata: JSONText
    var tags: TagSet

    /// - Throws: `S3Error` `MetadataTooLarge`, `InvalidStorageClass`; `StorageError` `.invalidTag`.
    init(_ headers: HTTPFields) throws {
        try self.init { name in
            name == S3ObjectFields.metadataPrefix
                ? headers.filter { $0.name.canonicalName.hasPrefix(name) }.map {
                    NamedValue($0.name.canonicalName, $0.value)
                } : HTTPField.Name(name).flatMap { headers[$0] }.map { [NamedValue(name, $0)] } ?? []
        }
    }

    /// - Parameter values: the fields of a name; for `metadataPrefix` all that begin with it.
    init(_ values: (String) -> [NamedValue]) throws {
        func value(_ name: String) -> String? { values(name).first?.value }
        try Self.requireStorageClass(value("x-amz-storage-class"))
        contentType = value("content-type").flatMap { $0.isEmpty ? nil : $0 } ?? Self.defaultContentType
        cacheControl = value("cache-control")
        representation = RepresentationFields(
            contentEncoding: Self.withoutChunking(value("content-encoding")), contentDisposition: value("content-disposition"),
            contentLanguage: value("content-language"), expires: value("expires"))
        userMetadata = try Self.userMetadata(values(Self.metadataPrefix))
        tags = try value("x-amz-tagging").map(Self.tags) ?? .empty
    }

    /// There is one class, and an object is safe in it whatever its client would pay for. What is no class at all is a mistake.
    private static func requireStorageClass(_ name: String?) throws(S3Error) {
        guard let name, !storageClasses.contains(name) else { return }
        throw S3Error(.badRequest, "InvalidStorageClass", "The storage class you specified is not valid")
    }

    private static let storageClasses: Set = [
        "STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "GLACIER_IR",
        "DEEP_ARCHIVE", "OUTPOSTS", "SNOW", "EXPRESS_ONEZONE",
    ]

    /// `gzip, aws-chunked` says `gzip` of the object: the other coding was the transfer's.
    private static func withoutChunking(_ value: String?) -> String? {
        guard let value else { return nil }
        let codings = value.split(separator: ",").map { $0.drop { $0 == " " } }
            .filter { $0.lowercased().filter { $0 != " " } != "aws-chunked" && !$0.isEmpty }
        return codings.isEmpty ? nil : codings.joined(separator: ", ")
    }

    private static func userMetadata(_ fields: [NamedValue]) throws(S3Error) -> JSONText {
        var values: [String: String] = [:]
        for field in fields {
            let name = String(field.name.dropFirst(metadataPrefix.count))
            // Fields of one name are one list. RFC 9110 §5.3.
            values[name] = values[name].map { "\($0),\(field.value)" } ?? field.value
        }
        guard values.reduce(0, { $0 + $1.key.utf8.count + $1.value.utf8.count }) <= maxUserMetadataBytes else {
            throw S3Error(
                .badRequest, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size.")
        }
        return JSONText(
            trusted: JSONWriter.object { writer in
                for (name, value) in values.sorted(by: { $0.key < $1.key }) { writer.field(name, value) }
            })
    }

    /// Reads `name=value&…`, the value of `x-amz-tagging`.
    static func tags(_ text: String) throws -> TagSet {
        let pairs: [QueryParameters.Parameter]
        do {
            pairs = try QueryParameters(parsing: text).all
        } catch {
            throw S3Error.invalidArgument(
                "x-amz-tagging", text, "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded")
        }
        return try TagSet(pairs.map { TagSet.Pair(name: $0.name, value: $0.value) }, limit: .object)
    }
}

extension UploadOptions {
    /// Options of an object that S3 writes: what is there is superseded unless the condition says otherwise.
    init(_ fields: S3ObjectFields, length: Int64?, condition: WriteCondition) {
        self.init(
            mode: .replace, contentType: fields.contentType, cacheControl: fields.cacheControl ?? "no-cache",
            userMetadata: fields.userMetadata, announcedLength: length, announcesObjectSize: length != nil, alphabet: .utf8,
            representation: fields.representation, tags: fields.tags, condition: condition)
    }
}

extension WriteCondition {
    /// The condition in the head of a request that writes. RFC 9110 §13.1.
    /// - Throws: `S3Error` for a list of tags that must not be there, which S3 does not have.
    init(_ headers: HTTPFields) throws(S3Error) {
        switch (headers[.ifMatch], headers[.ifNoneMatch]) {
        case (nil, nil): self = .none
        case (let field?, nil): self = .ifMatch(ObjectMatch(field: field))
        case (nil, "*"): self = .ifAbsent
        case (nil, _): throw .notImplemented("If-None-Match with anything but *")
        default: throw .notImplemented("If-Match and If-None-Match together")
        }
    }
}
