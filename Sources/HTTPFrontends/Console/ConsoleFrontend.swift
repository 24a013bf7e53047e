// SPDX-License-Identifier: Apache-2.0

public import HTTPTypes
public import Hummingbird
public import MediaCore

/// The console's interface: signing in with a cookie, and what people do with projects that keys of projects do not, such as their
/// members and the keys themselves. What keys do, Pixault's interface answers for the cookie as well.
public struct ConsoleFrontend: Frontend {
    public struct Configuration: Sendable {
        /// The largest JSON body, in bytes.
        public var maxJSONBytes: Int
        /// By which clients know the server; tells whether cookies are for TLS only.
        public var origin: PublicOrigin
        /// In which field a proxy in front says whom it asks for, the last of a list. Nil: who connects is who asks.
        public var clientAddressField: HTTPField.Name?

        public init(
            maxJSONBytes: Int = 16 << 10, origin: PublicOrigin = PublicOrigin(url: nil, isTLS: false),
            clientAddressField: HTTPField.Name? = nil
        ) {
            self.maxJSONBytes = maxJSONBytes
            self.origin = origin
            self.clientAddressField = clientAddressField
        }
    }

    public let name = "console"
    let storage: Storage
    let configuration: Configuration

    public init(storage: Storage, configuration: Configuration) {
        self.storage = storage
        self.configuration = configuration
    }

    public func respond(to request: Request, context: MagpieRequestContext) async -> Response? {
        let target = request.head.path ?? "/"
        guard let route = ConsoleRoute(path: target.prefix { $0 != "?" }) else { return nil }
        context.trace.operation = route.operation
        let call = ConsoleCall(route: route, request: request, context: context, frontend: self)
        var response: Response
        do {
            response = try await call.answer()
            // What it says is somebody's, and changes.
            response.headers[.cacheControl] = "no-store"
        } catch {
            let problem = ProblemDetails(error)
            response = problem.response(to: request, context.trace)
            if problem.status == .methodNotAllowed { response.headers[.allow] = route.methods.joined(separator: ", ") }
            if problem.status == .unauthorized {
                // RFC 9110 §15.5.2 wants one. No scheme that browsers have a dialogue for.
                response.headers[.wwwAuthenticate] = "Session"
                if call.cookie.token(in: request) != nil { response.headers[.setCookie] = call.cookie.clearing }
            }
        }
        response.dropBody(ifHead: request)
        return response
    }
}
