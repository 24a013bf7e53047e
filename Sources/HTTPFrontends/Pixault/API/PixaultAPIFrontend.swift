// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
public import Hummingbird
public import MediaCore

/// Pixault's interface below `/api`: uploads, the library of assets with their metadata and folders, work on documents, what projects
/// configure of their images (named transforms, watermarks, plugins, and whether originals have to be signed for), and what a project is
/// and used. A project is a bucket.
public struct PixaultAPIFrontend: Frontend {
    public struct Configuration: Sendable {
        /// The largest JSON body, in bytes.
        public var maxJSONBytes: Int
        /// The largest picture of a watermark, in bytes.
        public var maxWatermarkBytes: Int
        /// Of the URLs in answers.
        public var origin: PublicOrigin

        public init(
            maxJSONBytes: Int = 64 << 10, maxWatermarkBytes: Int = 5_000_000,
            origin: PublicOrigin = PublicOrigin(url: nil, isTLS: false)
        ) {
            self.origin = origin
            self.maxJSONBytes = maxJSONBytes
            self.maxWatermarkBytes = maxWatermarkBytes
        }
    }

    public let name = "pixault"
    let storage: Storage
    let configuration: Configuration

    public init(storage: Storage, configuration: Configuration) {
        self.storage = storage
        self.configuration = configuration
    }

    public func respond(to request: Request, context: MagpieRequestContext) async -> Response? {
        let target = request.head.path ?? "/"
        guard let route = PixaultAPIRoute(path: target.prefix { $0 != "?" }) else { return nil }
        context.trace.operation = route.operation
        let call = PixaultAPICall(route: route, request: request, target: target, context: context, frontend: self)
        var response: Response
        do {
            response = try await call.answer()
            // What it says is somebody's, and changes.
            response.headers[.cacheControl] = "no-store"
        } catch {
            let problem = PixaultProblem(error)
            response = problem.response(to: request, context.trace)
            if problem.status == .methodNotAllowed { response.headers[.allow] = route.methods.joined(separator: ", ") }
            if problem.status == .unauthorized { response.headers[.wwwAuthenticate] = "Bearer" }
        }
        response.dropBody(ifHead: request)
        return response
    }
}
