// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The URL of a service.
public struct ServiceEndpoint: Hashable, Sendable, CustomStringConvertible {
    let scheme: String
    /// As a connection is made to it. An IPv6 address without its brackets.
    public let host: String
    /// With its port where that is not the scheme's own, as the field `Host` has it.
    let authority: String
    /// In front of bucket and key. Empty, or without a `/` at its end.
    let path: String

    /// Nil for text that is no `http` or `https` URL, or has a user, a query or a fragment.
    public init?(_ url: String) {
        guard let parts = URLComponents(string: url), let scheme = parts.scheme?.lowercased(),
            ["http", "https"].contains(scheme),
            let host = parts.host, !host.isEmpty, parts.user == nil, parts.password == nil, parts.query == nil,
            parts.fragment == nil
        else { return nil }
        self.scheme = scheme
        self.host = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        let port = parts.port.flatMap { $0 == (scheme == "https" ? 443 : 80) ? nil : $0 }
        authority = host + (port.map { ":\($0)" } ?? "")
        var path = Substring(parts.percentEncodedPath)
        while path.last == "/" { path.removeLast() }
        self.path = String(path)
    }

    public var description: String { "\(scheme)://\(authority)\(path)" }
}
