// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import WireFormats

/// Which pages of other origins may call a bucket, by the bucket's own rules. A bucket without rules has the server's.
struct S3CrossOrigin {
    private let request: Request
    private let target: S3Target
    private let storage: Storage

    init(_ request: Request, _ target: S3Target, _ storage: Storage) {
        self.request = request
        self.target = target
        self.storage = storage
    }

    /// Answers a preflight request. Nil where the server's own policy holds.
    /// - Throws: `S3Error` with `AccessForbidden` when no rule allows the call; `StorageError` for a bucket that is not there.
    func preflight(_ trace: RequestTrace) async throws -> Response? {
        guard let origin = request.headers[.origin], let rules = try await rules(trace) else { return nil }
        trace.decidedCORS = true
        let method = request.headers[.accessControlRequestMethod] ?? ""
        let headers = S3Fields.list(request.headers[.accessControlRequestHeaders])
        guard let rule = rules.first(where: { $0.allows(origin: origin, method: method, headers: headers) }) else {
            throw S3Error(
                .forbidden, "AccessForbidden",
                "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / "
                    + "Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."
            )
        }
        var response = Response(status: .ok)
        allow(origin, rule, &response.headers)
        if !headers.isEmpty { response.headers[.accessControlAllowHeaders] = headers.joined(separator: ", ") }
        response.headers[.accessControlMaxAge] = rule.maxAge.map(String.init)
        return response
    }

    /// Says in an answer which page may read it.
    func decorate(_ response: inout Response, _ trace: RequestTrace) async {
        guard let origin = request.headers[.origin] else { return }
        do {
            guard let rules = try await rules(trace) else { return }
            trace.decidedCORS = true
            guard let rule = rules.first(where: { $0.allows(origin: origin, method: request.method.rawValue) }) else { return }
            allow(origin, rule, &response.headers)
        } catch {
            // The bucket is not there, or the database is not: the answer says so already, to any page.
        }
    }

    /// The rules of the bucket named. Nil when it has none.
    private func rules(_ trace: RequestTrace) async throws -> [CORSRule]? {
        guard let raw = target.rawBucket, let name = PercentEncoding.decode(raw) else { return nil }
        let facts = RequestFacts(operation: Operation("cors"), method: request.method.rawValue, requestID: trace.requestID)
        return try await storage.buckets.settings(of: try BucketID(existing: name), facts: facts).cors
    }

    private func allow(_ origin: String, _ rule: CORSRule, _ fields: inout HTTPFields) {
        let isForAll = rule.allowedOrigins.contains("*")
        fields[.accessControlAllowOrigin] = isForAll ? "*" : origin
        if !isForAll { fields[.accessControlAllowCredentials] = "true" }
        fields[.accessControlAllowMethods] = rule.allowedMethods.joined(separator: ", ")
        if !rule.exposedHeaders.isEmpty {
            fields[.accessControlExposeHeaders] = rule.exposedHeaders.joined(separator: ", ")
        }
        fields[.vary] = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"
    }
}
