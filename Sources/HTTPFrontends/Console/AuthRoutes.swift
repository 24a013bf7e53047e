// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore

/// Signing up, in and out.
extension ConsoleCall {
    func signUpState() async throws -> Response {
        let isOpen = try await accounts.isSignUpOpen()
        return Self.json(JSONWriter.object { $0.field("signUp", isOpen) })
    }

    /// `{"email": …, "password": …, "name": …}`
    func register() async throws -> Response {
        try ForgeryGuard.checkSite(request)
        let fields = try await fields()
        let account = try await accounts.register(
            email: try Self.text("email", in: fields), password: try Self.text("password", in: fields),
            name: try Self.optionalText("name", in: fields) ?? "", from: client)
        return try await begin(for: account, status: .created)
    }

    /// `{"email": …, "password": …}`
    func signIn() async throws -> Response {
        try ForgeryGuard.checkSite(request)
        let fields = try await fields()
        let account = try await accounts.verify(
            email: try Self.text("email", in: fields), password: try Self.text("password", in: fields), from: client)
        return try await begin(for: account, status: .ok)
    }

    /// Always a session of a new token: nobody but this client has ever seen it. What the client had before ends.
    private func begin(for account: Account, status: HTTPResponse.Status) async throws -> Response {
        if let text = cookie.token(in: request), let old = try await formerSession(text) {
            _ = try await accounts.endSession(old.session.id, of: old.account)
        }
        return describe(try await accounts.begin(.cookie, for: account, from: client), isNew: true, status: status)
    }

    private func formerSession(_ text: String) async throws -> SignedIn? {
        do {
            return try await accounts.session(text)
        } catch let error as StorageError where error.code == .unauthenticated {
            return nil
        }
    }

    func signOut(_ signedIn: SignedIn) async throws -> Response {
        _ = try await accounts.endSession(signedIn.session.id, of: signedIn.account)
        return signedOut
    }

    func signOutEverywhere(_ signedIn: SignedIn) async throws -> Response {
        try await accounts.endSessions(of: signedIn.account)
        return signedOut
    }

    private var signedOut: Response {
        var response = Self.done
        response.headers[.setCookie] = cookie.clearing
        return response
    }

    /// `{"currentPassword": …, "newPassword": …}`
    func changePassword(of signedIn: SignedIn) async throws -> Response {
        let fields = try await fields()
        let renewed = try await accounts.changePassword(
            of: signedIn, from: try Self.text("currentPassword", in: fields), to: try Self.text("newPassword", in: fields))
        return describe(renewed, isNew: true)
    }

    /// Who is signed in, and what changes have to show.
    func describe(_ signedIn: SignedIn, isNew: Bool = false, status: HTTPResponse.Status = .ok) -> Response {
        let text = JSONWriter.object { writer in
            writer.key("account")
            writer.object { $0.fields(of: signedIn.account) }
            writer.field("mayCreateProjects", accounts.mayCreateProjects(signedIn.account))
            writer.field("csrfToken", signedIn.token.antiForgeryToken)
            writer.key("session")
            writer.object { $0.fields(of: signedIn.session, isCurrent: true) }
        }
        var response = Self.json(text, status: status)
        if isNew { response.headers[.setCookie] = cookie.setting(signedIn) }
        return response
    }

    func sessions(of signedIn: SignedIn) async throws -> Response {
        let sessions = try await accounts.sessions(of: signedIn.account)
        var writer = JSONWriter()
        writer.array(sessions) { writer, session in
            writer.object { $0.fields(of: session, isCurrent: session.id == signedIn.session.id) }
        }
        return Self.json(writer.text)
    }

    func endSession(_ text: String, of signedIn: SignedIn) async throws -> Response {
        guard let id = SessionID(text), try await accounts.endSession(id, of: signedIn.account) else {
            throw ProblemDetails(.notFound, "There is no such session")
        }
        return id == signedIn.session.id ? signedOut : Self.done
    }
}

extension JSONWriter {
    mutating func fields(of account: Account) {
        field("id", account.id.rawValue)
        field("email", account.email.rawValue)
        field("name", account.name)
        field("isOperator", account.isOperator)
        field("createdAt", account.createdAt)
    }

    fileprivate mutating func fields(of session: AccountSession, isCurrent: Bool) {
        field("id", session.id.rawValue)
        field("kind", session.kind.rawValue)
        field("createdAt", session.createdAt)
        field("lastUsedAt", session.usedAt)
        field("expiresAt", session.expiresAt)
        field("endsAt", session.endsAt)
        field("address", session.client.address)
        field("userAgent", session.client.userAgent)
        field("isCurrent", isCurrent)
    }
}
