// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import WireFormats

/// A request to the bucket, or to a key in it. Its body is in memory, so that it can be sent again.
struct S3Request: Sendable {
    var method: HTTPMethod
    /// As the service knows it. Nil: the bucket itself.
    var key: String?
    var query: [QueryParameters.Parameter] = []
    /// Names in lower case.
    var fields: [NamedValue] = []
    var body: ByteBuffer?

    init(
        _ method: HTTPMethod, _ key: String? = nil, query: [QueryParameters.Parameter] = [], fields: [NamedValue] = [],
        body: ByteBuffer? = nil
    ) {
        self.method = method
        self.key = key
        self.query = query
        self.fields = fields
        self.body = body
    }

    /// The request as it goes over the wire, signed.
    ///
    /// The digest of the body is part of what is signed, so the service refuses a body that changed on its way.
    /// - Throws: `ServiceFailure` for a key that no URL can carry unchanged.
    func signed(_ configuration: S3Configuration, at time: SigningTime) throws(ServiceFailure) -> HTTPClientRequest {
        var head = RequestHead(
            method: method.rawValue, path: try path(configuration), query: queryText,
            fields: fields + [NamedValue("host", host(configuration))])
        let payload: PayloadHash = body.map { .digest(Checksum.of($0.readableBytesView, .sha256)) } ?? .empty
        do {
            try RequestSigner(credentials: configuration.credentials, region: configuration.region)
                .sign(&head, payload: payload, at: time)
        } catch {
            throw ServiceFailure(.malformed("the request can't be signed: \(error)"))
        }
        let url = "\(configuration.endpoint.scheme)://\(host(configuration))\(head.path)\(head.query.map { "?\($0)" } ?? "")"
        var request = HTTPClientRequest(url: url)
        request.method = method
        for field in head.fields { request.headers.add(name: field.name, value: field.value) }
        if let body { request.body = .bytes(body) }
        return request
    }

    private func host(_ configuration: S3Configuration) -> String {
        switch configuration.addressing {
        case .path: configuration.endpoint.authority
        case .virtualHost: "\(configuration.bucket).\(configuration.endpoint.authority)"
        }
    }

    private func path(_ configuration: S3Configuration) throws(ServiceFailure) -> String {
        var path = configuration.endpoint.path
        if configuration.addressing == .path { path += "/" + PercentEncoding.encodeComponent(configuration.bucket) }
        guard let key else { return path.isEmpty ? "/" : path }
        // Whoever resolves a URL on the way would make another key of it.
        guard !key.isEmpty,
            !key.split(separator: "/", omittingEmptySubsequences: false).contains(where: { $0 == "." || $0 == ".." })
        else { throw ServiceFailure(.malformed("a key with a segment . or ..")) }
        return path + "/" + PercentEncoding.encodeComponents(ofPath: key)
    }

    /// As it was written: the names of S3's parameters are told apart by their case.
    private var queryText: String? {
        guard !query.isEmpty else { return nil }
        return query.map { "\(PercentEncoding.encodeComponent($0.name))=\(PercentEncoding.encodeComponent($0.value))" }
            .joined(separator: "&")
    }
}

extension QueryParameters.Parameter {
    init(_ name: String, _ value: String) { self.init(name: name, value: value) }
}
