// SPDX-License-Identifier: Apache-2.0

import MediaCore
import WireFormats

extension GCSService {
    func direct(_ grant: DirectGrant, _ name: String, for seconds: Int64) throws -> DirectRequest {
        // Here the name's slashes are the path's, which whoever resolves a URL on the way might change.
        guard !name.split(separator: "/", omittingEmptySubsequences: false).contains(where: { $0 == "." || $0 == ".." }) else {
            throw ServiceFailure(.malformed("a name with a segment . or .."))
        }
        let endpoint = configuration.endpoint
        let bucket = PercentEncoding.encodeComponent(configuration.bucket)
        var request = GoogleSignedURL(
            method: "GET", path: "\(endpoint.path)/\(bucket)/\(PercentEncoding.encodeComponents(ofPath: name))",
            fields: [], account: configuration.key.email, time: SigningTime(secondsSince1970: Timestamp.now().seconds),
            expires: seconds)
        switch grant {
        case .read(let presentation):
            let overrides = [
                ("response-content-type", presentation.mediaType), ("response-content-disposition", presentation.disposition),
            ]
            request.parameters = overrides.compactMap { name, value in value.map { .init(name: name, value: $0) } }
        case .write(let length, let mediaType):
            request.method = "PUT"
            request.fields = [
                NamedValue("content-type", mediaType), NamedValue("x-goog-content-length-range", "\(length),\(length)"),
                NamedValue("x-goog-if-generation-match", "0"),
            ]
        }
        let sent = request.fields
        request.fields.append(NamedValue("host", endpoint.authority))
        let query = request.query(signature: try configuration.key.sign(request.textToSign))
        return DirectRequest(
            method: request.method, url: "\(endpoint.scheme)://\(endpoint.authority)\(request.path)?\(query)",
            fields: Dictionary(sent.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 }))
    }
}
