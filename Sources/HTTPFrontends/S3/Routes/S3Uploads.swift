// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import WireFormats

extension S3Call {
    func createMultipartUpload() async throws -> Response {
        let address = try address()
        _ = try caller()
        try await requireMappableACL(in: address.bucket)
        let plan = try S3ChecksumPlan(request.headers)
        let options = try conditional(
            UploadOptions(try S3ObjectFields(request.headers), length: nil, condition: try WriteCondition(request.headers)))
        let session = try await storage.uploads.begin(
            UploadBeginning(kind: .parts, options: options, attributes: S3ChecksumPlan.attributes(plan), expires: false),
            at: address, access: identity.access)
        var headers: HTTPFields = [:]
        headers[.amzChecksumAlgorithm] = plan?.algorithm.name
        headers[.amzChecksumType] = plan?.type.rawValue
        return .xml(S3UploadBegun(address: address, id: session.id).document, headers: headers)
    }

    /// Amazon S3 decides when an upload is complete, and takes the condition there. One that is given here is looked at now, and again
    /// when the object is made.
    private func conditional(_ options: UploadOptions) throws(S3Error) -> UploadOptions {
        switch options.condition {
        case .none: return options
        case .ifAbsent:
            var options = options
            options.mode = .create
            return options
        case .ifMatch: throw .notImplemented("If-Match when an upload begins; it can be sent when the upload is completed")
        }
    }

    func uploadPart() async throws -> Response {
        let (session, number) = try await part()
        try requireLength()
        let body = try S3Body(request, identity, context, computing: S3ChecksumPlan(session.attributes)?.algorithm)
        let part = try await storage.uploads.putPart(
            PartUpload(body: body.stream) { body.checks.values }, as: number, of: session.id, access: identity.access)
        var headers: HTTPFields = [:]
        headers[.eTag] = "\"\(part.md5 ?? "")\""
        headers.add(body.checks.checksum)
        headers[.amzChecksumType] = nil
        return Response(status: .ok, headers: headers)
    }

    func uploadPartCopy() async throws -> Response {
        let (session, number) = try await part()
        let source = try S3CopySource(request.headers)
        let range = try copySourceRange()
        let delivered = try await open(source, range: range)
        let content: BlobContent
        switch delivered.outcome {
        case .notModified: throw S3Error.preconditionFailed
        case .full(let whole): content = whole
        case .partial(let part, _):
            // Unlike a read, a copy of more than there is is a mistake.
            guard case .closed(let bounds)? = range, bounds.upperBound < part.size else {
                throw StorageError(
                    .rangeNotSatisfiable, "Range specified is not valid for the source object", resource: String(part.size))
            }
            content = part
        }
        let bytes = ByteStream(length: Int64(content.range.count), chunks: content.stream().chunks)
        let checks = S3BodyChecks(computing: S3ChecksumPlan(session.attributes)?.algorithm)
        let part = try await storage.uploads.putPart(
            PartUpload(body: checks.stream(bytes)) { checks.values }, as: number, of: session.id, access: identity.access)
        var xml = XMLWriter()
        xml.element("CopyPartResult", namespace: XMLWriter.s3Namespace) { xml in
            xml.element("LastModified", text: part.createdAt.iso8601)
            xml.element("ETag", text: "\"\(part.md5 ?? "")\"")
            if let plan = S3ChecksumPlan(session.attributes), let value = part.checksums[plan.algorithm.name] {
                xml.checksum(plan.algorithm, value)
            }
        }
        return .xml(xml)
    }

    func abortMultipartUpload() async throws -> Response {
        try await storage.uploads.abort(try await session().id, access: identity.access)
        return Response(status: .noContent)
    }

    func listParts() async throws -> Response {
        let session = try await session()
        let limit = min(try query.integer("max-parts", in: 0...Int(Int32.max)) ?? 1000, 1000)
        let marker = try query.integer("part-number-marker", in: 0...Int(Int32.max)) ?? 0
        var parts: [UploadPart] = []
        if marker < S3Completion.maxParts {
            let after = marker > 0 ? try PartNumber(marker) : nil
            parts = try await storage.uploads.parts(of: session.id, after: after, limit: limit + 1, access: identity.access)
        }
        return .xml(
            S3PartList(
                address: session.address, session: session, parts: Array(parts.prefix(limit)), marker: marker, limit: limit,
                isTruncated: limit > 0 && parts.count > limit, encoding: try S3KeyEncoding(query)
            ).document)
    }

    // MARK: What the request names

    /// The upload, which must be one of this address.
    func session() async throws -> UploadSession {
        _ = try caller()
        let id = UploadID(query["uploadId"] ?? "")
        let session = try await storage.uploads.session(id)
        guard session.kind == .parts, session.address == (try address()) else { throw StorageError.uploadNotFound(id) }
        return session
    }

    private func part() async throws -> (UploadSession, PartNumber) {
        guard let text = query["partNumber"], let number = Int(text) else {
            throw S3Error.invalidArgument(
                "partNumber", query["partNumber"] ?? "", "Part number must be an integer between 1 and 10000, inclusive")
        }
        do {
            return (try await session(), try PartNumber(number))
        } catch let error as StorageError where error.code == .invalidParameter {
            throw S3Error.invalidArgument("partNumber", text, "Part number must be an integer between 1 and 10000, inclusive")
        }
    }

    private func copySourceRange() throws(S3Error) -> ByteRange? {
        guard let text = request.headers[.amzCopySourceRange] else { return nil }
        guard case .single(let bytes) = RangeHeader(parsing: text), let first = bytes.first, let last = bytes.last else {
            throw .invalidArgument(
                "x-amz-copy-source-range", text,
                "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based "
                    + "offsets of the first and last bytes to copy")
        }
        return .closed(first...last)
    }

    /// Where the object will be found.
    func location(_ address: ObjectAddress) -> String {
        let authority = request.head.authority ?? ""
        let path = (request.head.path ?? "/").prefix { $0 != "?" }
        return "\(request.head.scheme ?? "http")://\(authority)\(path)"
    }
}
