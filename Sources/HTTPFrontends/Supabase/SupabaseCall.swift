// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import NIOCore
import WireFormats

/// One request to this dialect, decoded as far as all routes need it.
struct SupabaseCall {
    let route: SupabaseRoute
    let request: Request
    /// The request target as sent, query included.
    let target: String
    let query: RequestFields
    let context: MagpieRequestContext
    let frontend: SupabaseFrontend

    var storage: Storage { frontend.storage }

    /// - Throws: `SupabaseError` for a query that can't be read.
    init(
        route: SupabaseRoute, request: Request, target: String, context: MagpieRequestContext, frontend: SupabaseFrontend
    ) throws(SupabaseError) {
        self.route = route
        self.request = request
        self.target = target
        self.context = context
        self.frontend = frontend
        let text = target.utf8.firstIndex(of: UInt8(ascii: "?")).map { target[target.utf8.index(after: $0)...] } ?? ""
        do {
            let fields = try QueryParameters(parsing: text).all.map { ($0.name, RequestValue.string($0.value)) }
            self.query = RequestFields(location: "querystring", fields: Dictionary(fields) { first, _ in first })
        } catch {
            throw .malformedQuery
        }
    }

    func answer() async throws -> Response {
        switch route {
        case .status: return Response(status: .ok)
        case .version: return Self.text(frontend.configuration.version)
        case .health: return try await health()
        case .createBucket: return try await createBucket()
        case .listBuckets: return try await listBuckets()
        case .getBucket(let id): return try await getBucket(id)
        case .updateBucket(let id): return try await updateBucket(id)
        case .deleteBucket(let id): return try await deleteBucket(id)
        case .emptyBucket(let id): return try await emptyBucket(id)
        case .upload(let bucket, let key): return try await upload(bucket, key, alwaysReplaces: false)
        case .update(let bucket, let key): return try await upload(bucket, key, alwaysReplaces: true)
        case .signUpload(let bucket, let key): return try await signUpload(bucket, key)
        case .uploadSigned(let bucket, let key): return try await uploadSigned(bucket, key)
        case .download(let access, let bucket, let key): return try await download(access, bucket, key)
        case .head(let access, let bucket, let key): return try await head(access, bucket, key)
        case .info(let access, let bucket, let key, let isHead): return try await info(access, bucket, key, isHead: isHead)
        case .render(let access, let bucket, let key): return try await render(access, bucket, key)
        case .deleteObject(let bucket, let key): return try await deleteObject(bucket, key)
        case .deleteObjects(let bucket): return try await deleteObjects(bucket)
        case .copy: return try await copy()
        case .move: return try await move()
        case .sign(let bucket, let key): return try await sign(bucket, key)
        case .signMany(let bucket): return try await signMany(bucket)
        case .list(let bucket): return try await list(bucket)
        case .listV2(let bucket): return try await listV2(bucket)
        case .purge(let path): return try purge(path)
        }
    }
}

// MARK: - Credentials

extension SupabaseCall {
    var facts: RequestFacts {
        RequestFacts(
            operation: Operation(route.operation), method: request.method.rawValue, path: target,
            headers: request.headers.map { ($0.name.canonicalName, $0.value) }, requestID: context.trace.requestID)
    }

    /// The caller of a route whose schema asks for the header.
    func requiredCaller() throws -> Caller {
        guard let token else { throw SupabaseError.missingAuthorization }
        return try caller(token)
    }

    /// The caller of a route that treats a missing token as a bad one.
    func verifiedCaller() throws -> Caller { try caller(token ?? "") }

    /// By what right a route may read that takes a token where there is one: nobody in particular may still read what is public.
    func optionalAccess() -> Access {
        guard let token, let caller = try? caller(token) else { return .publicBucket(facts) }
        return .policy(caller)
    }

    private func caller(_ token: String) throws(StorageError) -> Caller {
        Caller(principal: try storage.authenticator.principal(token: token), facts: facts)
    }

    private var token: String? { request.bearerToken }
}

extension HTTPField.Name {
    static let robotsTag = known("x-robots-tag")
    static let clientInfo = known("x-client-info")
}

// MARK: - Path and body

extension SupabaseCall {
    func bucketID(_ raw: String) throws -> BucketID {
        let bucket = try BucketID(existing: Self.decoded(raw))
        context.trace.bucket = bucket
        return bucket
    }

    func address(_ bucket: String, _ key: String) throws -> ObjectAddress {
        ObjectAddress(bucket: try bucketID(bucket), key: try ObjectKey(Self.decoded(key)))
    }

    static func decoded(_ raw: String) throws(SupabaseError) -> String {
        guard let text = PercentEncoding.decode(raw) else { throw .malformedPath }
        return text
    }

    /// The JSON object in the body.
    func body() async throws -> RequestFields {
        guard hasJSONBody else { throw SupabaseError.validation("body must be object") }
        let bytes = try await collected()
        guard bytes.readableBytes > 0 else { throw SupabaseError.emptyJSON }
        return try RequestFields(body: bytes.readableBytesView)
    }

    /// For routes that need no body and must not mind one.
    func ignoredBody() async throws {
        guard hasJSONBody else { return }
        let bytes = try await collected()
        if bytes.readableBytes > 0 { _ = try RequestFields(body: bytes.readableBytesView) }
    }

    private var hasJSONBody: Bool {
        guard let type = request.headers[.contentType] else { return false }
        return type.prefix { $0 != ";" }.trimmingSpaces.lowercased() == "application/json"
    }

    private func collected() async throws -> ByteBuffer {
        do {
            return try await request.collect(upTo: frontend.configuration.maxJSONBytes, context)
        } catch let error as StorageError where error.code == .tooLarge {
            throw SupabaseError.bodyTooLarge
        }
    }
}

// MARK: - Answers

extension SupabaseCall {
    static func json(_ text: String, headers: HTTPFields = [:]) -> Response {
        var headers = headers
        headers[.contentType] = "application/json; charset=utf-8"
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(string: text)))
    }

    static func message(_ text: String) -> Response { json(JSONWriter.object { $0.field("message", text) }) }

    static func text(_ text: String) -> Response {
        Response(
            status: .ok, headers: [.contentType: "text/plain; charset=utf-8"], body: .init(byteBuffer: ByteBuffer(string: text)))
    }

    private func health() async throws -> Response {
        _ = try verifiedCaller()
        do {
            try await storage.ping()
            return Self.json(#"{"healthy":true}"#)
        } catch {
            context.trace.error = "\(error)"
            return Self.json(#"{"healthy":false}"#)
        }
    }

    /// There is no CDN to purge: Magpie's own caches follow every change by themselves.
    private func purge(_ path: String) throws -> Response {
        try storage.buckets.requireService(try requiredCaller())
        guard !path.hasSuffix("/") else { throw SupabaseError.validation("params/* must NOT have fewer than 1 characters") }
        throw StorageError(
            .notConfigured, "Missing Required Parameter CDN_PURGE_ENDPOINT_URL", resource: "CDN_PURGE_ENDPOINT_URL")
    }
}

extension Substring {
    var trimmingSpaces: Substring {
        var text = self
        while let first = text.first, first == " " || first == "\t" { text = text.dropFirst() }
        while let last = text.last, last == " " || last == "\t" { text = text.dropLast() }
        return text
    }
}
