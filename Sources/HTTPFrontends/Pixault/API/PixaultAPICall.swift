// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import Hummingbird
import MediaCore
import NIOCore

/// One request to this interface.
struct PixaultAPICall {
    let route: PixaultAPIRoute
    let request: Request
    /// The request target as sent, query included.
    let target: String
    let context: MagpieRequestContext
    let frontend: PixaultAPIFrontend

    var storage: Storage { frontend.storage }

    func answer() async throws -> Response {
        if case .unreadable = route { throw PixaultProblem(.badRequest, "The path has escapes that are none") }
        guard !route.methods.isEmpty else { throw Self.nothingHere }
        guard route.methods.contains(request.method.rawValue) else {
            throw PixaultProblem(.methodNotAllowed, "\(request.method.rawValue) is not for this path")
        }
        switch route {
        case .catalogue: return catalogue()
        case .cataloguePlugin(let name): return try catalogueEntry(name)
        case .project(let name, let resource):
            let project = try BucketID(existing: name)
            context.trace.bucket = project
            return try await answer(resource, of: project, as: try await caller(for: project))
        case .unreadable: throw Self.nothingHere
        }
    }

    private func answer(
        _ resource: PixaultAPIRoute.Resource, of project: BucketID, as caller: Caller
    ) async throws -> Response {
        switch (resource, request.method == .head ? .get : request.method) {
        case (.transforms, .get): try await transforms(of: project, as: caller)
        case (.transforms, _): try await createTransform(in: project, as: caller)
        case (.transform(let name), .get): try await transform(name, of: project, as: caller)
        case (.transform(let name), .put): try await putTransform(name, in: project, as: caller)
        case (.transform(let name), _): try await deleteTransform(name, in: project, as: caller)
        case (.watermarks, _): try await watermarks(of: project, as: caller)
        case (.watermark(let id), .put): try await putWatermark(id, in: project, as: caller)
        case (.watermark(let id), _): try await deleteWatermark(id, in: project, as: caller)
        case (.plugins, _): try await plugins(of: project, as: caller)
        case (.plugin(let name, let activates), _):
            try await setPlugin(name, isActive: activates, in: project, as: caller)
        case (.originalsSigning, .get): try await originalsSigning(of: project, as: caller)
        case (.originalsSigning, .put): try await signOriginals(of: project, as: caller)
        case (.originalsSigning, _): try await openOriginals(of: project, as: caller)
        case (.upload, _), (.assets, .post): try await upload(to: project, as: caller)
        case (.assets, _): try await assets(of: project, as: caller)
        case (.folders, .get): try await folders(of: project, as: caller)
        case (.folders, _): try await createFolder(in: project, as: caller)
        case (.folder(let path), _): try await deleteFolder(path, in: project, as: caller)
        case (.asset(let id, let part), let method): try await answer(part, method, of: id, in: project, as: caller)
        case (.project, _): try await describe(project, as: caller)
        case (.usage, _): try await usage(of: project, as: caller)
        case (.storage(let part), let method): try await answer(part, method, of: project, as: caller)
        case (.migrations(let part), _): try await answer(part, of: project, as: caller)
        case (.unknown, _): throw Self.nothingHere
        }
    }

    private static var nothingHere: PixaultProblem { PixaultProblem(.notFound, "There is nothing at this path") }

    /// Who calls: a key of projects, which must be one of this one, somebody who signed in and is something in it, or whoever a token says.
    private func caller(for project: BucketID) async throws -> Caller {
        let facts = RequestFacts(
            operation: Operation(route.operation), method: request.method.rawValue, path: target,
            headers: request.headers.map { ($0.name.canonicalName, $0.value) }, requestID: context.trace.requestID)
        let credentials = PixaultCredentials(request, frontend.configuration.origin)
        let principal = try await credentials.principal(for: project, atLeast: route.leastRole, in: storage, request)
        try await storage.projects.authorise(principal, for: project, facts: facts)
        guard route.takesKeys || principal.scope == nil || principal.scope?.subject != nil else {
            throw PixaultProblem(.forbidden, "This is for the project's owner, signed in: keys do not open it")
        }
        return Caller(principal: principal, facts: facts)
    }

    /// The JSON object in the body, whatever type it is said to have.
    /// - Parameters:
    ///   - limit: the most there may be of it, in bytes, where that is less than of other bodies.
    ///   - mayBeMissing: whether an empty body is an empty object.
    func fields(upTo limit: Int = .max, mayBeMissing: Bool = false) async throws -> [String: RequestValue] {
        let body = try await request.collect(upTo: min(limit, frontend.configuration.maxJSONBytes), context)
        if mayBeMissing, body.readableBytes == 0 { return [:] }
        let value: RequestValue
        do {
            value = try JSONDecoder().decode(RequestValue.self, from: Data(body.readableBytesView))
        } catch {
            throw PixaultProblem(.badRequest, "The body is no JSON")
        }
        guard case .object(let fields) = value else { throw PixaultProblem(.badRequest, "The body must be a JSON object") }
        return fields
    }

    static func json(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(string: text)))
    }

    static var done: Response { Response(status: .noContent) }
}
