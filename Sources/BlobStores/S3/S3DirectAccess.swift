// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOHTTP1
import WireFormats

extension S3Service {
    func direct(_ grant: DirectGrant, _ name: String, for seconds: Int64) throws -> DirectRequest {
        let request: S3Request
        switch grant {
        case .read(let presentation):
            let query = [
                presentation.mediaType.map { QueryParameters.Parameter("response-content-type", $0) },
                presentation.disposition.map { QueryParameters.Parameter("response-content-disposition", $0) },
            ]
            request = S3Request(.GET, name, query: query.compactMap { $0 })
        case .write(let length, let mediaType):
            request = S3Request(
                .PUT, name,
                fields: onlyIfFree + [NamedValue("content-type", mediaType), NamedValue("content-length", String(length))])
        }
        let head = try request.head(configuration)
        do {
            let signed = try RequestSigner(credentials: configuration.credentials, region: configuration.region)
                .presign(head, expires: seconds, at: SigningTime(secondsSince1970: Timestamp.now().seconds))
            let sent = head.fields.filter { !["host", "content-length"].contains($0.name) }
            return DirectRequest(
                method: head.method, url: request.url(configuration, signed),
                fields: Dictionary(sent.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 }))
        } catch {
            throw ServiceFailure(.malformed("the request can't be signed: \(error)"))
        }
    }
}
