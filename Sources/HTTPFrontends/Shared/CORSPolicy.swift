// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// Which web pages may use the server from a browser: there is no gateway in front that would say so.
///
/// Other origins are never allowed to use cookies (there is no `Access-Control-Allow-Credentials`), so that credentials are bearer tokens
/// to them and `*` opens nothing that a plain client could not do.
public struct CORSPolicy: Sendable {
    /// The origins that may read answers.
    public enum Origins: Hashable, Sendable {
        case any
        /// Exact origins (`https://app.example.com`); an empty set switches CORS off.
        case only(Set<String>)
    }

    private let origins: Origins

    public init(origins: Origins = .any) { self.origins = origins }

    private static let methods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

    /// What clients of the dialects send, for browsers that ask without naming theirs.
    private static let headers = """
        authorization, apikey, x-client-info, content-type, cache-control, x-upsert, x-metadata, x-robots-tag, range, if-match, \
        if-none-match, if-modified-since, if-range, x-signature, x-request-id, tus-resumable, upload-length, upload-offset, \
        upload-complete, upload-draft-interop-version, upload-metadata, upload-defer-length, upload-concat, upload-checksum, x-http-method-override, x-amz-content-sha256, \
        x-amz-date, x-amz-security-token, x-amz-user-agent, amz-sdk-request, amz-sdk-invocation-id
        """

    /// What scripts may read of an answer besides the safelisted fields.
    static let exposed = """
        accept-ranges, content-disposition, content-encoding, content-length, content-range, date, etag, last-modified, location, \
        retry-after, server-timing, tus-resumable, tus-version, tus-extension, tus-max-size, tus-checksum-algorithm, upload-offset, \
        upload-complete, upload-draft-interop-version, upload-length, upload-limit, tus-complete, upload-metadata, upload-defer-length, upload-expires, upload-concat, x-robots-tag, x-request-id, \
        x-amz-request-id, x-amz-version-id, x-amz-delete-marker
        """

    /// The answer to a preflight request (Fetch §4.8), or nil when the request is not one.
    func preflight(_ request: HTTPRequest) -> HTTPFields? {
        guard request.method == .options, request.headerFields[.origin] != nil,
            request.headerFields[.accessControlRequestMethod] != nil
        else { return nil }
        var fields: HTTPFields = [:]
        allow(request.headerFields[.origin], in: &fields)
        guard fields[.accessControlAllowOrigin] != nil else { return fields }
        fields[.accessControlAllowMethods] = Self.methods
        // Headers are no boundary here (see above), so what is asked for is allowed: clients send names of their own.
        fields[.accessControlAllowHeaders] =
            request.headerFields[.accessControlRequestHeaders].flatMap(Self.tokenList) ?? Self.headers
        fields[.accessControlMaxAge] = "7200"
        fields[.vary] = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
        return fields
    }

    /// Adds what a browser needs in order to hand the answer to the page. A field that a front-end set itself stays.
    func decorate(_ fields: inout HTTPFields, origin: String?) {
        guard fields[.accessControlAllowOrigin] == nil else { return }
        allow(origin, in: &fields)
        if fields[.accessControlAllowOrigin] != nil { fields[.accessControlExposeHeaders] = Self.exposed }
    }

    /// The same as header lines, for answers that are put together as bytes.
    func lines(origin: String?) -> String {
        switch origins {
        case .any: Self.openLines
        case .only(let known):
            if let origin, known.contains(origin) {
                "vary: Origin\r\naccess-control-allow-origin: \(origin)\r\naccess-control-expose-headers: \(Self.exposed)\r\n"
            } else {
                known.isEmpty ? "" : "vary: Origin\r\n"
            }
        }
    }

    private static let openLines = "access-control-allow-origin: *\r\naccess-control-expose-headers: \(exposed)\r\n"

    private func allow(_ origin: String?, in fields: inout HTTPFields) {
        switch origins {
        case .any: fields[.accessControlAllowOrigin] = "*"
        case .only(let known):
            guard !known.isEmpty else { return }
            fields.append(HTTPField(name: .vary, value: "Origin"))
            if let origin, known.contains(origin) { fields[.accessControlAllowOrigin] = origin }
        }
    }

    /// The list as it came when it is one of field names, nil otherwise.
    private static func tokenList(_ text: String) -> String? {
        guard text.utf8.count <= 4096 else { return nil }
        let names = text.split(separator: ",").map { $0.drop { $0 == " " } }.map { name in
            name.reversed().drop { $0 == " " }.reversed().reduce(into: "") { $0.append($1) }
        }
        return names.isEmpty || names.contains { HTTPField.Name($0) == nil } ? nil : names.joined(separator: ", ")
    }
}
