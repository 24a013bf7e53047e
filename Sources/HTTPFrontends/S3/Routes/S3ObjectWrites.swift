// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import WireFormats

extension S3Call {
    func putObject() async throws -> Response {
        let address = try address()
        _ = try caller()
        try requireLength()
        try await requireMappableACL(in: address.bucket)
        let body = try S3Body(request, identity, context)
        let options = UploadOptions(
            try S3ObjectFields(request.headers), length: body.stream.length, condition: try WriteCondition(request.headers))
        let record = try await storage.objects.put(
            Upload(body: body.stream, options: options, checksums: { body.checks.values }), at: address, access: identity.access)
        var headers: HTTPFields = [:]
        headers[.eTag] = record.entityTag(ObjectMetadata(parsing: record.metadata))
        headers[.amzVersionID] = try await newVersionID(of: record)
        headers[.amzExpiration] = try await expiration(of: record)
        headers.add(body.checks.checksum)
        return Response(status: .ok, headers: headers)
    }
}

extension S3Call {
    /// Amazon S3 takes no body whose length it is not told, and clients tell it always.
    func requireLength() throws(S3Error) {
        guard request.headers[.contentLength] != nil || request.headers[.amzDecodedContentLength] != nil else {
            throw .missingContentLength
        }
    }
}

extension HTTPFields {
    /// The checksum that a client chose and the server verified.
    mutating func add(_ checksum: ChecksumValue?) {
        guard let checksum, let name = HTTPField.Name(checksum.algorithm.fieldName) else { return }
        self[name] = checksum.base64
        self[.amzChecksumType] = S3ChecksumType.fullObject.rawValue
    }
}
