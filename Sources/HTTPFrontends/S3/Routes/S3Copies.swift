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
        guard source.address != destination || metadata == .replace || tagging == .replace else {
            throw S3Error.invalidRequest(
                "This copy request is illegal because it is trying to copy an object to itself without changing the object's "
                    + "metadata, storage class, website redirect location or encryption attributes.")
        }
        try await requireMappableACL(in: destination.bucket)
        let (object, details) = try await storage.delivery.describe(source.address, access: identity.access)
        guard try !source.preconditions.saveTransfer(of: object.record, details) else { throw S3Error.preconditionFailed }
        let fields = try S3ObjectFields(request.headers)
        let options = CopyOptions(
            mode: .replace,
            metadata: metadata == .copy
                ? .keep
                : .replace(
                    cacheControl: fields.cacheControl ?? "no-cache", mimetype: fields.contentType,
                    userMetadata: fields.userMetadata),
            alphabet: .utf8)
        let record = try await storage.objects.copy(from: source.address, to: destination, options: options, as: caller)
        return .xml(S3CopyResult(S3Representation(record: record, details: ObjectMetadata(parsing: record.metadata))).document)
    }
}

extension S3Call {
    /// The bytes of a source, if it is the one that the conditions describe.
    func open(_ source: S3CopySource, range: ByteRange?) async throws -> Delivered {
        try await storage.delivery.open(
            source.address, range: range, preconditions: source.preconditions, access: identity.access)
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
