// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
import MediaCore
import NIOCore
import NIOHTTP1
import WireFormats

/// A request to the JSON API of Google Cloud Storage. Its body is in memory, so that it can be sent again.
struct GCSRequest: Sendable {
    enum Target: Sendable {
        /// The bucket's objects.
        case objects
        /// One object, or what is done with it: `compose`.
        case object(String, action: String = "")
        /// Where new objects are sent to.
        case uploads
        /// An upload under way: path and query of its URL.
        case session(String)
    }

    var method: HTTPMethod
    var target: Target
    var query: [QueryParameters.Parameter] = []
    /// Names in lower case.
    var fields: [NamedValue] = []
    var body: ByteBuffer?
    /// Statuses that are answers, though they are none of success.
    var accepted: Set<UInt> = []

    init(
        _ method: HTTPMethod, _ target: Target, query: [(String, String)] = [], fields: [NamedValue] = [], body: ByteBuffer? = nil
    ) {
        self.method = method
        self.target = target
        self.query = query.map { .init(name: $0.0, value: $0.1) }
        self.fields = fields
        self.body = body
    }
}

/// How the JSON API is spoken.
struct GCSDialect: ServiceDialect {
    let configuration: GCSConfiguration
    let tokens: AccessTokens

    func bodyBytes(_ request: GCSRequest) -> Int { request.body?.readableBytes ?? 0 }

    func prepared(_ request: GCSRequest) async throws -> HTTPClientRequest {
        let token = try await tokens.current()
        var prepared = HTTPClientRequest(url: try url(request))
        prepared.method = request.method
        prepared.headers.add(name: "authorization", value: "Bearer \(token)")
        for field in request.fields { prepared.headers.add(name: field.name, value: field.value) }
        if let body = request.body { prepared.body = .bytes(body) }
        return prepared
    }

    func accepts(_ status: HTTPResponseStatus, for request: GCSRequest) -> Bool { request.accepted.contains(status.code) }

    private func url(_ request: GCSRequest) throws(ServiceFailure) -> String {
        let endpoint = configuration.endpoint
        let (base, bucket) = ("\(endpoint.scheme)://\(endpoint.authority)", PercentEncoding.encodeComponent(configuration.bucket))
        let objects = "\(endpoint.path)/storage/v1/b/\(bucket)/o"
        var url: String
        switch request.target {
        case .objects: url = base + objects
        case .object(let name, let action):
            // All of the name is one segment, so none of it can be taken for a step up, unless it is nothing else.
            guard !name.isEmpty, name != ".", name != ".." else { throw ServiceFailure(.malformed("a name that no URL carries")) }
            url = base + objects + "/" + PercentEncoding.encodeComponent(name) + (action.isEmpty ? "" : "/\(action)")
        case .uploads: url = "\(base)\(endpoint.path)/upload/storage/v1/b/\(bucket)/o"
        case .session(let target): url = base + target
        }
        if !request.query.isEmpty {
            url += "?" + request.query.map { "\($0.name)=\(PercentEncoding.encodeComponent($0.value))" }.joined(separator: "&")
        }
        return url
    }

    private struct Refusal: Decodable {
        struct Detail: Decodable {
            struct Reason: Decodable { var reason: String? }
            var errors: [Reason]?
        }
        var error: Detail
    }

    func errorCode(_ headers: HTTPHeaders, _ document: ByteBuffer) -> String? {
        // The reason is the same for a bucket as for an object, in JSON and in the plain text of downloads: the message tells them apart.
        let text = String(decoding: document.readableBytesView, as: UTF8.self)
        if text.contains("bucket does not exist") { return "NoSuchBucket" }
        // What is no refusal has no code: the status is all there is.
        guard let refusal = try? JSONDecoder().decode(Refusal.self, from: Data(document.readableBytesView)) else { return nil }
        return refusal.error.errors?.first?.reason
    }

    func recovers(from failure: ServiceFailure) async -> Bool {
        // A token may end before its time: with its key, or with the clock of this machine.
        guard failure.status == 401 else { return false }
        await tokens.rejectLast()
        return true
    }
}
