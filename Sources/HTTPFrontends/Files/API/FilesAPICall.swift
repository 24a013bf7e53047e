// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import Hummingbird
import MediaCore
import NIOCore

/// One request to this interface.
struct FilesAPICall {
    let route: FilesAPIRoute
    let request: Request
    /// The request target as sent, query included.
    let target: String
    let context: MagpieRequestContext
    let frontend: FilesAPIFrontend

    var storage: Storage { frontend.storage }
    var accounts: Accounts { frontend.storage.accounts }
    var envelope: FilesEnvelope { frontend.configuration.envelope }

    func answer() async throws -> Response {
        guard !route.methods.isEmpty else { throw Self.nothingHere }
        guard route.methods.contains(request.method.rawValue) else { throw FilesProblem.wrongMethod(allowed: route.methods) }
        let key = try await key()
        switch route {
        case .signUp: return try await signUp(key)
        case .signIn: return try await signIn()
        case .refresh: return try await refresh()
        case .me: return try await me(in: key.project)
        case .signOut: return try await signOut()
        default: break
        }
        guard let operation = route.scope(request.method) else { throw Self.nothingHere }
        guard key.credential.allows(operation) else {
            throw FilesProblem(
                .forbidden, "data/scope-insufficient", "The API key has no scope files:\(operation.rawValue)")
        }
        let caller = try await caller(key)
        do {
            return try await answer(as: caller)
        } catch let error as StorageError where error.code == .accessDenied && caller.isAnonymous {
            // Somebody may see it: clients sign in on 401, and give up on 403.
            throw Self.tokenNeeded
        }
    }

    static var nothingHere: FilesProblem { FilesProblem(.notFound, "common/not-found", "There is nothing at this path") }

    // MARK: Who calls

    /// A key of apps, and the project that it is of.
    struct Key {
        var credential: ProjectCredential
        var project: BucketID
    }

    /// The key in `X-API-Key`. One answer for a key that is missing, unknown, revoked or over: nobody learns which.
    /// - Throws: `FilesProblem` with 401.
    private func key() async throws -> Key {
        let refusal = FilesProblem(
            .unauthorized, "auth/unauthorized", "X-API-Key must be a publishable or secret key of a project that is in use")
        guard let text = request.headers[.xAPIKey], !text.isEmpty else { throw refusal }
        let credential: ProjectCredential
        do {
            credential = try await storage.projects.credential(text)
        } catch let error as StorageError where error.code == .unauthenticated {
            throw refusal
        }
        // The other kinds are another dialect's, where none of them is for everybody's eyes.
        guard credential.kind == .publishable || credential.kind == .secret, let project = credential.projects.first else {
            throw refusal
        }
        context.trace.bucket = project
        return Key(credential: credential, project: project)
    }

    /// Who calls for the project: the project itself by its secret key, somebody who signed in, or anybody.
    private func caller(_ key: Key) async throws -> FilesCaller {
        if let token = try token() {
            let principal = try await accounts.principal(of: token, in: key.project)
            return FilesCaller(caller: Caller(principal: principal, facts: facts), project: key.project)
        }
        guard key.credential.kind == .secret else {
            guard route.isOpen(request.method) else { throw route.isOfUsers ? Self.userUnknown : Self.tokenNeeded }
            return FilesCaller(
                caller: Caller(principal: storage.authenticator.anonymous, facts: facts), project: key.project,
                isAnonymous: true)
        }
        return FilesCaller(caller: Caller(principal: key.credential.principal, facts: facts), project: key.project)
    }

    var facts: RequestFacts {
        RequestFacts(
            operation: Operation(context.trace.operation), method: request.method.rawValue, path: target,
            headers: request.headers.map { ($0.name.canonicalName, $0.value) }, requestID: context.trace.requestID)
    }

    /// Whom the token in `Authorization` stands for. Nil without one.
    /// - Throws: `FilesProblem` with 401 for one that is none, or over.
    func token() throws -> Principal? {
        guard request.headers[.authorization] != nil, let text = request.bearerToken, !text.isEmpty else { return nil }
        do {
            let principal = try storage.authenticator.principal(token: text)
            // The key of the anonymous role is no one who signed in.
            return principal.role == storage.authenticator.anonymous.role && principal.subject == nil ? nil : principal
        } catch {
            throw FilesProblem(.unauthorized, "common/authentication-required", "The access token is not valid: \(error.message)")
        }
    }

    static var tokenNeeded: FilesProblem {
        FilesProblem(
            .unauthorized, "common/authentication-required", "An access token is needed in Authorization: Bearer")
    }

    private static var userUnknown: FilesProblem {
        FilesProblem(.unauthorized, "user/unauthorized", "An access token is needed in Authorization: Bearer")
    }

    /// Who asks, for limits and lists.
    var client: SignInClient { request.signInClient(context, frontend.configuration.clientAddressField) }

    // MARK: Bodies

    /// The JSON object in the body, whatever type it is said to have.
    /// - Parameter mayBeMissing: whether an empty body is an empty object.
    func fields(mayBeMissing: Bool = false) async throws -> FilesFields {
        let body: ByteBuffer
        do {
            body = try await request.collect(upTo: frontend.configuration.maxJSONBytes, context)
        } catch let error as StorageError where error.code == .tooLarge {
            throw FilesProblem(
                .contentTooLarge, "common/invalid-parameters",
                "The body must have at most \(frontend.configuration.maxJSONBytes) bytes")
        }
        return try FilesFields(body, mayBeMissing: mayBeMissing)
    }
}

/// Who calls, for which project.
struct FilesCaller {
    var caller: Caller
    var project: BucketID
    /// Whether nobody is signed in.
    var isAnonymous = false
}
