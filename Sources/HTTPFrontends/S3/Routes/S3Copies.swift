// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import WireFormats

extension S3Call {
    func copyObject() async throws -> Response {
        let destination = try address()
        let caller = try caller()
        let source = try S3CopySource(request.headers)
        let metadata = try S3CopySource.Directive(request.headers, .amzMetadataDirective)
        let tagging = try S3CopySource.Directive(request.headers, .amzTaggingDirective)
        // An older version put in the place of the newest one is a change.
        guard source.address != destination || source.versionID != nil || metadata == .replace || tagging == .replace else {
            throw S3Error.invalidRequest(
                "This copy request is illegal because it is trying to copy an object to itself without changing the object's "
                    + "metadata, storage class, website redirect location or encryption attributes.")
        }
        try await requireMappableACL(in: destination.bucket)
        let fields = try S3ObjectFields(request.headers)
        let options = CopyOptions(
            mode: .replace,
            metadata: metadata == .copy
                ? .keep
                : .overwrite(
                    mimetype: fields.contentType, cacheControl: fields.cacheControl ?? "no-cache",
                    representation: fields.representation, userMetadata: fields.userMetadata),
            alphabet: .utf8, tags: tagging == .replace ? fields.tags : nil, condition: try WriteCondition(request.headers),
            sourcePreconditions: source.preconditions, sourceVersion: source.versionID)
        let record: ObjectRecord
        do {
            record = try await storage.objects.copy(from: source.address, to: destination, options: options, as: caller)
        } catch let error as StorageError where error.code == .objectNotFound {
            try await storage.buckets.requireExists(source.address.bucket, facts: facts)
            throw source.versionID == nil ? S3Error(error) : S3Error.noSuchVersion
        }
        var headers: HTTPFields = [:]
        headers[.amzVersionID] = try await newVersionID(of: record)
        headers[.amzExpiration] = try await expiration(of: record)
        headers[.amzCopySourceVersionID] = source.versionID?.description
        let representation = S3Representation(record: record, details: ObjectMetadata(parsing: record.metadata))
        return .xml(S3CopyResult(representation).document, headers: headers)
    }

    /// The bytes of a source, if it is the one that the conditions describe.
    func open(_ source: S3CopySource, range: ByteRange?) async throws -> Delivered {
        let found = try await found(source.address, version: source.versionID)
        try source.preconditions.checkForCopy(found.object.record, found.details)
        return try await storage.delivery.open(found.object, range: range)
    }

    /// What a version that was just written is called, where the bucket keeps versions.
    func newVersionID(of record: ObjectRecord) async throws -> String? {
        try await newVersionID(record.version, in: record.address.bucket)
    }

    func newVersionID(_ version: ObjectVersion?, in bucket: BucketID) async throws -> String? {
        switch try await storage.buckets.settings(of: bucket, facts: facts).versioning {
        case .off: nil
        case .enabled: version?.rawValue
        // A `null` version has no id to speak of.
        case .suspended: nil
        }
    }
}

/// `CopyObjectResult`.
struct S3CopyResult {
    let representation: S3Representation

    init(_ representation: S3Representation) { self.representation = representation }

    var document: XMLWriter {
        var xml = XMLWriter()
        xml.element("CopyObjectResult", namespace: XMLWriter.s3Namespace) { xml in
            xml.element("ETag", text: representation.record.entityTag(representation.details))
            xml.element("LastModified", text: (representation.lastModified ?? .now()).iso8601)
        }
        return xml
    }
}
