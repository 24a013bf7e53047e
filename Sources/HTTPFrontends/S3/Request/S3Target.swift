// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import WireFormats

/// Where a request to this dialect points.
struct S3Target: Hashable {
    /// Still percent-encoded. Nil: the service itself.
    let rawBucket: String?
    /// Still percent-encoded. Nil: the bucket itself.
    let rawKey: String?
    /// Whether the host says which bucket, or that the path does.
    let isBelowDomain: Bool

    private static let mounts = ["/storage/v1/s3", "/s3"]

    /// - Parameter domain: In lower case. `bucket.domain` is a bucket; at `domain` itself buckets are the first part of the path.
    /// - Returns: nil for a request to another dialect. One at neither of the mounts nor below the domain is this dialect's when
    ///   it is signed as only this dialect's requests are: some clients can't be given a path to put in front.
    init?(_ head: HTTPRequest, domain: String?) {
        let target = head.path ?? "/"
        let path = target.prefix { $0 != "?" }
        let host = Self.host(head.authority)
        if let domain, let host, host.count > domain.count + 1, host.hasSuffix("." + domain) {
            self.init(bucket: host.dropLast(domain.count + 1), key: path.dropFirst(), isBelowDomain: true)
            return
        }
        for mount in Self.mounts where path.hasPrefix(mount) {
            let rest = path.dropFirst(mount.count)
            guard rest.isEmpty || rest.first == "/" else { continue }
            self.init(pathStyle: rest)
            return
        }
        guard path.hasPrefix("/"), host != nil && host == domain || Self.isSigned(head, query: target.dropFirst(path.count))
        else {
            return nil
        }
        self.init(pathStyle: path, isBelowDomain: host != nil && host == domain)
    }

    /// `/bucket/key`, where each may be missing and the slash behind the bucket means nothing.
    private init(pathStyle path: Substring, isBelowDomain: Bool = false) {
        let path = path.dropFirst()
        let slash = path.utf8.firstIndex(of: UInt8(ascii: "/"))
        let bucket = slash.map { path[..<$0] } ?? path
        let key = slash.map { path[path.utf8.index(after: $0)...] } ?? ""
        self.init(bucket: bucket, key: key, isBelowDomain: isBelowDomain)
    }

    private init(bucket: some StringProtocol, key: some StringProtocol, isBelowDomain: Bool) {
        self.isBelowDomain = isBelowDomain
        rawBucket = bucket.isEmpty && key.isEmpty ? nil : String(bucket)
        rawKey = key.isEmpty ? nil : String(key)
    }

    var resource: S3Route.Resource {
        switch (rawBucket, rawKey) {
        case (nil, _): .service
        case (_, nil): .bucket
        default: .object
        }
    }

    /// Whether a host is the domain or a name in it.
    static func isBelow(_ domain: String, host authority: String) -> Bool {
        guard let host = host(authority) else { return false }
        return host == domain || host.hasSuffix("." + domain)
    }

    /// Without its port, in lower case.
    private static func host(_ authority: String?) -> String? {
        guard let authority else { return nil }
        guard let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") else { return authority.lowercased() }
        return authority[..<colon].lowercased()
    }

    private static func isSigned(_ head: HTTPRequest, query: Substring) -> Bool {
        if let field = head.headerFields[.authorization] { return field.hasPrefix("AWS4-HMAC-SHA256") }
        return query.contains("X-Amz-Signature=")
    }
}
