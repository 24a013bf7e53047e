// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import Hummingbird
import MediaCore
import NIOCore

/// One request to this interface.
struct ConsoleCall {
    let route: ConsoleRoute
    let request: Request
    let context: MagpieRequestContext
    let frontend: ConsoleFrontend

    var accounts: Accounts { frontend.storage.accounts }
    var cookie: SessionCookie { SessionCookie(for: request, frontend.configuration.origin) }

    func answer() async throws -> Response {
        guard !route.methods.isEmpty else { throw Self.nothingHere }
        guard route.methods.contains(request.method.rawValue) else {
            throw ProblemDetails(.methodNotAllowed, "\(request.method.rawValue) is not for this path")
        }
        switch route {
        case .auth: return try await signUpState()
        case .register: return try await register()
        case .signIn: return try await signIn()
        default: break
        }
        let signedIn = try await signedIn()
        guard let name = route.project else { return try await answer(as: signedIn) }
        let project = try BucketID(existing: name)
        context.trace.bucket = project
        return try await answer(about: project, as: signedIn.account)
    }

    private func answer(as signedIn: SignedIn) async throws -> Response {
        switch (route, ForgeryGuard.isSafe(request.method)) {
        case (.me, _): describe(signedIn)
        case (.signOut, _): try await signOut(signedIn)
        case (.signOutEverywhere, _): try await signOutEverywhere(signedIn)
        case (.password, _): try await changePassword(of: signedIn)
        case (.sessions, _): try await sessions(of: signedIn)
        case (.session(let id), _): try await endSession(id, of: signedIn)
        case (.projects, true): try await projects(of: signedIn.account)
        case (.projects, false): try await createProject(as: signedIn.account)
        default: throw Self.nothingHere
        }
    }

    private func answer(about project: BucketID, as account: Account) async throws -> Response {
        switch (route, request.method) {
        case (.members, .post): try await addMember(to: project, as: account)
        case (.members, _): try await members(of: project, as: account)
        case (.member(_, let id), .patch): try await changeMember(id, of: project, as: account)
        case (.member(_, let id), _): try await removeMember(id, from: project, as: account)
        case (.keys, .post): try await createKey(of: project, as: account)
        case (.keys, _): try await keys(of: project, as: account)
        case (.key(_, let id), _): try await revokeKey(id, of: project, as: account)
        default: throw Self.nothingHere
        }
    }

    private static var nothingHere: ProblemDetails { ProblemDetails(.notFound, "There is nothing at this path") }

    /// Whose session the cookie is. - Throws: `ProblemDetails` with 401; with 403 for a change that may be forged.
    private func signedIn() async throws -> SignedIn {
        guard let text = cookie.token(in: request) else {
            throw ProblemDetails(.unauthorized, "Please sign in")
        }
        let signedIn = try await accounts.session(text)
        try ForgeryGuard.check(request, of: signedIn.token)
        return signedIn
    }

    /// Who asks, for limits and lists.
    var client: SignInClient { request.signInClient(context, frontend.configuration.clientAddressField) }

    // MARK: Bodies

    /// The JSON object in the body, which has to say that it is JSON: pages of other origins can't send such a body unasked.
    func fields() async throws -> [String: RequestValue] {
        let type = request.headers[.contentType]?.prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
        guard type == "application/json" else {
            throw ProblemDetails(.unsupportedMediaType, "The body must be application/json")
        }
        let body = try await request.collect(upTo: frontend.configuration.maxJSONBytes, context)
        guard case .object(let fields) = try Self.decoded(body) else {
            throw ProblemDetails(.badRequest, "The body must be a JSON object")
        }
        guard !RequestValue.object(fields).containsNUL else { throw ProblemDetails(.badRequest, "Text must not contain U+0000") }
        return fields
    }

    private static func decoded(_ body: ByteBuffer) throws(ProblemDetails) -> RequestValue {
        do {
            return try JSONDecoder().decode(RequestValue.self, from: Data(body.readableBytesView))
        } catch {
            throw ProblemDetails(.badRequest, "The body is no JSON")
        }
    }

    static func text(_ name: String, in fields: [String: RequestValue]) throws(ProblemDetails) -> String {
        guard case .string(let text)? = fields[name] else { throw ProblemDetails.invalid(name, "must be text") }
        return text
    }

    /// Nil where it is missing, or null.
    static func optionalText(_ name: String, in fields: [String: RequestValue]) throws(ProblemDetails) -> String? {
        switch fields[name] {
        case nil, .null?: nil
        default: try text(name, in: fields)
        }
    }

    static func optionalFlag(_ name: String, in fields: [String: RequestValue]) throws(ProblemDetails) -> Bool? {
        switch fields[name] {
        case nil, .null?: nil
        case .bool(let value)?: value
        default: throw ProblemDetails.invalid(name, "must be true or false")
        }
    }

    // MARK: Answers

    static func json(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json; charset=utf-8", .xContentTypeOptions: "nosniff"],
            body: .init(byteBuffer: ByteBuffer(string: text)))
    }

    static var done: Response { Response(status: .noContent) }
}
