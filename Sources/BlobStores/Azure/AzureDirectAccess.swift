// SPDX-License-Identifier: Apache-2.0

import MediaCore
import WireFormats

extension AzureService {
    func direct(_ grant: DirectGrant, _ name: String, for seconds: Int64) throws -> DirectRequest {
        guard case .key(let key) = configuration.credentials else { throw StorageError.noDirectAccess }
        var signature = BlobAccessSignature(
            permissions: "r", container: configuration.container, blob: name,
            expires: SigningTime(secondsSince1970: Timestamp.now().seconds + seconds),
            isSecureOnly: configuration.endpoint.scheme == "https")
        var (method, fields) = ("GET", [String: String]())
        switch grant {
        case .read(let presentation):
            signature.contentType = presentation.mediaType
            signature.contentDisposition = presentation.disposition
        case .write(_, let mediaType):
            // To create, which is not to replace.
            signature.permissions = "c"
            (method, fields) = ("PUT", ["x-ms-blob-type": "BlockBlob", "content-type": mediaType])
        }
        let path = try client.dialect.path(of: name)
        let endpoint = configuration.endpoint
        return DirectRequest(
            method: method, url: "\(endpoint.scheme)://\(endpoint.authority)\(path)?\(signature.query(signedBy: key))",
            fields: fields)
    }
}
