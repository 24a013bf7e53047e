// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore

/// Signing up, in and out of an app.
extension FilesAPICall {
    /// `{"method": "password", "email": …, "password": …, "name": …}`
    func signUp(_ key: Key) async throws -> Response {
        let fields = try await fields()
        let (email, password) = try Self.credentials(in: fields)
        let name = try fields.string("name") ?? ""
        do {
            let account = try await accounts.registerAppUser(
                email: email, password: password, name: name, key: key.credential, from: client)
            return tokens(try await accounts.issueTokens(for: account, from: client), status: .created)
        } catch let error as StorageError {
            throw Self.problem(error)
        }
    }

    /// `{"method": "password", "email": …, "password": …}`
    func signIn() async throws -> Response {
        let fields = try await fields()
        let (email, password) = try Self.credentials(in: fields)
        _ = try fields.string("mfaCode")
        guard EmailAddress(email) != nil else {
            throw FilesProblem(.badRequest, "auth/invalid-email", "The e-mail address is none")
        }
        do {
            let account = try await accounts.verify(email: email, password: password, from: client)
            return tokens(try await accounts.issueTokens(for: account, from: client))
        } catch let error as StorageError where error.code == .unauthenticated {
            throw FilesProblem(.unauthorized, "auth/invalid-credentials", error.message)
        } catch let error as StorageError {
            throw Self.problem(error)
        }
    }

    private static func credentials(in fields: FilesFields) throws -> (email: String, password: String) {
        guard try fields.requiredString("method") == "password" else {
            throw FilesProblem.invalid("method", "must be password")
        }
        return (try fields.requiredString("email"), try fields.requiredString("password"))
    }

    /// `{"refreshToken": …}`
    func refresh() async throws -> Response {
        let token = try await fields().requiredString("refreshToken")
        do {
            return tokens(try await accounts.refresh(token))
        } catch let error as StorageError where error.code == .unauthenticated {
            throw FilesProblem(.unauthorized, "auth/invalid-refresh-token", error.message)
        }
    }

    func me(in project: BucketID) async throws -> Response {
        let account = try await signedIn()
        let isAdmin = try await accounts.role(of: account, in: project).map { $0 >= .admin } ?? false
        let avatar = try await files.avatar(of: account.id.rawValue, in: project, facts: facts)
        return envelope.response { writer in
            writer.fields(of: account, isAdmin: isAdmin, image: avatar.map { urls.raw($0.s3Key) })
        }
    }

    func signOut() async throws -> Response {
        guard let token = try token() else { throw Self.tokenNeeded }
        try await accounts.endSession(of: token)
        return envelope.response { $0.field("message", "Signed out") }
    }

    /// The account that the token is of.
    /// - Throws: `FilesProblem` with 401 without a token, with 404 for a token of somebody who has no account here.
    func signedIn() async throws -> Account {
        guard let token = try token() else { throw Self.tokenNeeded }
        guard let account = try await accounts.account(of: token) else {
            throw FilesProblem(.notFound, "auth/user-not-found", "The token is of nobody who has an account here")
        }
        return account
    }

    private func tokens(_ issued: IssuedTokens, status: HTTPResponse.Status = .ok) -> Response {
        envelope.response(status: status) { writer in
            writer.field("accessToken", issued.accessToken)
            writer.field("refreshToken", issued.refreshToken)
            writer.field("tokenType", "Bearer")
            writer.field("expiresIn", Accounts.accessTokenLifetime)
            writer.key("user")
            writer.object { writer in
                writer.field("id", issued.account.id.rawValue)
                writer.field("email", issued.account.email.rawValue)
                writer.field("name", issued.account.name)
            }
        }
    }

    private static func problem(_ error: StorageError) -> FilesProblem {
        switch (error.code, error.resource) {
        case (.invalidParameter, "email"): FilesProblem(.badRequest, "auth/invalid-email", error.message)
        case (.invalidParameter, "password"): FilesProblem(.badRequest, "auth/invalid-password-format", error.message)
        case (.objectExists, _): FilesProblem(.conflict, "auth/email-already-exists", error.message)
        case (.accessDenied, _): FilesProblem(.forbidden, "auth/forbidden", error.message)
        case (.overloaded, _):
            FilesProblem(.tooManyRequests, "auth/too-many-requests", error.message, retryAfter: error.retryAfter)
        default: FilesProblem(error, at: .interface)
        }
    }
}

extension JSONWriter {
    fileprivate mutating func fields(of account: Account, isAdmin: Bool, image: String?) {
        field("id", account.id.rawValue)
        field("role", isAdmin ? "admin" : "user")
        field("name", account.name)
        field("email", account.email.rawValue)
        // No letters are sent here.
        field("emailVerified", String?.none)
        field("image", image)
        field("createdAt", account.createdAt)
    }
}
