// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What can be said of a configuration without asking the service.
extension BackendConfiguration {
    /// The configuration in its normal form.
    /// - Throws: `StorageError` with `.invalidParameter` that names the field.
    public func checked() throws(StorageError) -> BackendConfiguration {
        switch self {
        case .s3(var place, let credentials):
            place.bucket = try Self.name(place.bucket, "bucket")
            place.region = try Self.region(place.region)
            place.endpoint = try place.endpoint.map { url throws(StorageError) in try Self.endpoint(url) }
            place.pathPrefix = try Self.prefix(place.pathPrefix)
            try Self.require(credentials.accessKeyID, atMost: 256, "accessKeyId")
            try Self.require(credentials.secretAccessKey, atMost: 1024, "secretAccessKey")
            return .s3(place, credentials)
        case .azure(var place, let credentials):
            place.container = try Self.name(place.container, "container")
            place.endpoint = try Self.endpoint(place.endpoint)
            place.pathPrefix = try Self.prefix(place.pathPrefix)
            try Self.require(place.account, atMost: 64, "connectionString")
            try Self.require(credentials.connectionString, atMost: 4096, "connectionString")
            return .azure(place, credentials)
        case .gcs(var place, let credentials):
            place.bucket = try Self.name(place.bucket, "bucket", atMost: 222)
            place.endpoint = try place.endpoint.map { url throws(StorageError) in try Self.endpoint(url) }
            place.pathPrefix = try Self.prefix(place.pathPrefix)
            guard credentials.serviceAccount.utf8.count <= 16_384 else { throw Self.invalid("serviceAccountJson", "is too long") }
            return .gcs(place, credentials)
        }
    }

    /// Lower-case letters, digits, hyphens, dots and underscores: what the three services have in common. It stands in hosts and in paths.
    private static func name(_ text: String, _ field: String, atMost most: Int = 63) throws(StorageError) -> String {
        let bytes = text.utf8
        let isName =
            (3...most).contains(bytes.count) && bytes.first.map(isAlphanumeric) == true
            && bytes.last.map(isAlphanumeric) == true
            && bytes.allSatisfy { isAlphanumeric($0) || "-._".utf8.contains($0) } && !text.contains("..")
        guard isName else { throw invalid(field, "must be the name of a \(field)") }
        return text
    }

    private static func region(_ text: String) throws(StorageError) -> String {
        guard (1...32).contains(text.utf8.count), text.utf8.allSatisfy({ isAlphanumeric($0) || $0 == UInt8(ascii: "-") }) else {
            throw invalid("region", "must be the name of a region")
        }
        return text
    }

    /// Without a `/` at its end, scheme and host in lower case.
    private static func endpoint(_ text: String) throws(StorageError) -> String {
        guard text.utf8.count <= 1024, var parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased(),
            ["http", "https"].contains(scheme), let host = parts.host?.lowercased(), !host.isEmpty, parts.user == nil,
            parts.password == nil, parts.query == nil, parts.fragment == nil
        else { throw invalid("endpoint", "must be a URL such as https://s3.example.com") }
        parts.scheme = scheme
        parts.host = host
        if parts.port == (scheme == "https" ? 443 : 80) { parts.port = nil }
        while parts.percentEncodedPath.hasSuffix("/") { parts.percentEncodedPath.removeLast() }
        guard let url = parts.string else { throw invalid("endpoint", "must be a URL such as https://s3.example.com") }
        return url
    }

    /// Segments that no service, proxy or file system takes for something else, each followed by one `/`.
    private static func prefix(_ text: String) throws(StorageError) -> String {
        let segments = text.split(separator: "/")
        guard !segments.isEmpty else { return "" }
        let isSafe = segments.allSatisfy { segment in
            segment != "." && segment != ".."
                && segment.utf8.allSatisfy {
                    isAlphanumeric($0) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) || "-._".utf8.contains($0)
                }
        }
        guard isSafe, text.utf8.count <= 200 else {
            throw invalid("pathPrefix", "must be at most 200 letters, digits and -._ in segments between slashes")
        }
        return segments.joined(separator: "/") + "/"
    }

    /// What is sent in header fields: printable, and of a length that some service gives.
    private static func require(_ text: String, atMost most: Int, _ field: String) throws(StorageError) {
        guard (1...most).contains(text.utf8.count), text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw invalid(field, text.isEmpty ? "is missing" : "is not one")
        }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    /// - Parameter field: by the name that clients use. What was sent is not repeated: it may be a secret in the wrong place.
    private static func invalid(_ field: String, _ rule: String) -> StorageError {
        StorageError(.invalidParameter, "\(field) \(rule)", resource: field)
    }
}

extension BackendPlace.Azure {
    /// What a connection string says of the place: its account and the URL of its blob service.
    ///
    /// See "Configure Azure Storage connection strings" in Microsoft's documentation.
    /// - Throws: `StorageError` with `.invalidParameter`.
    public init(container: String, connectionString: String, pathPrefix: String = "") throws(StorageError) {
        var fields: [String: String] = [:]
        for field in connectionString.split(separator: ";") {
            // Keys end in `=`, so only the first one separates.
            guard let separator = field.firstIndex(of: "=") else { throw Self.unreadable }
            fields[field[..<separator].lowercased()] = String(field[field.index(after: separator)...])
        }
        let scheme = fields["defaultendpointsprotocol"] ?? "https"
        let named = fields["accountname"]
        guard
            let endpoint = fields["blobendpoint"]
                ?? named.map({ account in
                    "\(scheme)://\(account).blob.\(fields["endpointsuffix"] ?? "core.windows.net")"
                }), fields["accountkey"] != nil || fields["sharedaccesssignature"] != nil
        else { throw Self.unreadable }
        guard let account = named ?? Self.account(of: endpoint) else { throw Self.unreadable }
        self.init(account: account, container: container, endpoint: endpoint, pathPrefix: pathPrefix)
    }

    /// The first label of the host: connection strings with a shared access signature name no account.
    private static func account(of endpoint: String) -> String? {
        URLComponents(string: endpoint)?.host?.split(separator: ".").first.map(String.init)
    }

    private static let unreadable = StorageError(
        .invalidParameter,
        "connectionString must name the account and an AccountKey, or a BlobEndpoint and a SharedAccessSignature",
        resource: "connectionString")
}
