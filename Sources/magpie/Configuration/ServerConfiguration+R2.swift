// SPDX-License-Identifier: Apache-2.0

import BlobStores
import Foundation
import MediaCore
import WireFormats

extension BackendID {
    /// The S3 service of the `R2_…` settings.
    static let r2 = BackendID("r2")
}

extension ServerConfiguration {
    /// An S3 service that new blobs go to.
    struct R2: Sendable {
        var service: S3Configuration
        /// Where the bucket is served by a CDN. Nil: nowhere.
        var publicURL: String?
    }
}

extension ServerConfiguration.R2 {
    /// Where Magpie's own blobs are in the bucket.
    private static let prefix = "magpie/"

    /// Nil unless both `R2_ENDPOINT_URL` and `R2_ACCESS_KEY_ID` are given. - Throws: `ConfigurationError`, which repeats no secret.
    init?(_ settings: Settings) throws {
        guard let url = try settings.text("R2_ENDPOINT_URL"), let access = try settings.text("R2_ACCESS_KEY_ID") else {
            return nil
        }
        guard let endpoint = ServiceEndpoint(url) else {
            throw ConfigurationError("R2_ENDPOINT_URL must be a URL such as https://s3.example.com")
        }
        guard let secret = try settings.text("R2_SECRET_ACCESS_KEY") else {
            throw ConfigurationError("R2_SECRET_ACCESS_KEY must be given with R2_ENDPOINT_URL and R2_ACCESS_KEY_ID")
        }
        guard let bucket = try settings.text("R2_BUCKET_NAME"), !bucket.contains("/") else {
            throw ConfigurationError("R2_BUCKET_NAME must be given with R2_ENDPOINT_URL and R2_ACCESS_KEY_ID")
        }
        service = S3Configuration(
            endpoint: endpoint, region: try settings.text("R2_REGION") ?? "auto", bucket: bucket,
            credentials: RequestSigner.Credentials(accessKeyID: access, secretAccessKey: secret), prefix: Self.prefix)
        service.limits.inlineReadBytes = Int(clamping: try settings.bytes("CACHED_OBJECT_LIMIT"))
        publicURL = try settings.text("R2_PUBLIC_URL").map(Self.publicURL)
    }

    private static func publicURL(_ text: String) throws -> String {
        var trimmed = Substring(text)
        while trimmed.last == "/" { trimmed.removeLast() }
        guard let parts = URLComponents(string: String(trimmed)), parts.scheme == "http" || parts.scheme == "https",
            parts.host?.isEmpty == false, parts.query == nil, parts.fragment == nil, parts.user == nil
        else { throw ConfigurationError("R2_PUBLIC_URL must be a URL such as https://cdn.example.com") }
        return String(trimmed)
    }
}
