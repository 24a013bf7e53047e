// SPDX-License-Identifier: Apache-2.0

public import HTTPTypes
public import Hummingbird
public import MediaCore

/// bkend's interface below `/v1`: people of an app who sign up and in, and its files. The project is that of the key in `X-API-Key`.
public struct FilesAPIFrontend: Frontend {
    public struct Configuration: Sendable {
        public var envelope: FilesEnvelope
        /// The largest JSON body, in bytes.
        public var maxJSONBytes: Int
        /// Of the URLs in answers.
        public var origin: PublicOrigin
        /// In which field a proxy in front says whom it asks for, the last of a list. Nil: who connects is who asks.
        public var clientAddressField: HTTPField.Name?

        public init(
            envelope: FilesEnvelope = .both, maxJSONBytes: Int = 64 << 10,
            origin: PublicOrigin = PublicOrigin(url: nil, isTLS: false), clientAddressField: HTTPField.Name? = nil
        ) {
            self.envelope = envelope
            self.maxJSONBytes = maxJSONBytes
            self.origin = origin
            self.clientAddressField = clientAddressField
        }
    }

    public let name = "bkend"
    let storage: Storage
    let configuration: Configuration

    public init(storage: Storage, configuration: Configuration) {
        self.storage = storage
        self.configuration = configuration
    }

    public func respond(to request: Request, context: MagpieRequestContext) async -> Response? {
        let target = request.head.path ?? "/"
        guard let route = FilesAPIRoute(path: target.prefix { $0 != "?" }) else { return nil }
        context.trace.operation = route.operation(request.method)
        let call = FilesAPICall(route: route, request: request, target: target, context: context, frontend: self)
        var response: Response
        do {
            response = try await call.answer()
            // What it says is somebody's, and changes.
            response.headers[.cacheControl] = "no-store"
        } catch {
            let problem = FilesProblem(error, at: .interface)
            response = problem.response(to: request, context.trace)
            if problem.status == .unauthorized { response.headers[.wwwAuthenticate] = "Bearer" }
        }
        response.dropBody(ifHead: request)
        return response
    }
}
