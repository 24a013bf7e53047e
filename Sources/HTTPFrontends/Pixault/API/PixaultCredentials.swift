// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore

/// What a request shows of who makes it, in the forms that published clients know.
enum PixaultCredentials {
    /// `X-Client-Id` and `X-Client-Secret`.
    case pair(id: String, secret: String)
    /// A key of projects, in `X-Api-Key` or as a bearer token.
    case key(String)
    /// A token that somebody signed, in either of them.
    case token(String)
    /// The cookie of somebody who signed in.
    case session(String)
    case none

    init(_ request: Request, _ origin: PublicOrigin) {
        let shown = [request.headers[.xAPIKey], request.bearerToken].compactMap(\.self).filter { !$0.isEmpty }
        if let id = request.headers[.xClientID] {
            self = .pair(id: id, secret: request.headers[.xClientSecret] ?? "")
        } else if let key = shown.first(where: Self.isKey) {
            self = .key(key)
        } else if let token = shown.last {
            self = .token(token)
        } else if let session = SessionCookie(for: request, origin).token(in: request) {
            self = .session(session)
        } else {
            self = .none
        }
    }

    /// Whom they stand for when they are shown to a project.
    /// - Parameter least: what somebody who signed in has to be there.
    /// - Throws: `PixaultProblem` with 401 where there are none, with 403 for a change that may be forged; `StorageError` with
    ///   `.unauthenticated`, `.accessDenied` for a role that no token may name and for who is nothing in the project, `.bucketNotFound`.
    func principal(
        for project: BucketID, atLeast least: ProjectRole, in storage: Storage, _ request: Request
    ) async throws -> Principal {
        switch self {
        case .pair(let id, let secret): return try await storage.projects.principal(clientID: id, secret: secret)
        case .key(let key): return try await storage.projects.principal(apiKey: key)
        case .token(let token): return try storage.authenticator.principal(token: token)
        case .session(let session):
            let signedIn = try await storage.accounts.session(session)
            try ForgeryGuard.check(request, of: signedIn.token)
            return try await storage.accounts.principal(of: signedIn.account, in: project, atLeast: least)
        case .none:
            throw PixaultProblem(
                .unauthorized,
                "Credentials are needed: X-Client-Id with X-Client-Secret, X-Api-Key, or a token in Authorization: Bearer")
        }
    }

    /// Keys have a prefix, and tokens have dots.
    private static func isKey(_ text: String) -> Bool { text.hasPrefix("pk_") || text.hasPrefix("sk_") }
}

extension HTTPField.Name {
    static let xAPIKey = known("x-api-key")
    fileprivate static let xClientID = known("x-client-id")
    fileprivate static let xClientSecret = known("x-client-secret")
}
