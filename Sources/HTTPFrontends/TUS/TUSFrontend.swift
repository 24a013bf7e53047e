// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
public import Hummingbird
public import MediaCore
import NIOCore

/// Resumable uploads as TUS 1.0 defines them, with Supabase Storage's URLs, metadata keys and answers: below
/// `/upload/resumable`, with a signed token below `/upload/resumable/sign`, and both below `/storage/v1` too.
public struct TUSFrontend: Frontend {
    public struct Configuration: Sendable {
        /// In bytes, for `Tus-Max-Size`.
        public var maxUploadBytes: Int64
        /// For the URLs of uploads.
        public var origin: PublicOrigin

        public init(maxUploadBytes: Int64, origin: PublicOrigin) {
            self.maxUploadBytes = maxUploadBytes
            self.origin = origin
        }
    }

    public let name = "tus"
    let storage: Storage
    let configuration: Configuration

    public init(storage: Storage, configuration: Configuration) {
        self.storage = storage
        self.configuration = configuration
    }

    public func respond(to request: Request, context: MagpieRequestContext) async -> Response? {
        let target = request.head.path ?? "/"
        guard let path = TUSPath(target.prefix { $0 != "?" }) else { return nil }
        let call = TUSCall(path: path, request: request, target: target, context: context, frontend: self)
        var response: Response
        do {
            response = try await call.answer()
        } catch {
            response = render(TUSError(error), to: request, trace: context.trace)
        }
        response.headers[.tusResumable] = TUSCall.version
        return response
    }

    private func render(_ error: TUSError, to request: Request, trace: RequestTrace) -> Response {
        trace.error = error.cause.map { "\($0)" } ?? error.message
        var headers: HTTPFields = [.contentType: "text/plain; charset=utf-8", .cacheControl: "no-store"]
        if error.status == .preconditionFailed { headers[.tusVersion] = TUSCall.version }
        if error.status == .serviceUnavailable || error.status == .tooManyRequests { headers[.retryAfter] = "1" }
        // The rest of a refused body is not waited for.
        if request.announcedLength != 0 { headers[.connection] = "close" }
        return Response(status: error.status, headers: headers, body: .init(byteBuffer: ByteBuffer(string: error.message)))
    }
}

/// A path of this dialect.
struct TUSPath: Hashable {
    /// Everything up to the upload's name, as the client sent it: where its uploads are found.
    let base: Substring
    /// Whether a signed token stands for the caller.
    let isSigned: Bool
    /// The name of an upload. Nil for the place where they are made.
    let upload: Substring?

    /// Nil for a path of another dialect.
    init?(_ path: Substring) {
        var rest = path
        for prefix in ["/storage/v1", ""] where rest.hasPrefix(prefix + Self.root) {
            rest = rest.dropFirst((prefix + Self.root).count)
            break
        }
        guard rest.startIndex != path.startIndex, rest.first ?? "/" == "/" else { return nil }
        let signed = "/sign"
        isSigned = rest.hasPrefix(signed) && rest.dropFirst(signed.count).first ?? "/" == "/"
        if isSigned { rest = rest.dropFirst(signed.count) }
        base = path[..<rest.startIndex]
        let name = rest.drop { $0 == "/" }
        upload = name.isEmpty ? nil : name
    }

    private static let root = "/upload/resumable"
}
