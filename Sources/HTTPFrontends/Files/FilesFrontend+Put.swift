// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore

/// Uploads to URLs that were given out: `PUT /raw/{s3Key}?token=…`, and `?partNumber=…&uploadId=…&token=…` for a part. What else a client
/// says of itself does not count: the token is the right.
extension FilesFrontend {
    func put(
        _ address: ObjectAddress, _ query: FilesQuery, _ request: Request, _ context: MagpieRequestContext
    ) async throws -> Response {
        guard let token = try query.text("token", upTo: 4096) else {
            throw FilesProblem(.forbidden, "file/access-denied", "Files are uploaded to URLs that were given out")
        }
        let body = request.byteStream(context)
        let facts = facts(request, context)
        guard let upload = try query.text("uploadId") else {
            let record = try await storage.files.receive(body, at: address, token: token, facts: facts)
            return Self.received(record.entityTag(ObjectMetadata(parsing: record.metadata)))
        }
        guard let number = try query.integer("partNumber", in: 1...10_000) else {
            throw FilesProblem(.badRequest, "file/invalid-part-number-range", "partNumber is missing")
        }
        let part = try await storage.files.receive(
            body, as: try PartNumber(number), of: UploadID(upload), at: address, token: token, facts: facts)
        return Self.received(part.md5.map { "\"\($0)\"" })
    }

    private static func received(_ tag: String?) -> Response {
        var headers: HTTPFields = [.cacheControl: "no-store"]
        headers[.eTag] = tag
        return Response(status: .ok, headers: headers)
    }
}
