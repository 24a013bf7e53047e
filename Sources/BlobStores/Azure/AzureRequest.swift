// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import MediaCore
import NIOCore
import NIOHTTP1
import WireFormats

/// A request to a container, or to a blob in it. Its body is in memory, so that it can be sent again.
struct AzureRequest: Sendable {
    var method: HTTPMethod
    /// As the service knows it. Nil: the container itself.
    var name: String?
    var query: [QueryParameters.Parameter] = []
    /// Names in lower case.
    var fields: [NamedValue] = []
    var body: ByteBuffer?

    init(
        _ method: HTTPMethod, _ name: String? = nil, query: [QueryParameters.Parameter] = [], fields: [NamedValue] = [],
        body: ByteBuffer? = nil
    ) {
        self.method = method
        self.name = name
        self.query = query
        self.fields = fields
        self.body = body
    }
}

/// How Azure's blob service is spoken.
struct AzureDialect: ServiceDialect {
    let configuration: AzureConfiguration

    func bodyBytes(_ request: AzureRequest) -> Int { request.body?.readableBytes ?? 0 }

    func prepared(_ request: AzureRequest) throws -> HTTPClientRequest {
        var head = RequestHead(
            method: request.method.rawValue, path: try path(of: request.name), query: query(of: request), fields: request.fields)
        head.fields.append(NamedValue("x-ms-version", BlobAccessSignature.version))
        switch configuration.credentials {
        case .signature(let signature):
            head.query = [head.query, signature].compactMap { $0 }.joined(separator: "&")
        case .key(let key):
            head.fields.append(NamedValue("x-ms-date", Timestamp.now().httpDate))
            var signed = head
            if let body = request.body { signed.fields.append(NamedValue("content-length", String(body.readableBytes))) }
            do {
                head.fields.append(NamedValue("authorization", try key.authorization(for: signed)))
            } catch {
                throw ServiceFailure(.malformed("the request can't be signed: \(error)"))
            }
        }
        var prepared = HTTPClientRequest(url: Self.url(configuration.endpoint, head))
        prepared.method = request.method
        for field in head.fields { prepared.headers.add(name: field.name, value: field.value) }
        if let body = request.body { prepared.body = .bytes(body) }
        return prepared
    }

    func errorCode(_ headers: HTTPHeaders, _ document: ByteBuffer) -> String? { headers.first(name: "x-ms-error-code") }

    /// - Throws: `ServiceFailure` for a name that no URL can carry unchanged.
    func path(of name: String?) throws(ServiceFailure) -> String {
        let container = configuration.endpoint.path + "/" + PercentEncoding.encodeComponent(configuration.container)
        guard let name else { return container }
        // Whoever resolves a URL on the way would make another name of it.
        guard !name.isEmpty,
            !name.split(separator: "/", omittingEmptySubsequences: false).contains(where: { $0 == "." || $0 == ".." })
        else { throw ServiceFailure(.malformed("a name with a segment . or ..")) }
        return container + "/" + PercentEncoding.encodeComponents(ofPath: name)
    }

    private func query(of request: AzureRequest) -> String? {
        guard !request.query.isEmpty else { return nil }
        return request.query.map { "\(PercentEncoding.encodeComponent($0.name))=\(PercentEncoding.encodeComponent($0.value))" }
            .joined(separator: "&")
    }

    private static func url(_ endpoint: ServiceEndpoint, _ head: RequestHead) -> String {
        "\(endpoint.scheme)://\(endpoint.authority)\(head.path)\(head.query.map { "?\($0)" } ?? "")"
    }

    /// A URL with which the service itself may read a blob for the next hour.
    func source(_ name: String) throws(ServiceFailure) -> String {
        let head = RequestHead(method: "GET", path: try path(of: name), query: readSignature(name), fields: [])
        return Self.url(configuration.endpoint, head)
    }

    private func readSignature(_ name: String) -> String {
        switch configuration.credentials {
        case .signature(let signature): return signature
        case .key(let key):
            let expires = SigningTime(secondsSince1970: Timestamp.now().seconds + 3600)
            return BlobAccessSignature(
                permissions: "r", container: configuration.container, blob: name, expires: expires,
                isSecureOnly: configuration.endpoint.scheme == "https"
            ).query(signedBy: key)
        }
    }
}
