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
    case none

    init(_ request: Request) {
        let shown = [request.headers[.xAPIKey], request.bearerToken].compactMap(\.self).filter { !$0.isEmpty }
        if let id = request.headers[.xClientID] {
            self = .pair(id: id, secret: request.headers[.xClientSecret] ?? "")
        } else if let key = shown.first(where: Self.isKey) {
            self = .key(key)
        } else if let token = shown.last {
            self = .token(token)
        } else {
            self = .none
        }
    }

    /// Whom they stand for.
    /// - Throws: `PixaultProblem` with 401 where there are none; `StorageError` with `.unauthenticated`, `.accessDenied` for a role that
    ///   no token may name.
    func principal(in storage: Storage) async throws -> Principal {
        switch self {
        case .pair(let id, let secret): try await storage.projects.principal(clientID: id, secret: secret)
        case .key(let key): try await storage.projects.principal(apiKey: key)
        case .token(let token): try storage.authenticator.principal(token: token)
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
