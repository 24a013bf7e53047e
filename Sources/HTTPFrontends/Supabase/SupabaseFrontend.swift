// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
public import Hummingbird
public import MediaCore
import NIOCore

/// The REST interface of Supabase Storage, at `/` and at `/storage/v1`.
public struct SupabaseFrontend: Frontend {
    public struct Configuration: Sendable {
        /// What `GET /version` says.
        public var version: String
        /// The largest JSON body, in bytes.
        public var maxJSONBytes: Int
        /// The largest `metadata` field of a form, in bytes.
        public var maxUserMetadataBytes: Int
        /// Seconds for `s-maxage` on answers to conditional reads. 0 adds none.
        public var sharedMaxAge: Int

        public init(version: String, maxJSONBytes: Int = 1 << 20, maxUserMetadataBytes: Int = 1 << 20, sharedMaxAge: Int = 0) {
            self.version = version
            self.maxJSONBytes = maxJSONBytes
            self.maxUserMetadataBytes = maxUserMetadataBytes
            self.sharedMaxAge = sharedMaxAge
        }
    }

    public let name = "supabase"
    let storage: Storage
    let configuration: Configuration
    let hotReads: HotReads

    /// - Parameter hotReads: where ready answers to public reads are left for the connection to give.
    public init(storage: Storage, configuration: Configuration, hotReads: HotReads) {
        self.storage = storage
        self.configuration = configuration
        self.hotReads = hotReads
    }

    private static let mount: Substring = "/storage/v1"
    private static let ownSegments: Set<Substring> = ["bucket", "object", "render", "cdn", "status", "version", "health"]

    public func respond(to request: Request, context: MagpieRequestContext) async -> Response? {
        let target = request.head.path ?? "/"
        let path = target.prefix { $0 != "?" }
        guard let ownPath = Self.ownPath(path) else { return nil }
        do {
            try Self.requireReadableContentType(request)
            guard let route = SupabaseRoute(method: request.method, path: ownPath) else {
                throw SupabaseError.routeNotFound(method: request.method.rawValue, target: target)
            }
            context.trace.operation = route.operation
            let call = try SupabaseCall(route: route, request: request, target: target, context: context, frontend: self)
            return try await call.answer()
        } catch {
            return Self.render(SupabaseError(error), to: request, trace: context.trace)
        }
    }

    /// The path below the mount point. Nil when it belongs to another front-end.
    private static func ownPath(_ path: Substring) -> Substring? {
        if path.hasPrefix(mount), path.dropFirst(mount.count).first ?? "/" == "/" { return path.dropFirst(mount.count) }
        let head = path.dropFirst().prefix { $0 != "/" }
        return ownSegments.contains(head) ? path : nil
    }

    // On every route and before anything else: what can't be a media type is refused.
    private static func requireReadableContentType(_ request: Request) throws(SupabaseError) {
        guard let value = request.headers[.contentType] else { return }
        guard value.contains("/"), !value.contains("\t") else { throw .invalidContentType }
    }

    private static func render(_ error: SupabaseError, to request: Request, trace: RequestTrace) -> Response {
        trace.error = error.cause.map { "\($0)" } ?? "\(error.code): \(error.message)"
        var headers: HTTPFields = [.contentType: "application/json; charset=utf-8"]
        if error.isUncacheable { headers[.cacheControl] = "no-store" }
        if error.statusCode == 429 || error.statusCode == 503 { headers[.retryAfter] = "1" }
        if let resource = (error.cause as? StorageError)?.resource, error.statusCode == 416 {
            headers[.contentRange] = "bytes */\(resource)"
        }
        if request.mayHaveUnreadBody { headers[.connection] = "close" }
        let body = ByteBuffer(string: error.body)
        if request.method == .head {
            headers[.contentLength] = String(body.readableBytes)
            return Response(status: error.httpStatus, headers: headers)
        }
        return Response(status: error.httpStatus, headers: headers, body: .init(byteBuffer: body))
    }
}
